"""What stands in the cluster, asked of kubectl: any kind may come in manifests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.preview.calls import key_of, to_stream
from bodywork_compiler.preview.values import Key, Left, Object
from bodywork_compiler.runner import prune
from bodywork_compiler.runner.owners import is_of, repository_of

# what a render makes: what is looked for where manifests no longer have it
RENDERED_KINDS = {
    "job.batch": "Job",
    "deployment.apps": "Deployment",
    "service": "Service",
    "ingress.networking.k8s.io": "Ingress",
    "configmap": "ConfigMap",
    "secret": "Secret",
    "serviceaccount": "ServiceAccount",
}
# of those what a run removes, if it is of the same repository and no other object's. A ConfigMap goes when nothing names it any more,
# which is not asked here
_REMOVED = set(prune.KINDS) - {"ConfigMap"}
_OUTLINES = (
    f'{{range .items[*]}}{{.kind}}{{"\\t"}}{{.metadata.name}}{{"\\t"}}{{.metadata.annotations.{labels.GIT_URL}}}{{"\\t"}}'
    '{.metadata.ownerReferences[*].name}{.metadata.deletionTimestamp}{"\\n"}{end}'
)


def has_namespace(kubectl: Kubectl, namespace: str) -> bool:
    """Whether it is there. Who may not read namespaces works in one that was given to them."""
    result = kubectl.try_("get", "namespace", namespace, "--ignore-not-found", "--output=name")
    if result.exit_code != 0 and "(Forbidden)" not in result.err:
        raise KubectlFailed(result)
    return result.exit_code != 0 or bool(result.out.strip())


def standing(kubectl: Kubectl, objects: Iterable[KubeObject], namespace: str) -> dict[Key, Object]:
    """Those of the objects that are there, as they are."""
    asked: dict[str | None, list[dict[str, Any]]] = {}
    for each in objects:
        where = key_of(each, namespace).namespace
        asked.setdefault(where, []).append(_only_its_name(each, where))
    found: dict[Key, Object] = {}
    for where, bodies in asked.items():
        result = kubectl.in_namespace(where or namespace).try_(
            "get", "--ignore-not-found", "--output=json", "-f", "-", stdin=to_stream(bodies)
        )
        # a kind that the cluster does not know is not there either; the dry run will say it, beside all else that is refused
        if result.exit_code != 0 and "no matches for kind" not in result.err:
            raise KubectlFailed(result)
        found |= {Key(each["kind"], each["metadata"]["name"], where): each for each in items(result.out)}
    return found


def items(out: str) -> list[dict[str, Any]]:
    """kubectl prints nothing, one object, or a List."""
    if not out.strip():
        return []
    answer: dict[str, Any] = json.loads(out)
    return list(answer["items"]) if answer["kind"] == "List" else [answer]


def left(kubectl: Kubectl, plan: Plan) -> tuple[Left, ...]:
    """Objects of the pipeline that the plan no longer has. What may not be read is not missed."""
    selector = f"{labels.PIPELINE}={plan.pipeline},{labels.STEP}"
    result = kubectl.try_("get", ",".join(RENDERED_KINDS), f"--selector={selector}", f"--output=jsonpath={_OUTLINES}")
    if result.exit_code != 0 and "(Forbidden)" not in result.err:
        raise KubectlFailed(result)
    wanted = {(each.kind, each.name) for step in plan.steps for each in step.objects}
    there = (line.split("\t") for line in result.out.splitlines())
    repository = repository_of(plan)
    return tuple(
        Left(kind=kind, name=name, is_removed=kind == "Job" or (kind in _REMOVED and not somebodys and is_of(_with_url(url), repository)))
        for kind, name, url, somebodys in there
        if (kind, name) not in wanted
    )


def _with_url(url: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {labels.GIT_URL: url} if url else {}}}


def _only_its_name(each: KubeObject, where: str | None) -> dict[str, Any]:
    metadata: Mapping[str, Any] = {"name": each.name, **({"namespace": where} if where else {})}
    return {"apiVersion": each.body["apiVersion"], "kind": each.kind, "metadata": metadata}
