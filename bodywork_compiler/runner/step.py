"""One step: remember what stands, apply, wait for the verdict on every stage; and how it ends when one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bodywork_compiler.errors import BodyworkError, TimedOut
from bodywork_compiler.kubectl import KubectlFailed
from bodywork_compiler.manifests import PlanStep
from bodywork_compiler.runner import applying, copies, evidence, namespace, other_kinds, rollback, takeover
from bodywork_compiler.runner.before import Before, standing_before
from bodywork_compiler.runner.events import Evidence, Result, StagePlan, StepStarted
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import WAITED_FOR, StageRun
from bodywork_compiler.runner.takeover import restart_unchanged
from bodywork_compiler.runner.verdicts.values import State, Verdict

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
        applying.stop(session, runs[0].plan.step, running)


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


TICK_SECONDS = 1.0


def stage_plans(step: PlanStep) -> list[StagePlan]:
    """The stages of a step, in the order of its objects."""
    return [
        StagePlan(step=step.number, stage=each.stage or each.name, kind=each.kind, name=each.name)
        for each in step.objects
        if each.kind in WAITED_FOR
    ]


def run_step(session: Session, step: PlanStep) -> StepEnd:
    runs = _stage_runs(session, step)
    session.tell(StepStarted(step=step.number, stages=tuple(run.stage for run in runs)))
    takeover.make_room(session, step)
    before = standing_before(session, step)
    _remember_pods(session, runs)
    try:
        applied_at = session.clock()
        refused = _change(session, step, runs, before)
        if refused and not runs:
            return StepEnd(result="timed out" if isinstance(refused, TimedOut) else "failed", reason=refused.message)
        wait(session, runs)
        takeover.lead_over(session, step, runs)
        ended = conclude(session, runs, before)
        return _others(session, step, applied_at) if ended.is_good else ended
    except (BodyworkError, KeyboardInterrupt) as left:
        _end_as_left(session, runs, left)
        raise


def _others(session: Session, step: PlanStep, applied_at: float) -> StepEnd:
    verdict = other_kinds.wait_for(session, step, applied_at)
    if session.interrupted.is_set():
        return StepEnd(result="stopped", reason=f"interrupted in step {step.number}")
    if verdict.state == "good":
        return StepEnd()
    return StepEnd(result="timed out" if verdict.state == "timed out" else "failed", reason=verdict.message)


def _end_as_left(session: Session, runs: Sequence[StageRun], why: BaseException) -> None:
    """Nothing can be stopped or put back, or nobody waits for it."""
    for run in runs:
        if not run.result and session.changed:
            run.end(session, "stopped", f"left as it was: {str(why) or 'interrupted twice'}")


def _change(session: Session, step: PlanStep, runs: Sequence[StageRun], before: Sequence[Before]) -> KubectlFailed | None:
    """What kubectl refuses after the run's first change fails the stages that it is about, or the step that has none."""
    try:
        # a Job that was found running is waited for, and left alone
        found = [each for each in takeover.at_once(session, step) if each.kind != "Job" or each.name not in session.running_jobs]
        other_kinds.apply(session, step.number, found)
        restart_unchanged(session, runs, before)
    except KubectlFailed as refused:
        if not session.changed or (refused.hands_off and not session.is_over):
            raise
        _blame(runs, refused)
        return refused
    return None


def wait(session: Session, runs: Sequence[StageRun]) -> None:
    """Until every stage is good, one has failed, or a signal came. It acts on what the API server sends; the tick is for limits of time."""
    while not session.interrupted.is_set():
        look(session, runs)
        if any(run.verdict.state in {"failed", "timed out"} for run in runs) or all(run.result for run in runs):
            return
        if session.out_of_time:
            _end_for_the_run(session, runs)
            return
        session.pump(TICK_SECONDS)


def _end_for_the_run(session: Session, runs: Sequence[StageRun]) -> None:
    for run in runs:
        if not run.result:
            message = session.took_too_long(f"{run.stage}: {run.verdict.message or 'it was not seen yet'}")
            run.verdict = Verdict(state="timed out", message=message, attempts=run.verdict.attempts)


def look(session: Session, runs: Sequence[StageRun]) -> None:
    """Judge what still runs. While the API server cannot be asked nothing is judged: what is not seen is no verdict."""
    if session.is_blind:
        return
    pods = session.picture.pods_by_stage()
    for run in runs:
        if run.result or run.verdict.state in {"failed", "timed out"}:
            continue
        run.look(session, pods.get(run.manifest.stage, []))
        if run.verdict.state == "good":
            if run.plan.kind == "Job":
                run.end(session, "succeeded")
            else:
                run.became_available(session)
        elif run.verdict.state == "running":
            run.progress(session)


def _stage_runs(session: Session, step: PlanStep) -> list[StageRun]:
    manifests = {(each.kind, each.name): each for each in step.objects}
    return [
        StageRun(plan=plan, manifest=manifests[plan.kind, plan.name], address=address(session, step, plan.stage), began=session.clock())
        for plan in stage_plans(step)
    ]


def address(session: Session, step: PlanStep, stage: str) -> str | None:
    """Where a service answers inside the cluster."""
    for each in step.objects:
        ports = (each.body.get("spec") or {}).get("ports") if each.kind == "Service" and each.stage == stage else None
        if ports:
            return f"http://{each.name}.{session.namespace}.svc.cluster.local:{ports[0].get('port')}"
    return None


def _remember_pods(session: Session, runs: Sequence[StageRun]) -> None:
    pods = session.picture.pods_by_stage()
    for run in runs:
        if run.plan.kind == "Job" and run.plan.name in session.running_jobs:
            continue  # its pods are this run's
        run.remember_pods(pods.get(run.manifest.stage, []))


def _blame(runs: Sequence[StageRun], refused: KubectlFailed) -> None:
    """What kubectl could not apply, by the names that its words hold; when they hold none, every stage of the step."""
    state: State = "timed out" if isinstance(refused, TimedOut) else "failed"
    lines = refused.result.said.splitlines()
    for run in runs:
        about_it = [line for line in lines if f'"{run.plan.name}"' in line]
        if about_it:
            run.verdict = Verdict(state=state, message=" ".join(about_it))
    if not any(run.verdict.state == state for run in runs):
        for run in runs:
            run.verdict = Verdict(state=state, message=refused.message)
