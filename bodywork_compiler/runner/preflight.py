"""Before step 1 the API server is asked about every object of every step, and a pod of each template: so that nothing trains for an hour to be refused in step 2."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from bodywork_compiler.api import Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl_errors import cannot_be_dry_run, is_there_already, not_found
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner import part, takeover
from bodywork_compiler.runner.before import find
from bodywork_compiler.runner.observe import name
from bodywork_compiler.runner.rehearsal import NOT_ASKED, REFUSED, Checked, Key, Rehearsal, check, kinds_to_come
from bodywork_compiler.runner.session import Session

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
        for each in takeover.at_once(session, part.without(step, session.skipped)):
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
