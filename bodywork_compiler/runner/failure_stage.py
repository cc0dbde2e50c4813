"""What a run that ended badly does after its last step: services go back, and the failure stage runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError, ServerLost
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import applying, copies, evidence, rollback
from bodywork_compiler.runner.applying import check, tell_changes
from bodywork_compiler.runner.events import StagePlan, StepStarted
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.step import KEPT, TICK_SECONDS, look
from bodywork_compiler.runner.verdicts.values import Verdict, condition
from bodywork_compiler.runner.watching import name

MOST_BYTES = 4096
LONGEST_SECONDS = 600.0  # where nobody waits any more: after a signal, or the run's own limit


def run_failure_stage(session: Session, reason: str) -> None:
    """Run it to its end. Whatever becomes of it, the run's result stays what it was."""
    job = session.plan.on_failure
    if job is None:
        return
    was_interrupted = session.interrupted.is_set()
    step = max(each.number for each in session.plan.steps) + 1
    plan = StagePlan(step=step, stage=job.stage or job.name, kind="Job", name=job.name)
    session.tell(StepStarted(step=step, stages=(plan.stage,)))
    run = StageRun(plan=plan, manifest=KubeObject(with_reason(job.body, session.mask.text(reason))), address=None, began=session.clock())
    try:
        _make(session, run)
        _wait(session, run, was_interrupted=was_interrupted)
        if not run.result:
            _end(session, run)
    except BodyworkError as failed:
        session.notice(f"{run.stage}: {failed.message}", "ERROR", where="run.failure_stage")
        run.end(session, "failed", failed.message)


def _make(session: Session, run: StageRun) -> None:
    applying.delete(session, run.plan.step, [run.plan.name])
    result = session.kubectl.try_("create", "-f", "-", stdin=to_json([run.manifest]))
    tell_changes(session, run.plan.step, [run.manifest], result)
    check(result)


def _end(session: Session, run: StageRun) -> None:
    if run.verdict.state == "running":
        applying.delete(session, run.plan.step, [run.plan.name])
        run.end(session, "stopped", "interrupted")
    else:
        evidence.gather(session, run)
        if not run.has_failed:
            applying.stop(session, run.plan.step, [run.plan.name])
        run.end(session, "timed out" if run.verdict.state == "timed out" else "failed", run.verdict.message)


def _wait(session: Session, run: StageRun, *, was_interrupted: bool) -> None:
    """The signal that ended the run does not end this stage; a first one while it runs does."""
    give_up_at = session.clock() + LONGEST_SECONDS
    while was_interrupted or not session.interrupted.is_set():
        look(session, [run])
        if run.result or run.verdict.state != "running":
            return
        if session.hurries and session.clock() >= give_up_at:
            said = f"took longer than {LONGEST_SECONDS:g} s, which is all that it gets when the run was ended: {run.verdict.message}"
            run.verdict = Verdict(state="timed out", message=said, attempts=run.verdict.attempts)
            return
        session.pump(TICK_SECONDS)


def with_reason(job: Any, reason: str) -> dict[str, Any]:
    """The Job, running, with the reason in its stage's environment: at most 4 KiB, and never log lines."""
    body: dict[str, Any] = copy.deepcopy(dict(job))
    body["spec"]["suspend"] = False
    for container in body["spec"]["template"]["spec"]["containers"]:
        others = [each for each in container.get("env") or () if each.get("name") != labels.EXCEPTION_MESSAGE]
        container["env"] = [*others, {"name": labels.EXCEPTION_MESSAGE, "value": _value(reason)}]
    return body


def _value(reason: str) -> str:
    """Cut between characters; each $ is doubled, since Kubernetes would expand $(NAME)."""
    cut = reason.encode()[:MOST_BYTES].decode(errors="ignore")
    return cut.replace("$", "$$")


def end_badly(session: Session, reason: str) -> None:
    """After the first change only: before it there is nothing to undo, and nobody to be told."""
    session.begin_to_end()
    if session.options.keep_failed:
        session.notice(f"nothing is rolled back or removed: what this run made is {KEPT}", "WARNING")
    else:
        copies.put_back(session)
        if session.options.rollback == "all":
            rollback.take_all_back(session)
        rollback.changed(session)
    run_failure_stage(session, reason)
    if not session.options.keep_failed:
        rollback.new(session)
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
