"""Secrets groups: the secret that a stage calls NAME is GROUP-NAME in one namespace of the cluster, and is copied into the run's namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass

from bodywork_compiler import labels
from bodywork_compiler.api import Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import failure_of
from bodywork_compiler.manifests import KubeObject, Plan, to_json
from bodywork_compiler.names import CONTROLLER_NAMESPACE
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.before import find
from bodywork_compiler.runner.references import OTHERS_WITH_PODS, named, named_by
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home
from bodywork_compiler.runner.verdicts.values import condition
from bodywork_compiler.runner.watching import annotation, label, name

NAMESPACE = CONTROLLER_NAMESPACE
OPAQUE = "Opaque"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`only`: the one secret that is looked for in it. A pipeline without a group has the SSH key in the group of its own name, perhaps."""

    name: str
    only: str | None = None

    def source(self, secret: str) -> str:
        return f"{self.name}-{secret}"

    def has(self, secret: str) -> bool:
        return self.only is None or secret == self.only


def group_of(plan: Plan) -> Group | None:
    facts = plan.facts
    if group := facts.get(labels.FACT_SECRETS_GROUP):
        return Group(name=group)
    ssh = facts.get(labels.FACT_SSH_SECRET)
    if ssh and facts.get(labels.FACT_CONFIG_VERSION) not in labels.BEFORE_GROUPS:
        return Group(name=plan.pipeline, only=ssh)
    return None


def find_in(session: Session, group: Group, secret: str, *, is_needed: bool = True) -> Object | None:
    """The group's secret; None: it is not there. One that may not be read is an error, but for what was never promised to be there."""
    api = session.api.elsewhere(NAMESPACE)
    try:
        found = session.ask(lambda: api.find("Secret", group.source(secret)))
    except Refused as why:
        if group.only or not is_needed:
            return None
        raise BodyworkError(
            f"the secrets group {group.name} cannot be read: {why.message}", hint=_rights(session, group.source(secret))
        ) from why
    # `a-b-c` is b-c of group a, or c of group a-b: its label says which
    return found if found and (label(found, labels.GROUP) or group.name) == group.name else None


def is_any_named(session: Session) -> bool:
    """Whether the plan names a secret of its group that is there, as far as it may be read: a run would copy it."""
    group = group_of(session.plan)
    return group is not None and any(
        find_in(session, group, secret, is_needed=False) for secret in sorted(named(session.plan)) if group.has(secret)
    )


def copy_of(session: Session, source: Object, secret: str) -> KubeObject:
    """The group's secret as it is to stand in the run's namespace."""
    return as_copy(source, secret, namespace=session.namespace, pipeline=session.plan.pipeline)


def as_copy(source: Object, secret: str, *, namespace: str, pipeline: str) -> KubeObject:
    mark = Home(pipeline, namespace).mark("v1", "Secret", namespace, secret)
    metadata = {
        "name": secret,
        "namespace": namespace,
        "labels": {labels.PIPELINE: pipeline, "app.kubernetes.io/managed-by": "bodywork"},
        "annotations": {labels.COPIED_FROM: f"{NAMESPACE}/{source['metadata']['name']}", labels.TRACKING: mark},
    }
    body = {"apiVersion": "v1", "kind": "Secret", "type": _type(source), "metadata": metadata, "data": source.get("data") or {}}
    return KubeObject(body, "the secrets group")


def is_the_same(stands: Object | None, copy: KubeObject) -> bool:
    """Whether nothing needs to be written."""
    return is_alike(stands, copy) and annotation(stands or {}, labels.COPIED_FROM) == copy.annotations[labels.COPIED_FROM]


def is_foreign(stands: Object, copy: KubeObject, group: Group) -> bool:
    """Whether a secret of that name is nobody's copy of this one: neither ours, nor the ancestor's, which has the group as its label."""
    if Home(copy.pipeline or "", copy.namespace or "").copied(stands):  # of another group, once
        return False
    is_ours = annotation(stands, labels.COPIED_FROM) == copy.annotations[labels.COPIED_FROM] or label(stands, labels.GROUP) == group.name
    return not is_ours


def is_copy_from(stands: Object, group: Group) -> bool:
    """Whether it was copied from that group, by us or by the ancestor."""
    origin = annotation(stands, labels.COPIED_FROM) or ""
    return origin.startswith(f"{NAMESPACE}/{group.name}-") or label(stands, labels.GROUP) == group.name


def not_overwritten(session: Session, group: Group, copy: KubeObject) -> BodyworkError:
    return BodyworkError(
        f"secret {copy.name} in namespace {session.namespace} is not a copy of {copy.annotations[labels.COPIED_FROM]}, and is not overwritten",
        hint="If the group's secret shall take its place: "
        + session.kubectl.line("label", f"secret/{copy.name}", f"{labels.GROUP}={group.name}"),
    )


def is_alike(stands: Object | None, copy: KubeObject) -> bool:
    return stands is not None and (stands.get("data") or {}) == copy.body["data"] and _type(stands) == copy.body["type"]


def _type(secret: Object) -> str:
    return str(secret.get("type") or OPAQUE)


def _rights(session: Session, source: str) -> str:
    kubectl = session.kubectl.in_namespace(NAMESPACE)
    return "\n  ".join(
        [
            "Bodywork copies a group's secrets in with your own rights. Whoever owns the cluster can give you them:",
            kubectl.line("create", "role", "read-secrets-groups", "--verb=get", "--resource=secrets"),
            kubectl.line("create", "rolebinding", "read-secrets-groups", "--role=read-secrets-groups", "--user=YOU"),
            kubectl.line("auth", "can-i", "get", f"secret/{source}") + "   # whether you have them",
        ]
    )


_KEPT = ("name", "namespace", "labels", "annotations")  # of the metadata of a secret that is put back


def copy_in(session: Session) -> None:
    """What `secrets.check` found in the group; two calls of kubectl at most. A secret that came to stand there meanwhile is not overwritten."""
    changed = [each for each in session.copies if not is_the_same(session.secrets_before.get(each.name), each)]
    new = [each for each in changed if each.name not in session.secrets_before]
    session.secrets_new = tuple(each.name for each in new)
    _put(session, "create", new)
    replaced = [each for each in changed if each.name in session.secrets_before]
    session.secrets_changed = tuple(each.name for each in replaced)
    _put(session, "replace", [_at_its_version(session, each) for each in replaced])


def put_back(session: Session) -> None:
    """The values that stood before, before any pod of before is made again. Once; what cannot be put back is told."""
    if session.options.keep_failed:
        return
    names, session.secrets_changed = session.secrets_changed, ()
    if not names:
        return
    copies = {each.name: each for each in session.copies}
    try:
        now = {each: find(session, "Secret", each) for each in names}
        ours = [each for each in names if is_the_same(now[each], copies[each])]
        _put(session, "replace", [_as_before(session.secrets_before[each], now[each]) for each in ours])
        session.notice(f"secrets put back as they were: {', '.join(ours) or 'none'}")
    except BodyworkError as failed:
        session.notice(f"secrets NOT put back as they were: {', '.join(names)}: {failed.message}", "ERROR")


def remove_new(session: Session) -> None:
    """After a failure: copies that stood not there before, but those that something needs that was good, or could not be taken back."""
    names, session.secrets_new = session.secrets_new, ()
    if not names or session.options.keep_failed:
        return
    try:
        found = [find(session, "Secret", each) for each in names]
        home = Home(session.plan.pipeline, session.namespace)
        unneeded = {name(each) for each in found if each and home.copied(each)} - set(_needed(session))
    except BodyworkError as why:
        session.notice(f"new copies of secrets were not removed again: {', '.join(names)}: {why.message}", "WARNING")
        return
    _delete(session, unneeded)


def _delete(session: Session, names: AbstractSet[str]) -> None:
    if not names:
        return
    result = session.kubectl.try_("delete", *(f"secret/{each}" for each in sorted(names)), "--ignore-not-found")
    tell_changes(session, labels.STEP_SETUP, [KubeObject({"kind": "Secret", "metadata": {"name": each}}) for each in names], result)
    if result.exit_code != 0:
        session.notice(f"not removed: secrets {', '.join(sorted(names))}: {result.said}", "WARNING")


def _needed(session: Session) -> Iterator[str]:
    """By what makes pods from now on: a Job that has ended does not."""
    for kind in ("Deployment", "Job"):
        for obj in _all(session, kind, None):
            if not (condition(obj, "Failed") or condition(obj, "Complete")):
                yield from named_by(obj.get("spec"))
    for kind in OTHERS_WITH_PODS:
        with suppress(Refused):
            for obj in _all(session, kind, None):
                yield from named_by(obj.get("spec"))


def _all(session: Session, kind: str, selector: str | None) -> list[Object]:
    return session.ask(lambda: session.api.list(kind, {"labelSelector": selector} if selector else {}))[0]


def _put(session: Session, verb: str, objects: Sequence[KubeObject]) -> None:
    if not objects:
        return
    result = session.kubectl.try_(verb, "-f", "-", stdin=to_json(objects))
    tell_changes(session, labels.STEP_SETUP, objects, result)
    # a call whose answer was lost is tried again, and is refused then what it has done
    if result.exit_code != 0 and not all(_stands(session, each) for each in objects):
        raise failure_of(result)


def _stands(session: Session, wanted: KubeObject) -> bool:
    found = find(session, "Secret", wanted.name)
    return found is not None and found.get("data") == wanted.body.get("data") and (found["metadata"].get("labels") or {}) == wanted.labels


def _at_its_version(session: Session, copy: KubeObject) -> KubeObject:
    """Refused when somebody else has changed it since we looked."""
    version = session.secrets_before[copy.name]["metadata"].get("resourceVersion")
    return KubeObject({**copy.body, "metadata": {**copy.body["metadata"], "resourceVersion": version}}, copy.origin)


def _as_before(before: Object, now: Object | None) -> KubeObject:
    metadata = {key: value for key, value in before["metadata"].items() if key in _KEPT}
    version = (now or {}).get("metadata", {}).get("resourceVersion")
    body = {key: value for key, value in before.items() if key in {"type", "data"}}
    return KubeObject({"apiVersion": "v1", "kind": "Secret", **body, "metadata": {**metadata, "resourceVersion": version}})
