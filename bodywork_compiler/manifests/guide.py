"""What a folder of manifests says about itself: to kustomize, the order; to a person, how to apply it without Bodywork."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler import labels
from bodywork_compiler.manifests.objects import Document

README = "README.md"


def kustomization(documents: Sequence[Document]) -> str:
    return kustomization_of([document.path for document in documents])


def kustomization_of(paths: Sequence[str]) -> str:
    """Without `fifo` kustomize sorts by kind and name: set-up, steps and their comments would be lost."""
    lines = [
        "# Written by `bodywork render -o`. For changes make an overlay elsewhere that lists this folder under its resources.",
        "apiVersion: kustomize.config.k8s.io/v1beta1",
        "kind: Kustomization",
        "sortOptions:",
        "  order: fifo  # in an overlay too: its order is what counts",
        "resources:",
        *(f"  - {path}" for path in paths),
    ]
    return "\n".join(lines) + "\n"


def readme(documents: Sequence[Document], pipeline: str) -> str:
    """Which step is what, and the commands for one step by hand."""
    steps = sorted({document.step for document in documents if document.step})
    rows = "".join(f"| {number} | {_stages(documents, number)} |\n" for number in steps)
    on_failure = sorted({document.stage for document in documents if document.step is None and document.stage})
    failure = (
        f"\nWhen a stage fails, `bodywork apply` runs `{on_failure[0]}`; plain kubectl never does, since its Job is suspended.\n"
        if on_failure
        else ""
    )
    namespace = next((document.name for document in documents if document.kind == "Namespace"), None)
    place = f"-n {namespace}" if namespace else "-n NAMESPACE"
    for_argo_cd = any(labels.ARGO_WAVE in document.text for document in documents)
    suspended = " The failure stage's Job stays suspended, which Argo CD shows as the health `Suspended`." if on_failure else ""
    namespace_note = (
        f"\nThey take namespace `{namespace}` for this folder's, and delete it with all that is in it when they delete the folder's objects; "
        "`bodywork render --no-namespace` leaves it out."
        if namespace
        else ""
    )
    into = "" if namespace else f" {place}"
    select = f"-l {labels.PIPELINE}={pipeline},{labels.STEP}"
    return f"""# Manifests of the pipeline {pipeline}

Written by `bodywork render -o`, from the commit that `pipeline.yaml` names. Do not edit them: the next render would refuse to overwrite
the changes. Make an overlay (a `kustomization.yaml` elsewhere with this folder under `resources:` and `sortOptions: {{order: fifo}}`), and apply that.

| step | stages |
| --- | --- |
{rows}{failure}
## Apply all of it, step by step

    bodywork apply .
    kubectl kustomize . | bodywork apply -

## One step by hand

`{labels.STEP}=0` is the set-up and comes first. Then for each step, here for step 1:

    kubectl delete job {place} {select}=1 --ignore-not-found
    kubectl kustomize . | kubectl apply{into} {select}=1 -f -
    kubectl wait job {place} {select}=1 --for=condition=Complete --timeout=1h
    kubectl rollout status deployment {place} {select}=1

An overlay that sets `namespace`, `namePrefix` or `nameSuffix` is for `bodywork apply`: kustomize does not change the addresses of services
(`BODYWORK_SERVICE_..._URL`) and the paths of Ingresses, so that with plain kubectl they would lead to this folder's namespace. Without Bodywork, render for
the other namespace: `bodywork render --namespace NS -o DIR`.

Jobs of an earlier run are deleted first, since a Job that is there cannot be changed. `wait` is for steps with batch stages, `rollout status` for those with
services.

## Tools that apply the whole folder

{_ARGO_CD if for_argo_cd else f"{_ALL_AT_ONCE}{suspended}"}{namespace_note}
"""


_ARGO_CD = (
    "Argo CD runs it step by step: steps are sync waves, batch stages are hooks that each sync makes anew, and the failure stage is the hook of a sync "
    "that failed. `kubectl apply -k .` and Flux know no steps: they would start all stages at once, the failure stage too."
)
_ALL_AT_ONCE = "`kubectl apply -k .`, Argo CD and Flux know no steps: they start all stages at once, and stumble over a Job of an earlier commit that is still there."


def _stages(documents: Sequence[Document], number: int) -> str:
    kinds: dict[str, list[str]] = {}
    for document in documents:
        if document.step == number and document.stage:
            kinds.setdefault(document.stage, []).append(document.kind)
    return ", ".join(f"{stage} ({', '.join(found)})" for stage, found in kinds.items())
