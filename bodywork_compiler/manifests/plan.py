"""Objects → the plan of steps that a driver executes. Order and role stand in labels; identity is the pipeline's label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests.addresses import readdressed
from bodywork_compiler.manifests.objects import KubeObject, Plan, PlanStep
from bodywork_compiler.manifests.validation import shown
from bodywork_compiler.names import is_dns_subdomain


def plan_of(objects: Iterable[KubeObject], origin: str) -> Plan:
    """Objects without our labels belong to step 0. No pipeline, two pipelines, or one object twice, and there is no plan."""
    found = tuple(objects)
    pipeline = _pipeline(found, origin)
    namespace = _namespace(found, origin)
    _check_unique(found, namespace)
    _check_nothing_stands_still(found)
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
        namespace=namespace,
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
    # it is a part of the names of the run's own objects, which are DNS subdomains
    if not is_dns_subdomain(names[0]):
        raise BodyworkError(
            f"{origin}: label {labels.PIPELINE} must be lower-case letters, digits, `-` and `.`, got {names[0]}",
            hint="Give the pipeline's objects the name that `bodywork render` gave them.",
        )
    return names[0]


def _check_unique(objects: Sequence[KubeObject], namespace: str | None) -> None:
    """Which of two would count is not for us to say. An object that names no namespace is in the run's, as one that names it is."""
    first: dict[tuple[str, str, str | None, str], KubeObject] = {}
    twice = []
    for each in objects:
        group = str(each.body.get("apiVersion", "")).rpartition("/")[0]
        other = first.setdefault((group, each.kind, each.namespace or namespace, each.name), each)
        if other is not each:
            differing = "" if other.body == each.body else ", and not alike"
            twice.append(f"{each.kind} {each.name} is there twice{differing}: {other.origin}; {each.origin}")
    if twice:
        raise BodyworkError("\n  ".join(twice), hint="Take one of them away.")


_STANDS_STILL = {"Job": "suspend", "Deployment": "paused"}


def _check_nothing_stands_still(objects: Sequence[KubeObject]) -> None:
    """A stage that nobody lets begin would be waited for until its time is over. The failure stage is let go by the run, when it is needed."""
    found = []
    for each in objects:
        key, spec = _STANDS_STILL.get(each.kind), each.body.get("spec")
        if key and each.pipeline and each.stage and not each.is_on_failure and isinstance(spec, Mapping) and spec.get(key):
            found.append(f"{each.origin}: {each.kind} {each.name}: spec.{key} is true, so that the stage never begins")
    if found:
        raise BodyworkError(
            "\n  ".join(found),
            hint="Take it out of the template or the overlay. To leave stages out of a run: --only STAGE, --from-step N.",
        )


def _step(found: KubeObject) -> int:
    text = found.labels.get(labels.STEP) if found.pipeline else None
    return labels.STEP_SETUP if text is None else int(text)


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
                return _checked_facts({str(key): str(value) for key, value in data.items()}, each)
    return {}


def _checked_facts(facts: Mapping[str, str], found: KubeObject) -> Mapping[str, str]:
    """Those that become parts of names must be fit for it."""
    for key in (labels.FACT_SECRETS_GROUP, labels.FACT_SSH_SECRET):
        if facts.get(key) and not is_dns_subdomain(facts[key]):
            raise BodyworkError(
                f"{found.origin}: ConfigMap {found.name}: {key} must be lower-case letters, digits, `-` and `.`, got {shown(facts[key])}"
            )
    return facts


def _names(objects: Sequence[KubeObject]) -> str:
    return ", ".join(f"{each.kind} {each.name}" for each in objects)
