"""A manifest, what stands in the cluster and what the server's dry run made of it → what apply would change, as a unified diff. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.preview.cleaned import cleaned, masked
from bodywork_compiler.preview.parts import parts
from bodywork_compiler.preview.values import Action, Change, Object


def change(
    manifest: KubeObject, step: int, live: Object | None, rehearsed: Object | None, same_files: Mapping[str, str] = MappingProxyType({})
) -> Change:
    """What apply would make of it. `rehearsed` is what the server's dry run gave; what is new is shown as it was written.

    `same_files` says which words of a commit that runs now stand for which of the plan's, where both have the same files.
    """
    before = _with_words(cleaned(live), same_files) if live else {}
    after = cleaned(rehearsed if live and rehearsed else manifest.body)
    action = _action(manifest.kind, before, after)
    return Change(
        step=step,
        stage=manifest.stage,
        kind=manifest.kind,
        name=manifest.name,
        namespace=manifest.namespace,
        action=action,
        parts=parts(before, after) if action in {"changed", "replaced"} else (),
        diff=() if action == "same" else _diff(manifest, before, after),
    )


def put_over(live: Any, manifest: Any) -> Any:
    """What is there with all that the manifest says of it, as apply would leave it where nothing was taken out of the manifest."""
    if isinstance(live, Mapping) and isinstance(manifest, Mapping):
        return {**live, **{key: put_over(live.get(key), value) for key, value in manifest.items()}}
    if isinstance(live, list) and isinstance(manifest, list) and len(live) == len(manifest):
        return [put_over(one, other) for one, other in zip(live, manifest, strict=True)]
    return live if manifest is None else manifest


def same_files(live: Object | None, facts: Mapping[str, str]) -> Mapping[str, str]:
    """From the pipeline's ConfigMap as it is and the plan's `facts`: the words of one commit and the other's, if they have the same files."""
    data = (live or {}).get("data") or {}
    keys = (labels.FACT_GIT_COMMIT, labels.FACT_PLAN_DIGEST)
    is_same = facts.get(labels.FACT_GIT_TREE) and all(
        data.get(key) == facts.get(key) for key in (labels.FACT_GIT_TREE, labels.FACT_GIT_FOLDER)
    )
    if not is_same or not all(data.get(key) and facts.get(key) for key in keys) or data[keys[0]] == facts[keys[0]]:
        return {}
    commit, other = str(data[labels.FACT_GIT_COMMIT]), facts[labels.FACT_GIT_COMMIT]
    return {commit: other, commit[:7]: other[:7], str(data[labels.FACT_PLAN_DIGEST]): facts[labels.FACT_PLAN_DIGEST]}


def _with_words(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_words(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_words(each, words) for each in value]
    return words.get(value, value) if isinstance(value, str) else value


def _action(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Action:
    if not before:
        return "new"
    if before == after:
        return "same"
    return "replaced" if kind == "Job" else "changed"


def _diff(manifest: KubeObject, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    if manifest.kind == "Secret":
        before, after = masked(before, after)
    name = f"{manifest.kind}/{manifest.name}"
    there = f"{name} in the cluster" if before else "/dev/null"
    lines = difflib.unified_diff(_lines(before), _lines(after), there, f"{name} in the manifests", lineterm="")
    return tuple(lines)


def _lines(obj: Mapping[str, Any]) -> list[str]:
    return _to_yaml(obj).splitlines() if obj else []


def _to_yaml(obj: Mapping[str, Any]) -> str:
    """For people: keys in alphabetical order, text of several lines as such."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _data: object) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    written: str = yaml.dump(dict(obj), Dumper=Dumper, allow_unicode=True, width=10**9)
    return written


def is_namespace_of_run(manifest: KubeObject, namespace: str) -> bool:
    """It is made when absent and never patched, so what it says otherwise is no difference."""
    return (manifest.kind, manifest.name) == ("Namespace", namespace)
