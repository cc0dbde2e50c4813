"""What of a plan a run does: all of it, the part that was asked for, or what a run that was cut off has left.

A run that was cut off has left a Lease without an end (`lease.py`), what stood before its services (`before.py`), and its objects. Nothing else
says how far it came: a Job that is Complete is finished, a service that is good and no longer what stood before is finished too.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bodywork_compiler import labels, names
from bodywork_compiler.api import Object
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, Plan, PlanStep
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import before, lease
from bodywork_compiler.runner.events import StagePlan
from bodywork_compiler.runner.lease import Record
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import about
from bodywork_compiler.runner.step import stage_plans
from bodywork_compiler.runner.verdict import Situation, State, judge
from bodywork_compiler.runner.watching import uid

Key = tuple[int, str]  # a step, and a stage in it


def check(plan: Plan, options: RunOptions) -> None:
    """Refuse a step that there is not, and names that no stage has: all at once."""
    last = max((step.number for step in plan.steps), default=labels.STEP_SETUP)
    if options.from_step and options.from_step > last:
        raise BodyworkError(f"--from-step {options.from_step}: there is no such step", hint=f"The last step of {plan.pipeline} is {last}.")
    known = sorted({name for each in _objects(plan) for name in _names(each)})
    unknown = [each for each in options.only if not _stages_called(plan, each)]
    if unknown:
        listed = ", ".join(f"{each}{_nearest(each, known)}" for each in unknown)
        stages = ", ".join(dict.fromkeys(stage_of(each) for each in _objects(plan)))
        raise BodyworkError(f"{plan.pipeline} has no stage {listed}", hint=f"Its stages: {stages}.")


def left_out(plan: Plan, options: RunOptions) -> dict[Key, str]:
    """The stages that are not run, and why."""
    only = {stage for each in options.only for stage in _stages_called(plan, each)}
    found: dict[Key, str] = {}
    for step in plan.steps:
        for each in step.objects if step.number != labels.STEP_SETUP else ():
            if options.from_step and step.number < options.from_step:
                found[step.number, stage_of(each)] = f"--from-step {options.from_step}"
            elif only and stage_of(each) not in only:
                found[step.number, stage_of(each)] = "--only"
    return found


def without(step: PlanStep, keys: Sequence[Key] | dict[Key, str]) -> PlanStep:
    """The step without the objects of these stages."""
    kept = tuple(each for each in step.objects if (step.number, stage_of(each)) not in keys)
    return PlanStep(number=step.number, objects=kept)


def narrowed(plan: Plan, options: RunOptions) -> Plan:
    """What would be run, for a dry run."""
    keys = left_out(plan, options)
    steps = tuple(each for step in plan.steps if (each := without(step, keys)).objects)
    return Plan(pipeline=plan.pipeline, namespace=plan.namespace, steps=steps, on_failure=plan.on_failure, facts=plan.facts)


def stage_of(each: KubeObject) -> str:
    return each.stage or each.name


def _objects(plan: Plan) -> Iterator[KubeObject]:
    for step in plan.steps:
        if step.number != labels.STEP_SETUP:
            yield from step.objects


def _stages_called(plan: Plan, given: str) -> set[str]:
    """By its own name, as the config has it, or by that of its object."""
    return {stage_of(each) for each in _objects(plan) if _names(each) & {*names.spellings(given)}}


def _names(each: KubeObject) -> set[str]:
    return {stage_of(each), each.name}


def _nearest(given: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(names.clean(given), known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


SET_UP = "set-up"
FINISHED = "finished before the run was cut off"
_KEPT = (lease.RUN, lease.STARTED, lease.PLAN, lease.PLAN_DIGEST, lease.PART, lease.BEGUN)


def digests(plan: Plan) -> dict[str, str]:
    """Stage → digest of all its objects, wherever in the plan they are."""
    found: dict[str, hashlib._Hash] = {}
    on_failure = [plan.on_failure] if plan.on_failure else []
    for each in (*(each for step in plan.steps for each in step.objects), *on_failure):
        text = json.dumps(each.body, sort_keys=True, separators=(",", ":"))
        found.setdefault(each.stage or SET_UP, hashlib.sha256()).update(text.encode())
    return {stage: digest.hexdigest()[:16] for stage, digest in found.items()}


def digest_of(found: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def refuse_unknown(session: Session, record: Record | None) -> None:
    """Only the last run can be resumed, when nothing says how it ended, with the plan that it had."""
    where = f"{session.plan.pipeline} in namespace {session.namespace}"
    if record is None or not record.run:
        raise BodyworkError(f"nothing to resume: nothing is known of a run of {where}", hint="Run it: bodywork apply, without --resume.")
    if not record.was_cut_off:
        ended = record.annotations.get(lease.ENDED, "nobody knows how")
        raise BodyworkError(
            f"nothing to resume: the last run of {where}, by {record.by}, has ended: {ended}",
            hint="Run it anew: bodywork apply, without --resume; from a step on: --from-step N.",
        )
    changed = sorted(set(record.plan.items()) ^ set(digests(session.plan).items()))
    if changed:
        stages = ", ".join(dict.fromkeys(stage for stage, _ in changed))
        raise BodyworkError(
            f"the plan is not that of the run that was cut off: {stages}: changed since",
            hint="Run it anew: bodywork apply, without --resume. Or give --resume what was run then.",
        )


def kept(record: Record) -> dict[str, str]:
    """What the Lease says on, when the run goes on in other hands."""
    return {key: record.annotations[key] for key in _KEPT if key in record.annotations}


def choose(session: Session) -> None:
    """What is left out, and what is left to do."""
    former = session.lock.former if session.lock and session.options.resume else None
    if former:
        asked = former.part
        session.options = replace(session.options, from_step=asked.get("from_step"), only=tuple(asked.get("only") or ()))
        check(session.plan, session.options)
    session.skipped = left_out(session.plan, session.options)
    session.kept_jobs = frozenset(_jobs(session, session.skipped))
    if former:
        _go_on(session, former)


def _go_on(session: Session, former: Record) -> None:
    if lease.BEGUN in former.annotations:
        session.changed = True  # it is one run, and has changed something before
        session.befores = before.recorded(session, former.run)
        _find_finished(session)
    runs_on = f", {', '.join(sorted(session.running_jobs))} runs on" if session.running_jobs else ""
    finished = [stage for (_, stage), why in session.skipped.items() if why == FINISHED]
    said = f"finished: {', '.join(finished) or 'nothing'}{runs_on}"
    session.notice(f"going on with the run that {former.by} began at {former.annotations.get(lease.STARTED, '?')[:19]}Z; {said}")


def _find_finished(session: Session) -> None:
    """Step by step, as the run itself went. What stands of a step after the first that is not finished is of no worth: it is made anew."""
    steps = [step for step in session.plan.steps if step.number != labels.STEP_SETUP]
    for place, step in enumerate(steps):
        plans = [each for each in stage_plans(step) if (each.step, each.stage) not in session.skipped]
        states = {each: _state(session, each) for each in plans}
        is_behind = all(state == "good" for state in states.values()) and any(_has_begun(session, each) for each in steps[place + 1 :])
        for each, state in states.items():
            # services of the step that was under way are applied once more: that costs nothing, and who knows what of them was
            if state == "good" and (is_behind or each.kind == "Job"):
                session.skipped[each.step, each.stage] = FINISHED
            elif state == "running" and each.kind == "Job":
                session.running_jobs |= {each.name}
        if not is_behind:
            break
    session.kept_jobs = frozenset(_jobs(session, session.skipped)) | session.running_jobs


def _state(session: Session, plan: StagePlan) -> State:
    """As it stands now; what the run had not changed yet is to be done, however well it stands."""
    found = session.picture.get(plan.kind, plan.name)
    if found is None or found["metadata"].get("deletionTimestamp") or (plan.kind != "Job" and not _is_changed(session, plan, found)):
        return "failed"
    pods = session.picture.all("Pod")
    return judge(found, pods, session.picture.events_about(about(found, pods)), Situation(seconds=0.0)).state


def _is_changed(session: Session, plan: StagePlan, found: Object) -> bool:
    was = next((each for each in session.befores.get(plan.step, ()) if (each.kind, each.name) == (plan.kind, plan.name)), None)
    return was is not None and (
        was.object is None or uid(was.object) != uid(found) or before.template_of(was.object) != before.template_of(found)
    )


def _has_begun(session: Session, step: PlanStep) -> bool:
    return step.number in session.befores or any(session.picture.get("Job", each.name) for each in stage_plans(step) if each.kind == "Job")


def _jobs(session: Session, keys: Mapping[Key, str]) -> Iterator[str]:
    for step in session.plan.steps:
        for each in stage_plans(step):
            if each.kind == "Job" and (each.step, each.stage) in keys:
                yield each.name
