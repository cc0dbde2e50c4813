"""Secrets that a run would miss: without them it is refused before it changes anything. A group's are not looked for: a run copies them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.preview.checked import REFUSED, Checked
from bodywork_compiler.preview.standing import standing
from bodywork_compiler.preview.values import Key, Object
from bodywork_compiler.runner.groups import group_of
from bodywork_compiler.runner.references import wanted


def missing(kubectl: Kubectl, plan: Plan, namespace: str) -> Iterator[Checked]:
    """Each secret that pods cannot start without and that is not there, or lacks a key. Who may not read secrets is told nothing."""
    group = group_of(plan)
    of_namespace = {name: keys for name, keys in sorted(wanted(plan).items()) if not (group and group.has(name))}
    needed = {name: sorted(key.name for key in keys if key.name) for name, keys in of_namespace.items()}
    if not needed:
        return
    manifests = {name: KubeObject({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}) for name in needed}
    try:
        there = standing(kubectl, manifests.values(), namespace)
    except KubectlFailed as failed:
        if "(Forbidden)" in failed.result.err:
            return
        raise
    for name, keys in needed.items():
        reason = _reason(there.get(Key("Secret", name)), keys)
        if reason:
            yield Checked(object=manifests[name], action=REFUSED, reason=reason)


def not_looked_for(plan: Plan) -> str | None:
    """What is to be said of a group's secrets."""
    group = group_of(plan)
    if group is None or not any(group.has(name) for name in wanted(plan)):
        return None
    return f"not asked: whether the secrets group {group.name} has what a run would copy"


def _reason(found: Object | None, keys: list[str]) -> str:
    if found is None:
        return "a stage names it, and it is not there"
    data: Mapping[str, str] = found.get("data") or {}
    lacking = [key for key in keys if key not in data]
    return f"has no {', '.join(lacking)}, which a stage names" if lacking else ""
