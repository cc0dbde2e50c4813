"""Secrets that a run would miss: without them it is refused before it changes anything. Those of a group are looked for in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.preview.groups import in_group, not_readable, secrets_of
from bodywork_compiler.preview.values import Object
from bodywork_compiler.runner.copies import Group, group_of, is_copy_from
from bodywork_compiler.runner.references import instead_of, wanted
from bodywork_compiler.runner.rehearsal import REFUSED, Checked


def missing(kubectl: Kubectl, plan: Plan, namespace: str) -> Iterator[Checked | str]:
    """Each secret that pods cannot start without and that is nowhere, or lacks a key; in words, what may not be read."""
    group = group_of(plan)
    needed = {name: sorted(key.name for key in keys if key.name) for name, keys in sorted(wanted(plan).items())}
    copied = in_group(kubectl, group, needed)
    if copied is None and group:
        yield not_readable(group)
        needed = {name: keys for name, keys in needed.items() if not group.has(name)}
    others = {name: other for name in needed if (other := instead_of(plan, name))}
    stand = secrets_of(
        kubectl, [*(name for name in needed if name not in (copied or {})), *(other for other, _ in others.values())], namespace
    )
    for name, keys in needed.items():
        found = (copied or {}).get(name) or _own(stand, name, group)
        if found is None and name in others and (found := _own(stand, others[name][0], group)):
            keys = [others[name][1].name]  # noqa: PLW2901 - of the secret that is there
        reason = "" if found is None and stand is None else _reason(found, keys, group)
        if reason:
            secret = KubeObject({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})
            yield Checked(object=secret, action=REFUSED, reason=reason)


def _own(stand: Mapping[str, Object] | None, name: str, group: Group | None) -> Object | None:
    """A secret of the namespace; an old copy of a group's secret that is gone is none."""
    found = (stand or {}).get(name)
    return None if found and group and not group.only and is_copy_from(dict(found), group) else found


def _reason(found: Object | None, keys: list[str], group: Group | None) -> str:
    if found is None:
        nor = f", and not in the secrets group {group.name}" if group and not group.only else ""
        return f"a stage names it, and it is not there{nor}"
    data: Mapping[str, str] = found.get("data") or {}
    lacking = [key for key in keys if key not in data]
    return f"has no {', '.join(lacking)}, which a stage names" if lacking else ""
