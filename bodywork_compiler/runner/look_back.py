"""Before a run is said to have succeeded: a look back at its services. What was available once may have crashed a moment later, or in a later step."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.runner import step
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun, about
from bodywork_compiler.runner.step import StepEnd
from bodywork_compiler.runner.verdict import Situation, Verdict, judge
from bodywork_compiler.runner.verdicts.deployment import newest_pods
from bodywork_compiler.runner.verdicts.doom import crashes
from bodywork_compiler.runner.watching import uid

SETTLE_SECONDS = (
    5.0  # a service that crashes at its first requests, or after its first minute of work, does so by then or has done so twice
)
PATIENCE_SECONDS = 60.0  # for one that is not available just now: its pod may have been moved to another node
TICK_SECONDS = 1.0


def look_back(session: Session) -> StepEnd:
    """Good when every service of the run is available, and the newest of them has been for a moment."""
    runs = [run for run in session.services if run.result == "available"]
    began = session.clock()
    while runs and not session.interrupted.is_set():
        if not session.is_blind:
            for run in runs:
                run.verdict = _verdict(session, run, session.clock() - began)
            bad = [run for run in runs if run.verdict.state == "failed"]
            if bad:
                return _fail(session, bad)
            if all(run.verdict.state == "good" for run in runs):
                break
        session.check_time("its services to stay available")
        session.pump(TICK_SECONDS)
    return StepEnd(result="stopped", reason="interrupted at the look back at its services") if session.interrupted.is_set() else StepEnd()


def _verdict(session: Session, run: StageRun, waited_seconds: float) -> Verdict:
    """`running`: to be looked at again."""
    found = session.picture.get(run.plan.kind, run.plan.name)
    if found is None:
        return Verdict(state="failed", message=f"{run.plan.kind} {run.plan.name} is gone: it was deleted while the run went on")
    run.object = found
    run.pods = newest_pods(found, session.picture.pods_by_stage().get(run.manifest.stage, []))
    run.pods_seen |= {uid(pod): pod for pod in run.pods}
    events = session.picture.events_about(about(found, run.pods))
    now = judge(found, run.pods, events, Situation(ends_before=run.ends_when_good))
    is_new = session.clock() - run.good_at < SETTLE_SECONDS
    crashed = crashes(run.pods, run.ends_when_good, 1 if is_new or now.state != "good" else 2)
    if crashed and (is_new or crashes(run.pods, run.ends_when_good, 2)):
        return Verdict(state="failed", message=f"was available, then {crashed}")
    if now.state in {"failed", "timed out"} or (now.state == "running" and waited_seconds >= PATIENCE_SECONDS):
        return Verdict(state="failed", message=f"was available, and is not any more: {now.message}")
    return Verdict(state="running" if is_new else now.state, message=now.message)


def _fail(session: Session, bad: Sequence[StageRun]) -> StepEnd:
    """As a step does: evidence first, then what failed goes back."""
    session.begin_to_end()
    for run in bad:
        for pod in run.pods:
            session.logs.follow(run.stage, pod, None)
    ends = [
        step.fail(session, those, those, session.befores.get(number, ()))
        for number in sorted({run.plan.step for run in bad})
        if (those := [run for run in bad if run.plan.step == number])
    ]
    return StepEnd(result=ends[0].result, reason="; ".join(each.reason for each in ends))
