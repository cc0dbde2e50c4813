"""A part of a plan: `--from-step N` and `--only STAGE`. What is left out is told, and stays as it is in the cluster."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from bodywork_compiler import labels, names
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, Plan, PlanStep
from bodywork_compiler.run_options import RunOptions

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
