"""How a step ends. When one of its stages fails: evidence first, then nothing of the step runs on, and its services go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bodywork_compiler.runner import copies, evidence, jobs, namespace, rollback
from bodywork_compiler.runner.before import Before
from bodywork_compiler.runner.events import Evidence, Result
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.verdicts.values import Verdict

KEPT = "left as it stands (--keep-failed)"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """How a step ended; `reason` is the failure stage's message."""

    result: Result | None = None
    reason: str = ""

    @property
    def is_good(self) -> bool:
        return self.result is None


def conclude(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> StepEnd:
    bad = [run for run in runs if run.verdict.state in {"failed", "timed out"}]
    if session.interrupted.is_set():
        session.begin_to_end()
        return _interrupted(session, runs, before)
    if bad:
        session.begin_to_end()
        return fail(session, runs, bad, before)
    _let_go(session, runs)
    return StepEnd()


def _let_go(session: Session, runs: Sequence[StageRun]) -> None:
    """What was kept of its Jobs as evidence: nobody will ask for it, and a run of a thousand stages would hold all of it to its end."""
    for run in runs:
        if run.plan.kind == "Job":
            session.logs.keep_no_tail(run.stage)
            session.picture.let_go([*run.pods_seen])
            run.pods, run.pods_seen = (), {}


def _interrupted(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> StepEnd:
    unfinished = [run for run in runs if not run.result]
    copies.put_back(session)
    _stop(session, unfinished, before, "interrupted")
    if not session.options.keep_failed:
        for run in runs:
            if run.result == "available":
                rollback.take_back(session, run.plan, before)
    names = ", ".join(run.stage for run in unfinished)
    return StepEnd(result="stopped", reason=f"interrupted in step {runs[0].plan.step}: {names}" if unfinished else "interrupted")


def fail(session: Session, runs: Sequence[StageRun], bad: Sequence[StageRun], before: Sequence[Before]) -> StepEnd:
    if namespace.is_going(session):  # its pods end as if they had failed by themselves
        for run in bad:
            run.verdict = replace(run.verdict, message=f"namespace {session.namespace} is being deleted: {run.verdict.message}")
    found = [evidence.gather(session, run) for run in bad]
    for run in bad:
        run.end(session, _result(run.verdict), run.verdict.message)
    copies.put_back(session)  # before any pod of the former revision is made again
    _undo(session, bad, before)
    _stop(session, [run for run in runs if not run.result], before, "another stage of its step failed")
    return StepEnd(result=_result(bad[0].verdict), reason=_reason(found))


def _undo(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> None:
    """Services first: users are asking them."""
    if session.options.keep_failed:
        return
    for run in runs:
        if run.plan.kind == "Deployment":
            rollback.take_back(session, run.plan, before)
    running = [run.plan.name for run in runs if run.plan.kind == "Job" and not run.has_failed]
    if running:
        jobs.stop(session, runs[0].plan.step, running)


def _stop(session: Session, runs: Sequence[StageRun], before: Sequence[Before], why: str) -> None:
    """The others of the step: they have not failed, and do not run on."""
    if not runs:
        return
    session.pump(0.0)
    _undo(session, runs, before)
    for run in runs:
        evidence.drain(session, run.stage, seconds=1.0)
        if session.options.keep_failed:  # it runs on: its log has no end that this run could wait for
            session.logs.mute(run.stage)
        run.end(session, "stopped", f"{why}; {KEPT}" if session.options.keep_failed else why)


def _result(verdict: Verdict) -> Result:
    return "timed out" if verdict.state == "timed out" else "failed"


def _reason(found: Sequence[Evidence]) -> str:
    return "; ".join(f"{each.stage} (step {each.step}): {each.reason}" for each in found)
