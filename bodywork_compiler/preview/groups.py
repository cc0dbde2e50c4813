"""The secrets group of a plan, as far as it may be read: what a run would copy from it into its namespace. Nothing is told of their values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bodywork_compiler import labels
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.kubectl_errors import is_forbidden
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.preview.difference import change
from bodywork_compiler.preview.standing import standing
from bodywork_compiler.preview.values import Change, Object
from bodywork_compiler.runner.copies import NAMESPACE, Group, as_copy, group_of, is_foreign
from bodywork_compiler.runner.references import named
from bodywork_compiler.runner.watching import label


def secrets_of(kubectl: Kubectl, names: Collection[str], namespace: str) -> Mapping[str, Object] | None:
    """Those that are there; None: they may not be read."""
    if not names:
        return {}
    manifests = (KubeObject({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}) for name in sorted(names))
    try:
        found = standing(kubectl, manifests, namespace)
    except KubectlFailed as failed:
        if is_forbidden(failed.result.err):
            return None
        raise
    return {key.name: obj for key, obj in found.items()}


def in_group(kubectl: Kubectl, group: Group | None, names: Collection[str]) -> Mapping[str, Object] | None:
    """Name in the pipeline's namespace -> the group's secret; None: the group may not be read."""
    asked = [name for name in names if group and group.has(name)]
    if group is None or not asked:
        return {}
    found = secrets_of(kubectl, [group.source(name) for name in asked], NAMESPACE)
    if found is None:
        return None
    # `a-b-c` is b-c of group a, or c of group a-b: its label says which
    return {
        name: source
        for name in asked
        if (source := found.get(group.source(name))) and (label(dict(source), labels.GROUP) or group.name) == group.name
    }


def copies(kubectl: Kubectl, plan: Plan, namespace: str) -> Iterator[Change]:
    """What a run would make of its group's secrets in its own namespace. What is somebody else's there is not overwritten."""
    group = group_of(plan)
    sources = in_group(kubectl, group, named(plan)) or {}
    stand = secrets_of(kubectl, sources, namespace) or {}
    for name, source in sorted(sources.items()):
        copy, live = as_copy(dict(source), name, namespace=namespace, pipeline=plan.pipeline), stand.get(name)
        if group and not (live and is_foreign(dict(live), copy, group)):
            yield change(copy, labels.STEP_SETUP, live, copy.body)


def not_readable(group: Group) -> str:
    return f"the secrets group {group.name} may not be read: what a run would copy from it is not looked at"
