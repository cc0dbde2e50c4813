"""Jobs go in the foreground: when the call returns, no pod of theirs runs on."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler import labels
from bodywork_compiler.api import Object
from bodywork_compiler.kubectl import KubectlFailed
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.applying import check, tell_changes
from bodywork_compiler.runner.observe import label, name, uid
from bodywork_compiler.runner.references import objects
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home

GOING_SECONDS = 150  # a pod's grace period is 30 s unless its manifest says more


def remove_former(session: Session) -> None:
    """Jobs of an earlier run stay to be looked at until the next one starts, which is now. Then any Job that is there is of this run."""
    former = [job for job in session.picture.all("Job") if _is_of_a_run(session, job) and name(job) not in session.kept_jobs]
    if not former:
        return
    session.picture.forget(uid(job) for job in former)
    session.notice(f"removing {len(former)} job{'s' if len(former) > 1 else ''} of an earlier run")
    delete(session, labels.STEP_SETUP, [name(job) for job in former])


def _is_of_a_run(session: Session, job: Object) -> bool:
    """A stage's: made by a run, or in the way of this one, which owners.check has allowed. A person's own with our labels is neither."""
    home = Home(session.plan.pipeline, session.namespace)
    in_the_way = any((each.kind, each.name) == ("Job", name(job)) for each in objects(session.plan))
    return bool(label(job, labels.STAGE)) and (in_the_way or home.made(job))


def delete(session: Session, step: int, names: Sequence[str]) -> None:
    """Delete Jobs and wait until their pods are gone; one that is gone already is fine. What kubectl could not do is raised."""
    words = [
        *(f"job/{each}" for each in names),
        "--cascade=foreground",
        "--ignore-not-found",
        f"--timeout={GOING_SECONDS}s",
        "--request-timeout=0",
    ]
    result = session.kubectl.try_("delete", *words, timeout_seconds=GOING_SECONDS + 30)
    tell_changes(session, step, [KubeObject({"kind": "Job", "metadata": {"name": each}}) for each in names], result)
    check(result)


def stop(session: Session, step: int, names: Sequence[str]) -> None:
    """Delete Jobs at the end of a step; that it could not be done is told, since the rest of the end must follow."""
    try:
        delete(session, step, names)
    except KubectlFailed as failed:
        session.notice(f"not stopped, or not gone yet: {', '.join(names)}: {failed.message}", "ERROR", where="run.step")
