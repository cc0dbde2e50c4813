"""The stage that runs when the workflow has failed. Its Job is rendered suspended, so that plain kubectl never runs it; here it is made anew, unsuspended."""

from __future__ import annotations

import copy
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import evidence, jobs
from bodywork_compiler.runner.applying import check, tell_changes
from bodywork_compiler.runner.events import StagePlan, StepStarted
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.step import TICK_SECONDS, look
from bodywork_compiler.runner.verdicts.values import Verdict

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
    jobs.delete(session, run.plan.step, [run.plan.name])
    result = session.kubectl.try_("create", "-f", "-", stdin=to_json([run.manifest]))
    tell_changes(session, run.plan.step, [run.manifest], result)
    check(result)


def _end(session: Session, run: StageRun) -> None:
    if run.verdict.state == "running":
        jobs.delete(session, run.plan.step, [run.plan.name])
        run.end(session, "stopped", "interrupted")
    else:
        evidence.gather(session, run)
        if not run.has_failed:
            jobs.stop(session, run.plan.step, [run.plan.name])
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
