"""One step: remember what stands, apply, wait for every stage's verdict; when one fails, evidence first, then nothing of the step runs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bodywork_compiler.api import Object
from bodywork_compiler.kubectl import KubectlFailed
from bodywork_compiler.manifests import PlanStep
from bodywork_compiler.runner import applying, evidence, jobs, rollback
from bodywork_compiler.runner.before import Before, find, remember
from bodywork_compiler.runner.events import Evidence, Result, StagePlan, StepStarted
from bodywork_compiler.runner.observe import generation
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import WAITED_FOR, StageRun
from bodywork_compiler.runner.verdict import STILL_KINDS
from bodywork_compiler.runner.verdicts.values import Verdict, condition

TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """How a step ended; `reason` is the failure stage's message."""

    result: Result | None = None
    reason: str = ""

    @property
    def is_good(self) -> bool:
        return self.result is None


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
    _say_unwatched(session, step)
    before = remember(session, step.objects)
    _remember_pods(session, runs)
    try:
        applying.apply(session, step.number, step.objects)
        _restart_unchanged(session, step, runs, before)
    except KubectlFailed as refused:
        if not session.changed:
            raise
        _blame(runs, refused)
    wait(session, runs)
    return _conclude(session, runs, before)


def wait(session: Session, runs: Sequence[StageRun]) -> None:
    """Until every stage is good, one has failed, or a signal came. It acts on what the API server sends; the tick is for limits of time."""
    while not session.interrupted.is_set():
        look(session, runs)
        if any(run.verdict.state in {"failed", "timed out"} for run in runs) or all(run.result for run in runs):
            return
        session.pump(TICK_SECONDS)


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
            if run.plan.kind != "Job":
                session.logs.mute(run.stage)
            run.end(session, "succeeded" if run.plan.kind == "Job" else "available")
        elif run.verdict.state == "running":
            run.progress(session)


def _conclude(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> StepEnd:
    if session.interrupted.is_set():
        _stop(session, [run for run in runs if not run.result], before)
        for run in runs:
            if run.result == "available":
                rollback.take_back(session, run.plan, before)
        return StepEnd(result="stopped", reason="interrupted")
    bad = [run for run in runs if run.verdict.state in {"failed", "timed out"}]
    if not bad:
        return StepEnd()
    found = [evidence.gather(session, run) for run in bad]
    for run in bad:
        run.end(session, _result(run.verdict), run.verdict.message)
    _undo(session, bad, before)
    _stop(session, [run for run in runs if not run.result], before)
    return StepEnd(result=_result(bad[0].verdict), reason=_reason(found))


def _undo(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> None:
    """A Job that has failed stays, to be looked at; one that only cannot succeed would run on."""
    running = [run.plan.name for run in runs if run.plan.kind == "Job" and not condition(run.object or {}, "Failed")]
    if running:
        jobs.delete(session, runs[0].plan.step, running)
    for run in runs:
        if run.plan.kind == "Deployment":
            rollback.take_back(session, run.plan, before)


def _stop(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> None:
    """The others of the step: they have not failed, and do not run on."""
    if not runs:
        return
    session.pump(0.0)
    _undo(session, runs, before)
    for run in runs:
        evidence.drain(session, run.stage, seconds=1.0)
        run.end(session, "stopped", "another stage of its step failed" if not session.interrupted.is_set() else "interrupted")


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
        run.remember_pods(pods.get(run.manifest.stage, []))


def _restart_unchanged(session: Session, step: PlanStep, runs: Sequence[StageRun], before: Sequence[Before]) -> None:
    """A Deployment whose pod template is as it was is restarted: its start-up code must run again to load the newest model."""
    was = {each.name: each.object for each in before if each.kind == "Deployment" and each.object}
    services = {run.plan.name: run for run in runs if run.plan.kind == "Deployment" and run.plan.name in was}
    is_now = {name: find(session, "Deployment", name) or {} for name in services}
    unchanged = [name for name in services if _template(is_now[name]) == _template(was[name])]
    if unchanged:
        result = session.kubectl.run("rollout", "restart", *(f"deployment/{name}" for name in unchanged))
        applying.tell_changes(session, step.number, [run.manifest for run in services.values()], result)
        is_now |= {name: find(session, "Deployment", name) or {} for name in unchanged}
    for name, run in services.items():
        run.generation = generation(is_now[name])


def _template(deployment: Object) -> object:
    return (deployment.get("spec") or {}).get("template")


def _blame(runs: Sequence[StageRun], refused: KubectlFailed) -> None:
    """What kubectl could not apply, by the names that its words hold; when they hold none, every stage of the step."""
    lines = refused.result.said.splitlines()
    for run in runs:
        about_it = [line for line in lines if f'"{run.plan.name}"' in line]
        if about_it:
            run.verdict = Verdict(state="failed", message=" ".join(about_it))
    if not any(run.verdict.state == "failed" for run in runs):
        for run in runs:
            run.verdict = Verdict(state="failed", message=refused.message)


def _say_unwatched(session: Session, step: PlanStep) -> None:
    for kind in dict.fromkeys(each.kind for each in step.objects if each.kind not in {*WAITED_FOR, *STILL_KINDS}):
        session.notice(f"step {step.number}: {kind} is applied, and not waited for", "WARNING", where="run.step")


def _result(verdict: Verdict) -> Result:
    return "timed out" if verdict.state == "timed out" else "failed"


def _reason(found: Sequence[Evidence]) -> str:
    return "; ".join(f"{each.stage} (step {each.step}): {each.reason}" for each in found)
