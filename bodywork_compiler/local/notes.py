"""What cannot be the same on this machine as on a cluster, in a sentence, said once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bodywork_compiler.local.values import Workload
from bodywork_compiler.manifests import Plan

_HAS_A_PART = ("Job", "Deployment", "Service", "ConfigMap", "Secret", "Namespace", "ServiceAccount")


def what_differs(plan: Plan, workloads: Sequence[Workload], python_version: str) -> str:
    return f"on this machine, not as on a cluster: {'; '.join(_parts(plan, workloads, python_version))}"


def _parts(plan: Plan, workloads: Sequence[Workload], python_version: str) -> Iterator[str]:
    images = dict.fromkeys(image for each in workloads if (image := _main(each).get("image")))
    yield f"no image ({', '.join(map(str, images))}), but Python {python_version} of this machine"
    if any(_main(each).get("resources") for each in workloads):
        yield "no requests or limits of CPU and memory"
    if any(each.is_service for each in workloads):
        yield "no DNS names (services are at localhost, in BODYWORK_SERVICE_<STAGE>_URL)"
    many = [each.stage for each in workloads if each.is_service and (each.body.get("spec") or {}).get("replicas", 1) > 1]
    if many:
        yield f"one process of {', '.join(many)}"
    for each in workloads:
        if each.skipped:
            yield f"of {each.stage} not the containers {', '.join(each.skipped)}"
    others = dict.fromkeys(each.kind for step in plan.steps for each in step.objects if each.kind not in _HAS_A_PART)
    if others:
        yield f"nothing of {', '.join(others)}"


def _main(workload: Workload) -> dict[str, object]:
    pod = ((workload.body.get("spec") or {}).get("template") or {}).get("spec") or {}
    return next((each for each in pod.get("containers") or () if each.get("name") == workload.main.name), {})
