"""Before its first change a run asks whether it may do all that it will do, and what the API server says to every object.

One question for the list of our rules answers for nearly all of it. It may be incomplete where something else than RBAC decides, so that what is
not on it is asked one by one, side by side: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from bodywork_compiler.api import NotThere, Refused, Resource
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl_errors import cannot_be_dry_run, is_there_already, not_found
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.runner import copies, resume, takeover
from bodywork_compiler.runner.applying import is_put_whole
from bodywork_compiler.runner.before import TAKEN_BACK, find
from bodywork_compiler.runner.rehearsal import NOT_ASKED, REFUSED, Checked, Key, Rehearsal, check, kinds_to_come
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.watching import name

SIDE_BY_SIDE = 8
_BATCH, _APPS, _CORE, _LEASES = "batch", "apps", "", "coordination.k8s.io"
_KNOWN = {
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "Secret"): "secrets",
    ("v1", "Service"): "services",
    ("v1", "ServiceAccount"): "serviceaccounts",
    ("apps/v1", "Deployment"): "deployments",
    ("batch/v1", "Job"): "jobs",
    ("networking.k8s.io/v1", "Ingress"): "ingresses",
}
# what Kubernetes' own role `edit` gives: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
_EDIT_GIVES = {*_KNOWN.values(), "pods", "pods/log", "replicasets", "events", "leases"}


class Right(NamedTuple):
    """One verb on one resource. `namespace` None: on the whole cluster. `without`: what the run does without it; "" where it cannot do without."""

    verb: str
    group: str
    resource: str
    namespace: str | None
    without: str = ""

    @property
    def words(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}"


def check_rights(session: Session) -> None:
    """Refuse a run that could not be carried out, and say what one that can be will do without."""
    _refuse_lacking(session, wanted(session, session.plan))


def check_copies(session: Session) -> None:
    """Whether the copies of a group's secrets can be made: only now is it known that there are any."""
    if session.copies:
        _may_copy(session)


def check_foreseen(session: Session) -> None:
    """All of it, for who only wants to know, and where nothing of the group has been read."""
    check_rights(session)
    if copies.is_any_named(session):
        _may_copy(session)


def _may_copy(session: Session) -> None:
    _refuse_lacking(session, [Right(verb, _CORE, "secrets", session.namespace) for verb in ("create", "update")])


def wanted(session: Session, plan: Plan) -> list[Right]:
    """Every verb on every kind that this run will need, each once."""
    here = session.namespace
    skipped = resume.left_out(plan, session.options)
    objects = [each for step in plan.steps for each in resume.without(step, skipped).objects]
    objects += [plan.on_failure] if plan.on_failure else []
    own = [each for each in objects if (each.kind, each.name) != ("Namespace", here)]
    found = [*_to_see(here), *_to_hold_the_lock(here), *_to_change(session, own)]
    found += _to_go_back_and_prune(here, own)
    if _has_no_namespace(session):
        found += [Right(verb, _CORE, "namespaces", None) for verb in ("create", "patch")]
    return list(dict.fromkeys(found))


def _has_no_namespace(session: Session) -> bool:
    try:
        return find(session, "Namespace", session.namespace) is None
    except Refused:  # who may not read namespaces works in one that was given to them
        return False


def _to_see(here: str) -> Iterator[Right]:
    for group, resource in ((_BATCH, "jobs"), (_APPS, "deployments"), (_CORE, "pods")):
        yield from (Right(verb, group, resource, here) for verb in ("list", "watch"))
    yield Right("get", _CORE, "pods/log", here, "no log of a stage is shown")


def _to_hold_the_lock(here: str) -> Iterator[Right]:
    yield from (Right(verb, _LEASES, "leases", here) for verb in ("get", "create", "patch"))


def _to_change(session: Session, objects: Sequence[KubeObject]) -> Iterator[Right]:
    """As kubectl apply does it: get, then create or patch. Jobs are made anew, and stopped when something fails."""
    resources: dict[tuple[str, str], Resource | None] = {}
    for each in objects:
        api_version = str(each.body.get("apiVersion"))
        key = (api_version, each.kind)
        if key not in resources:
            resources[key] = _resource(session, api_version, each.kind)
        resource = resources[key]
        if resource is None:
            continue
        where = (each.namespace or session.namespace) if resource.is_namespaced else None
        verbs = ("create", "update") if is_put_whole(each) else ("get", "create", "patch")
        group = api_version.rpartition("/")[0]
        yield from (Right(verb, group, resource.name, where) for verb in verbs)
        if each.kind == "Job" and each.stage:
            yield Right("delete", group, resource.name, where)


def _to_go_back_and_prune(here: str, objects: Sequence[KubeObject]) -> Iterator[Right]:
    kinds = {each.kind for each in objects}
    if kinds - {"Job"}:  # what stood before is written down before it is changed
        yield from (Right(verb, _CORE, "configmaps", here) for verb in ("get", "create", "patch"))
    for verb in ("create", "patch"):
        yield Right(verb, _CORE, "configmaps", here, "this run is not in the history")
    if "Deployment" in kinds:
        yield Right("list", _APPS, "replicasets", here, "a service that fails cannot go back to the version before")
    for kind in (each for each in TAKEN_BACK if each in kinds):
        group, resource = _of_kind(kind)
        yield Right("delete", group, resource, here, "a service that fails at its first deployment stays")


def _of_kind(kind: str) -> tuple[str, str]:
    return next((version.rpartition("/")[0], name) for (version, known), name in _KNOWN.items() if known == kind)


def _resource(session: Session, api_version: str, kind: str) -> Resource | None:
    """None: of a kind that the API server does not know, or not yet; kubectl says so in its time."""
    known = _KNOWN.get((api_version, kind))
    if known:
        return Resource(known, is_namespaced=True)
    try:
        return session.ask(lambda: session.api.resource_of(api_version, kind))
    except (NotThere, Refused):
        return None


def _refuse_lacking(session: Session, rights: Sequence[Right]) -> None:
    try:
        lacking = session.ask(lambda: _lacking(session, rights))
    except (NotThere, Refused) as why:  # an API server that does not answer this will answer what matters
        session.notice(f"not known whether this run may do all that it has to: {why}", "WARNING")
        return
    needed = {(each.verb, each.resource) for each in lacking if not each.without}
    for without in dict.fromkeys(each.without for each in lacking if each.without and (each.verb, each.resource) not in needed):
        rights_for_it = ", ".join(each.words for each in lacking if each.without == without)
        session.notice(f"you may not {rights_for_it}: {without}", "WARNING")
    if needed:
        raise _refusal(session, [each for each in lacking if not each.without])


def _lacking(session: Session, rights: Sequence[Right]) -> list[Right]:
    api = session.api
    places = dict.fromkeys(each.namespace for each in rights if each.namespace)
    rules = {each: (api if each == session.namespace else api.elsewhere(each)).own_rules() for each in places}
    open_questions = [each for each in rights if each.namespace is None or not is_given(each, rules[each.namespace])]
    if not open_questions:
        return []
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        answers = list(threads.map(lambda each: api.may(**_attributes(each)), open_questions))
    return [each for each, is_allowed in zip(open_questions, answers, strict=True) if not is_allowed]


def is_given(right: Right, rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the rules gives it, whatever the object is called."""
    return any(
        not rule.get("resourceNames")
        and {right.verb, "*"} & {*(rule.get("verbs") or ())}
        and {right.group, "*"} & {*(rule.get("apiGroups") or ())}
        and {right.resource, "*"} & {*(rule.get("resources") or ())}
        for rule in rules
    )


def _attributes(right: Right) -> dict[str, str]:
    resource, _, subresource = right.resource.partition("/")
    asked = {"verb": right.verb, "group": right.group, "resource": resource, "subresource": subresource, "namespace": right.namespace or ""}
    return {key: text for key, text in asked.items() if text}


# what is said


def _refusal(session: Session, lacking: Sequence[Right]) -> BodyworkError:
    who = session.ask(session.api.own_name)
    places = dict.fromkeys(each.namespace for each in lacking)
    said = "; ".join(
        f"{f'in namespace {place}' if place else 'in the whole cluster'}: "
        + ", ".join(each.words for each in lacking if each.namespace == place)
        for place in places
    )
    hints = [hint for place in places for hint in _role(session, who, place, [each for each in lacking if each.namespace == place])]
    return BodyworkError(f"this run needs rights that {who or 'you'} lack{'s' if who else ''}: {said}", hint="\n".join(hints))


def _role(session: Session, who: str, namespace: str | None, lacking: Sequence[Right]) -> Iterator[str]:
    subject = _subject(who)
    kind = "Role" if namespace else "ClusterRole"
    kubectl = session.kubectl.in_namespace(namespace or "")
    if namespace and {each.resource for each in lacking} <= _EDIT_GIVES:
        yield f"Kubernetes' own role edit has them: {kubectl.line('create', 'rolebinding', 'bodywork-edit', '--clusterrole=edit', subject)}"
    yield f"{'Or with these rules alone' if namespace else 'Rules that give them'}, in a {kind} that is bound to {who or 'you'}:"
    yield from (f"  {line}" for line in rules_for(lacking))


def rules_for(rights: Iterable[Right]) -> Iterator[str]:
    """As they are written into a role: a rule for each resource."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for each in rights:
        verbs.setdefault((each.group, each.resource), []).append(each.verb)
    for (group, resource), those in verbs.items():
        yield f"- {{apiGroups: {json.dumps([group])}, resources: {json.dumps([resource])}, verbs: {json.dumps([*dict.fromkeys(those)])}}}"


def _subject(who: str) -> str:
    if who.startswith("system:serviceaccount:"):
        return f"--serviceaccount={who.removeprefix('system:serviceaccount:')}"
    return f"--user={who or 'YOU'}"


ACCOUNT_SECONDS = 5.0  # a new namespace gets its account `default` a moment later, and lets no pod in before


def ask(session: Session) -> None:
    """One call of kubectl. What is refused is raised, all of it at once; what is warned about is told."""
    objects = list(_asked(session))
    if not objects or session.interrupted.is_set():
        return
    standing = {Key("Job", name(job)) for job in session.picture.all("Job")} | {Key(each.kind, each.name) for each in session.adopted}
    asking = Rehearsal(session.kubectl, secrets.token_hex(4), frozenset(_accounts_to_come(session, objects)))
    _wait_for_default_account(session)
    answers = check(asking, objects, standing)
    refused = [each for each in answers if each.action == REFUSED and not _may_be_good(each, objects)]
    told = dict.fromkeys(warning for each in answers for warning in each.warnings)
    if NOT_ASKED in told:  # no word of the API server's: whoever runs pipelines in a cluster may make Jobs, and no pods
        session.notice(NOT_ASKED, where="run.setup")
    warned = [warning for warning in told if warning != NOT_ASKED]
    for warning in warned:
        session.notice(f"the API server warns: {warning}", "WARNING", where="run.setup")
    if refused:
        listed = "\n".join(f"  {each.object.kind} {each.object.name}: {each.reason}" for each in refused)
        raise BodyworkError(f"the API server would refuse {len(refused)} of {len(answers)} objects, asked before step 1:\n{listed}")
    if warned and session.options.warnings_as_errors:
        raise BodyworkError("the API server warns about the manifests (--warnings-as-errors): " + "; ".join(warned))


def _asked(session: Session) -> Iterator[KubeObject]:
    """All that the run will apply, but for what cannot be known yet: objects of kinds that the run brings itself, and what takes another's place."""
    to_come = kinds_to_come(each for step in session.plan.steps for each in step.objects)
    left_out = {("Namespace", session.namespace), *(("Job", each) for each in session.running_jobs)}
    left_out |= {(each.kind, each.name) for each in session.adopted if each.has_other_selector}
    for step in session.plan.steps:
        for each in takeover.at_once(session, resume.without(step, session.skipped)):
            if (each.kind, each.name) not in left_out and (each.body.get("apiVersion"), each.kind) not in to_come:
                yield each
    if session.plan.on_failure:
        yield session.plan.on_failure


def _accounts_to_come(session: Session, objects: Sequence[KubeObject]) -> Iterator[str]:
    for each in objects:
        is_account = each.kind == "ServiceAccount" and each.namespace in {None, session.namespace}
        if is_account and _is_absent(session, each.name):
            yield each.name


def _is_absent(session: Session, account: str) -> bool:
    try:
        return find(session, "ServiceAccount", account) is None
    except Refused:
        return False


def _wait_for_default_account(session: Session) -> None:
    """Of a namespace that this run has just made."""
    give_up_at = session.clock() + ACCOUNT_SECONDS
    while session.changed and session.clock() < give_up_at and not session.interrupted.is_set():
        if not _is_absent(session, "default"):
            return
        session.pump(0.2)


def _may_be_good(answer: Checked, objects: Sequence[KubeObject]) -> bool:
    """What a dry run cannot tell: since a webhook takes none, since an object is replaced and not created, or since it needs another of the run."""
    reason = answer.reason or ""
    brought = {each.name for each in objects}
    return cannot_be_dry_run(reason) or is_there_already(reason) or any(each in brought for each in not_found(reason))
