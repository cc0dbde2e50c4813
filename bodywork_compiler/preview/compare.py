"""A plan beside the cluster: what stands there, what the server would make of the manifests, and the difference."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.kubectl_errors import rights_lacking
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.preview.difference import HaveSameFiles, change, is_namespace_of_run, put_over, same_files
from bodywork_compiler.preview.groups import copies
from bodywork_compiler.preview.standing import has_namespace, items, labelled, left, standing, strangers
from bodywork_compiler.preview.values import Difference, Object
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner.namespace import Whereabouts, whereabouts
from bodywork_compiler.runner.owners import records, refuse
from bodywork_compiler.runner.rehearsal import (
    REFUSED,
    Call,
    Checked,
    Key,
    Rehearsal,
    accounts_to_come,
    calls,
    check_pods,
    key_of,
    kinds_to_come,
    named,
    said,
    warnings,
)
from bodywork_compiler.runner.tracking import tracked

_SEE_THE_LOCK = "get leases.coordination.k8s.io"


def compare(
    plan: Plan,
    kubectl: Kubectl,
    where: Whereabouts | None = None,
    options: RunOptions = DEFAULT_RUN,
    have_same_files: HaveSameFiles = lambda *_: False,
) -> Difference:
    """What apply would change. What is not this pipeline's to change, or what the server refuses, is raised, all of it at once."""
    where = where or whereabouts(kubectl, plan)
    plan = tracked(plan, where.namespace)
    there = kubectl.in_namespace(where.namespace)
    if not has_namespace(there, where.namespace):
        return Difference(
            pipeline=plan.pipeline,
            context=where.context,
            namespace=where.namespace,
            has_namespace=False,
            changes=tuple(change(each, step, None, None) for step, each in _objects(plan)),
        )
    objects = [(step, each) for step, each in _objects(plan) if not is_namespace_of_run(each, where.namespace)]
    asked = [*(each for _, each in objects), *([plan.on_failure] if plan.on_failure else [])]
    live, stand = _standing(there, asked, records(plan), where.namespace), labelled(there, plan)
    refuse(plan, where.namespace, options, strangers=tuple(strangers(plan, live, where.namespace)), stand=stand)
    bodies, free = [each for _, each in objects], secrets.token_hex(4)
    pods = check_pods(Rehearsal(there, free, accounts_to_come(bodies, live, where.namespace)), bodies)
    known = _known(bodies, live, where.namespace)
    words = same_files(_facts_of(live, plan, where.namespace), plan.facts, have_same_files)
    rehearsed, warned, lacking = _rehearse(there, calls(known, live, namespace=where.namespace, free=free), pods, live)
    return Difference(
        pipeline=plan.pipeline,
        context=where.context,
        namespace=where.namespace,
        has_namespace=True,
        changes=(
            *copies(there, plan, where.namespace),
            *(change(each, step, live.get(key), rehearsed.get(key), words) for step, each, key in _keyed(objects, where.namespace)),
        ),
        left=left(plan, stand, where.namespace),
        warnings=warned,
        same_files_as=next(iter(words), None),
        lacking=lacking,
    )


def _facts_of(live: Mapping[Key, Object], plan: Plan, namespace: str) -> Object | None:
    """The pipeline's ConfigMap as it is, by whatever name the plan gives it."""
    return next(
        (live.get(key_of(each, namespace)) for _, each in _objects(plan) if each.labels.get(labels.ROLE) == labels.ROLE_PIPELINE), None
    )


def _standing(kubectl: Kubectl, objects: Sequence[KubeObject], own: Sequence[KubeObject], namespace: str) -> dict[Key, Object]:
    """Of the plan's `objects`, and of what runs write about themselves, what is there. The lock need not be seen to compare."""
    try:
        return standing(kubectl, [*objects, *own], namespace)
    except KubectlFailed as failed:
        lacking = rights_lacking(failed.result.err)
        if lacking == [_SEE_THE_LOCK]:
            return standing(kubectl, [*objects, *(each for each in own if each.kind != "Lease")], namespace)
        if not lacking:
            raise
        raise BodyworkError(
            f"what is there cannot be compared: you may not {', '.join(each for each in lacking if each != _SEE_THE_LOCK)} in namespace {namespace}",
            hint="Kubernetes' own role view may read all but secrets, edit those too.",
        ) from failed


def _known(objects: Sequence[KubeObject], live: Collection[Key], namespace: str) -> list[KubeObject]:
    """Without those of a kind that the run itself defines, and whose definition is not there yet: they are new, whatever the server thinks of them."""
    to_come = kinds_to_come(each for each in objects if key_of(each, namespace) not in live)
    return [each for each in objects if (str(each.body.get("apiVersion")), each.kind) not in to_come]


def _objects(plan: Plan) -> Iterator[tuple[int, KubeObject]]:
    """All that apply brings into the cluster; the failure stage's Job comes there only when a run fails."""
    return ((step.number, each) for step in plan.steps for each in step.objects)


def _keyed(objects: Iterable[tuple[int, KubeObject]], namespace: str) -> Iterator[tuple[int, KubeObject, Key]]:
    return ((step, each, key_of(each, namespace)) for step, each in objects)


def _rehearse(
    kubectl: Kubectl, planned: Sequence[Call], pods: Iterable[Checked], live: Mapping[Key, Object]
) -> tuple[dict[Key, Object], tuple[str, ...], tuple[str, ...]]:
    """What the server's dry run makes of the objects, under the names that they have in the manifests; its warnings; and the rights that lack.

    What it refuses is raised, `pods` that are refused with it. Who may not ask it gets each object as it would be if the server added nothing.
    """
    found: dict[Key, Object] = {}
    refused: list[str] = []
    warned: list[str] = []
    lacking: list[str] = []
    for each in planned:
        there = kubectl.in_namespace(each.namespace) if each.namespace else kubectl
        result = there.try_(*each.words, "--output=json", stdin=each.stdin)
        warned += warnings(result, each.objects)
        if result.exit_code != 0 and (rights := rights_lacking(result.err)):
            lacking += rights
            keyed = ((each.key(obj.kind, obj.name), obj) for obj in each.objects)
            found |= {key: put_over(live[key], named(obj, key.name).body) for key, obj in keyed if key in live}
            continue
        if result.exit_code != 0:
            refused.append(said(result, each.objects))
            continue
        for obj in items(result.out):
            key = each.key(obj["kind"], obj["metadata"]["name"])
            found[key] = {**obj, "metadata": {**obj["metadata"], "name": key.name}}
    for workload in pods:
        warned += workload.warnings
        if workload.action == REFUSED:
            refused.append(f"{workload.object.kind} {workload.object.name}: {workload.reason}")
    if refused:
        raise BodyworkError("the server refuses the manifests:\n" + "\n".join(refused))
    return found, tuple(dict.fromkeys(warned)), tuple(dict.fromkeys(lacking))
