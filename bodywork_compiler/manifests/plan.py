"""Objects → the plan of steps that a driver executes. Order and role stand in labels; identity is the pipeline's label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests.addresses import readdressed
from bodywork_compiler.manifests.objects import KubeObject, Plan, PlanStep


def plan_of(objects: Iterable[KubeObject], origin: str) -> Plan:
    """Objects without our labels belong to step 0. No pipeline, two pipelines, or one object twice, and there is no plan."""
    found = tuple(objects)
    pipeline = _pipeline(found, origin)
    _check_unique(found)
    found = readdressed(found)
    on_failure = [each for each in found if each.is_on_failure]
    if len(on_failure) > 1:
        raise BodyworkError(f"{origin}: two objects are the failure stage: {_names(on_failure)}")
    steps: dict[int, list[KubeObject]] = {}
    for each in found:
        if not each.is_on_failure:
            steps.setdefault(_step(each), []).append(each)
    return Plan(
        pipeline=pipeline,
        namespace=_namespace(found, origin),
        steps=tuple(PlanStep(number=number, objects=tuple(steps[number])) for number in sorted(steps)),
        on_failure=on_failure[0] if on_failure else None,
        facts=_facts(found),
    )


def _pipeline(objects: Sequence[KubeObject], origin: str) -> str:
    names = sorted({each.pipeline for each in objects if each.pipeline})
    if not names:
        raise BodyworkError(
            f"{origin}: no object names a pipeline" if objects else f"{origin}: is empty",
            hint=f"Bodywork executes what `bodywork render` made: objects with the label {labels.PIPELINE}. For others use kubectl apply.",
        )
    if len(names) > 1:
        raise BodyworkError(f"{origin}: objects of {len(names)} pipelines: {', '.join(names)}", hint="Apply one pipeline at a time.")
    return names[0]


def _check_unique(objects: Sequence[KubeObject]) -> None:
    first: dict[tuple[str, str, str | None, str], KubeObject] = {}
    for each in objects:
        group = str(each.body.get("apiVersion", "")).rpartition("/")[0]
        other = first.setdefault((group, each.kind, each.namespace, each.name), each)
        if other is not each:
            raise BodyworkError(f"{each.kind} {each.name} is there twice: {other.origin}; {each.origin}")


def _step(found: KubeObject) -> int:
    text = found.labels.get(labels.STEP) if found.pipeline else None
    if text is None:
        return labels.STEP_SETUP
    if not (text.isascii() and text.isdigit()):
        raise BodyworkError(f"{found.origin}: {found.kind} {found.name}: label {labels.STEP} must be a number from 0 on, got {text!r}")
    return int(text)


def _namespace(objects: Sequence[KubeObject], origin: str) -> str | None:
    """Only our own objects decide: a foreign one may well live elsewhere, a ServiceMonitor for instance."""
    names = sorted({each.namespace for each in objects if each.pipeline and each.namespace})
    if len(names) > 1:
        raise BodyworkError(
            f"{origin}: the pipeline's objects are in {len(names)} namespaces: {', '.join(names)}",
            hint="A pipeline lives in one namespace.",
        )
    return names[0] if names else None


def _facts(objects: Sequence[KubeObject]) -> Mapping[str, str]:
    """The data of ConfigMap `bodywork-PIPELINE`, whatever an overlay has made of its name and of the pipeline's. Others of ours know no DAG."""
    for each in objects:
        if each.kind == "ConfigMap" and each.pipeline and not each.stage:
            data = each.body.get("data")
            if isinstance(data, dict) and labels.FACT_DAG in data and labels.object_name("") in each.name:
                return {str(key): str(value) for key, value in data.items()}
    return {}


def _names(objects: Sequence[KubeObject]) -> str:
    return ", ".join(f"{each.kind} {each.name}" for each in objects)
