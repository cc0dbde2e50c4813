"""A manifest, what is in the cluster and what the server's dry run made of it → what apply would change. Pure."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.preview.values import Action, Change, Object

MASK = "***"
_SERVERS_FIELDS = {"creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
_SERVERS_ANNOTATIONS = {"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"}
_NOT_SHOWN = {
    *_SERVERS_ANNOTATIONS,
    labels.TRACKING,
}  # what a run would only mark as its own is no change: `kubectl apply` may have made it
# https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector
_JOBS_OWN_LABELS = {"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"}
_SECRETS_FIELDS = ("data", "stringData")


def cleaned(obj: Object) -> dict[str, Any]:
    """Without what the server alone decides. A manifest and what became of it in the cluster are then alike, but for defaults."""
    found = {key: value for key, value in obj.items() if key != "status"}
    found["metadata"] = _metadata(obj.get("metadata") or {}, _NOT_SHOWN)
    if obj.get("kind") == "Job":
        found["spec"] = _job_spec(obj.get("spec") or {})
    if "binaryData" in found:
        found["binaryData"] = {key: _in_short(str(value)) for key, value in (found["binaryData"] or {}).items()}
    return found


def masked(before: Object, after: Object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both without the values of a Secret; one that differs is told from one that does not."""
    return _masked(before, after, "before"), _masked(after, before, "after")


def _masked(obj: Object, other: Object, word: str) -> dict[str, Any]:
    found = dict(obj)
    for field in _SECRETS_FIELDS:
        if field in found:
            others = other.get(field) or {}
            values = (found[field] or {}).items()
            found[field] = {key: MASK if key not in others or others[key] == value else f"{MASK} ({word})" for key, value in values}
    return found


def _metadata(metadata: Mapping[str, Any], annotations_not_shown: set[str]) -> dict[str, Any]:
    found = {key: value for key, value in metadata.items() if key not in _SERVERS_FIELDS}
    shown = {key: value for key, value in (found.pop("annotations", None) or {}).items() if key not in annotations_not_shown}
    return {**found, "annotations": shown} if shown else found


def _job_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Without its selector and the labels that go with it: both name the Job's own uid."""
    found = {key: value for key, value in spec.items() if key not in {"selector", "manualSelector"}}
    template = dict(found.get("template") or {})
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in _JOBS_OWN_LABELS}
    return {**found, "template": {**template, "metadata": metadata}}


def _in_short(base64: str) -> str:
    """Nobody reads an archive: enough of it to see whether it is another one."""
    return f"{len(base64)} characters of base64, SHA-256 {hashlib.sha256(base64.encode()).hexdigest()[:12]}"


_Path = tuple[str, ...]
_ABSENT = object()
_POD = ("spec", "template", "spec")
_KNOWN = {
    labels.GIT_COMMIT: "commit",
    labels.GIT_BRANCH: "branch",
    labels.GIT_URL: "repository",
    labels.STEP: "step",
    labels.TRACKING: "owner",
    labels.PIPELINE: "pipeline",
    "BODYWORK_GIT_COMMIT": "commit",
    "BODYWORK_GIT_BRANCH": "branch",
    "BODYWORK_GIT_URL": "repository",
}


def parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Each once, in the order of the manifest."""
    return tuple(dict.fromkeys(_word(path) for path in _differing(after, before, ())))


def _differing(one: Any, other: Any, path: _Path) -> Iterator[_Path]:
    """Where two values differ, as deep as both have the same shape."""
    ours, others = _children(one), _children(other)
    if ours is None or others is None:
        if one != other:
            yield path
        return
    for key in dict.fromkeys((*ours, *others)):
        yield from _differing(ours.get(key, _ABSENT), others.get(key, _ABSENT), (*path, key))


def _children(value: Any) -> Mapping[str, Any] | None:
    """What is absent has none, and all that is on the other side is news; containers and variables are known by their names."""
    if value is _ABSENT:
        return {}
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and all(isinstance(each, Mapping) and "name" in each for each in value):
        return {str(each["name"]): {key: part for key, part in each.items() if key != "name"} for each in value}
    return None


def _word(path: _Path) -> str:
    if path[:3] == _POD:
        return _in_pod(path[3:])
    match path:
        case (*_, "metadata", "annotations" | "labels" as field, key):
            return _KNOWN.get(key, f"{field.removesuffix('s')} {key}")
        case ("data" | "stringData" | "binaryData", key, *_):
            return key
        case ("spec", field, *_) | (field, *_):
            return field
    return "all of it"


def _in_pod(path: _Path) -> str:
    match path:
        case (_, _, "env", key, *_):
            return _KNOWN.get(key, f"env {key}")
        case ("initContainers", labels.INSTALL, "args", *_):
            return "requirements"
        case ("initContainers" | "containers", _, "resources", _, resource):
            return resource
        case ("initContainers" | "containers", name, *rest):
            return " ".join([*([] if name in _OURS else [name]), *rest[:1]])
        case (field, *_):
            return field
    return "pods"


_OURS = {labels.FETCH, labels.INSTALL, labels.MAIN}


# of two commits and a project's folder in them, whether the repository in front of us has both, with the same files
HaveSameFiles = Callable[[str, str, str], bool]


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


def same_files(live: Object | None, facts: Mapping[str, str], have_same_files: HaveSameFiles) -> Mapping[str, str]:
    """From the pipeline's ConfigMap as it is and the plan's `facts`: the words of one commit and the other's, if they have the same files.

    Both texts may be anybody's: what they say of their files counts only where the repository, which is asked, says it too.
    """
    data = (live or {}).get("data") or {}
    keys = (labels.FACT_GIT_COMMIT, labels.FACT_PLAN_DIGEST)
    is_same = facts.get(labels.FACT_GIT_TREE) and all(
        data.get(key) == facts.get(key) for key in (labels.FACT_GIT_TREE, labels.FACT_GIT_FOLDER)
    )
    if not is_same or not all(data.get(key) and facts.get(key) for key in keys) or data[keys[0]] == facts[keys[0]]:
        return {}
    commit, other = str(data[labels.FACT_GIT_COMMIT]), facts[labels.FACT_GIT_COMMIT]
    if not have_same_files(commit, other, facts.get(labels.FACT_GIT_FOLDER, "")):
        return {}
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
