"""An object before and after → which parts of it differ, in a few short words: `image`, `env MODEL_BUCKET`, `replicas`. Never a value. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bodywork_compiler import labels

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
