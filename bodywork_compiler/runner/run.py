"""A whole run: its phases in one list, what they may know in `Session`, how it ended in one event."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError, TimedOut
from bodywork_compiler.manifests import Plan, PlanStep
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import (
    applying,
    before,
    copies,
    evidence,
    failure_stage,
    history,
    lock_taking,
    look_back,
    namespace,
    other_kinds,
    owners,
    preflight,
    prune,
    resume,
    secrets,
)
from bodywork_compiler.runner.events import RunEnded, RunResult, RunStarted, StageEnded, StagePlan
from bodywork_compiler.runner.lease import LockTaken
from bodywork_compiler.runner.namespace import Whereabouts
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.step import run_step, stage_plans
from bodywork_compiler.runner.tracking import tracked

EXIT_DONE, EXIT_REFUSED, EXIT_FAILED, EXIT_TIMED_OUT = 0, 1, 4, 70
DRAIN_SECONDS = 10.0
_KINDS = ("Job", "Deployment", "Pod", "Event")
_EXITS: dict[RunResult, int] = {
    "succeeded": EXIT_DONE,
    "refused": EXIT_REFUSED,
    "failed": EXIT_FAILED,
    "timed out": EXIT_TIMED_OUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """`hands_off`: nothing may, or can, be done about it."""

    result: RunResult = "succeeded"
    reason: str | None = None
    hands_off: bool = False


def begin_to_see(session: Session) -> None:
    session.watch(_KINDS, f"{labels.PIPELINE}={session.plan.pipeline}")


def set_up(session: Session) -> None:
    """Step 0. The run's own Namespace is never patched."""
    for step in session.plan.steps:
        objects = [each for each in step.objects if (each.kind, each.name) != ("Namespace", session.namespace)]
        if step.number == labels.STEP_SETUP and objects:
            began = session.clock()
            before.standing_before(session, PlanStep(number=step.number, objects=tuple(objects)))
            other_kinds.apply(session, step.number, objects)
            other_kinds.must_be_good(session, step, began)


# Those of the first list change nothing but the lock. Their order is the order of the run.
LOOK: tuple[Callable[[Session], None], ...] = (
    preflight.check_rights,
    lock_taking.take_if_there,
    begin_to_see,
    namespace.refuse_another_than_theirs,
    owners.check,
    secrets.check,
    preflight.check_copies,
    resume.choose,
)
PREPARE: tuple[Callable[[Session], None], ...] = (
    namespace.create_when_absent,
    lock_taking.take,
    preflight.ask,
    applying.remove_former,
    lock_taking.begin,
    copies.copy_in,
    set_up,
)


def execute(session: Session, started: RunStarted) -> int:
    """Run the plan and return the exit code. What is refused before the first change is raised too; after it, it is how the run ended."""
    session.plan = tracked(session.plan, session.namespace)
    session.tell(started)
    try:
        end = _carry_out(session)
    except BodyworkError as problem:
        problem.message = session.mask.text(problem.message)
        problem.hint = session.mask.text(problem.hint) if problem.hint else None
        exit_code = _tell_end(session, started, _end_by(problem, session))
        if not session.changed:
            raise
        return exit_code
    except KeyboardInterrupt:  # the second one
        failure_stage.say_what_is_left(session, at_once=True)
        _tell_end(session, started, End(result="interrupted", reason="interrupted twice", hands_off=True))
        raise
    except Exception as bug:
        session.mask.bug(bug)
        raise
    with contextlib.suppress(LockTaken):  # all is done, and told
        evidence.drain(session, seconds=DRAIN_SECONDS)
    return _tell_end(session, started, end)


def _carry_out(session: Session) -> End:
    """To its end, a good or a bad one. Only what refuses the run before its first change is raised."""
    try:
        end = _go_through(session)
    except BodyworkError as problem:
        if not session.changed and not session.interrupted.is_set():
            raise
        end = _end_by(problem, session)
    if session.changed and end.result != "succeeded" and not end.hands_off:
        failure_stage.end_badly(session, end.reason or end.result)
    if session.changed and (end.hands_off or end.result == "interrupted"):
        failure_stage.say_what_is_left(session, at_once=end.hands_off)
    return end


def _end_by(problem: BodyworkError, session: Session) -> End:
    result: RunResult = "failed" if session.changed else "refused"
    if session.interrupted.is_set():
        result = "interrupted"
    elif isinstance(problem, TimedOut):
        result = "timed out"
    return End(result=result, reason=session.mask.text(problem.message), hands_off=problem.hands_off)


def _tell_end(session: Session, started: RunStarted, end: End) -> int:
    session.logs.give_up()
    ended = RunEnded(
        result=end.result,
        exit_code=session.interrupted_exit if end.result == "interrupted" else _EXITS[end.result],
        seconds=session.seconds,
        pipeline=started.pipeline,
        namespace=session.namespace,
        git_commit=started.git_commit,
        stages=tuple(session.ended.get((plan.step, plan.name)) or _not_started(plan) for plan in started.stages),
        reason=end.reason,
    )
    if not end.hands_off:
        with contextlib.suppress(LockTaken):  # then that is the other run's business
            _put_away(session, started, ended)
    session.tell(ended)
    return ended.exit_code


def _put_away(session: Session, started: RunStarted, ended: RunEnded) -> None:
    """What a run that is cut off would need to be resumed. One that has changed nothing leaves that of the run before it as it was."""
    if session.changed or ended.result == "succeeded":
        history.record(session, started, ended)
        before.forget(session)
    lock_taking.give_back(session, ended.result)


def about_to_start(plan: Plan, where: Whereabouts, options: RunOptions | None = None) -> RunStarted:
    """The run in one value: the first event, and what a person is asked about."""
    stages = tuple(each for step in plan.steps if step.number != labels.STEP_SETUP for each in stage_plans(step))
    return RunStarted(
        pipeline=plan.pipeline,
        namespace=where.namespace,
        context=where.context,
        git_url=_annotation(plan, labels.GIT_URL),
        git_branch=_annotation(plan, labels.GIT_BRANCH),
        git_commit=_annotation(plan, labels.GIT_COMMIT),
        step_count=max((each.step for each in stages), default=0),
        stages=stages,
        schedule_timeout_seconds=options.schedule_timeout_seconds if options else None,
    )


def _go_through(session: Session) -> End:
    for phase in (*LOOK, *PREPARE):
        if session.interrupted.is_set():
            return End(result="interrupted")
        session.check_time("its preparation")
        phase(session)
    return _run_steps(session)


def _run_steps(session: Session) -> End:
    for step in session.plan.steps:
        if step.number == labels.STEP_SETUP:
            continue
        if session.interrupted.is_set():
            return End(result="interrupted", reason=f"interrupted before step {step.number}")
        session.check_time(f"step {step.number} to begin")
        _tell_skipped(session, step)
        todo = resume.without(step, session.skipped)
        if not todo.objects:
            continue
        ended = run_step(session, todo)
        if ended.result == "stopped":
            return End(result="interrupted", reason=ended.reason)
        if not ended.is_good:
            return End(result="timed out" if ended.result == "timed out" else "failed", reason=ended.reason)
    looked = look_back.look_back(session)
    if not looked.is_good:
        return End(result="interrupted" if looked.result == "stopped" else "failed", reason=looked.reason)
    prune.prune(session)
    return End()


def _tell_skipped(session: Session, step: PlanStep) -> None:
    for plan in stage_plans(step):
        if why := session.skipped.get((plan.step, plan.stage)):
            skipped = StageEnded(
                step=plan.step, stage=plan.stage, kind=plan.kind, name=plan.name, result="skipped", seconds=0.0, reason=why
            )
            session.ended[plan.step, plan.name] = skipped
            session.tell(skipped)


def _not_started(plan: StagePlan) -> StageEnded:
    return StageEnded(step=plan.step, stage=plan.stage, kind=plan.kind, name=plan.name, result="not started", seconds=0.0)


def _annotation(plan: Plan, key: str) -> str | None:
    """Where the manifests came from, as the first object that knows says."""
    return next((each.annotations[key] for step in plan.steps for each in step.objects if key in each.annotations), None)
