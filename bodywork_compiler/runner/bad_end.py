"""What a run that ended badly does after its last step: earlier services go back where that was asked for, and the failure stage runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import ServerLost
from bodywork_compiler.runner import copies, put_back, rollback
from bodywork_compiler.runner.failure_stage import run_failure_stage
from bodywork_compiler.runner.observe import name
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.step_end import KEPT
from bodywork_compiler.runner.verdicts.values import condition


def end_badly(session: Session, reason: str) -> None:
    """After the first change only: before it there is nothing to undo, and nobody to be told."""
    session.begin_to_end()
    if session.options.keep_failed:
        session.notice(f"nothing is rolled back or removed: what this run made is {KEPT}", "WARNING")
    else:
        copies.put_back(session)
        if session.options.rollback == "all":
            rollback.take_all_back(session)
        put_back.changed(session)
    run_failure_stage(session, reason)
    if not session.options.keep_failed:
        put_back.new(session)
        copies.remove_new(session)


def say_what_is_left(session: Session, *, at_once: bool = False) -> None:
    """For people who have ended a run by hand: what of this pipeline stands in the namespace now; `at_once`: as it was last seen."""
    standing = ", ".join(_standing(session, session.picture.all if at_once else lambda kind: _as_it_is(session, kind)))
    look = session.kubectl.line("get", "jobs,deployments,pods", f"--selector={labels.PIPELINE}={session.plan.pipeline}")
    session.notice(f"left in namespace {session.namespace}: {standing or 'no job and no deployment'}; look: {look}", "WARNING")


def _as_it_is(session: Session, kind: str) -> list[Object]:
    """Asked anew: of what has just been deleted the watch may have to hear yet."""
    query = {"labelSelector": f"{labels.PIPELINE}={session.plan.pipeline}"}
    try:
        return session.ask(lambda: session.api.list(kind, query)[0], patience_seconds=0.0)
    except (Refused, NotThere, ServerLost):
        return session.picture.all(kind)


def _standing(session: Session, stand: Callable[[str], list[Object]]) -> Iterator[str]:
    results = {ended.name: ended.result for ended in session.ended.values() if ended.result in {"succeeded", "failed"}}
    for job in stand("Job"):
        seen = next((words for kind, words in (("Complete", "succeeded"), ("Failed", "failed")) if condition(job, kind)), "running")
        yield f"job {name(job)} ({results.get(name(job), seen)})"
    for deployment in stand("Deployment"):
        yield f"deployment {name(deployment)}"
