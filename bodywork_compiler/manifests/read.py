"""Manifests as they come back: from a stream, a file or a folder, patched by kustomize or by a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests.objects import KubeObject, Plan
from bodywork_compiler.manifests.plan import plan_of
from bodywork_compiler.source import RENDER_UNDER_WAY

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
SUFFIXES = (".yaml", ".yml", ".json")


def load_stream(text: str, origin: str) -> Plan:
    """The plan in a stream of YAML or JSON; `origin` says for messages where it was read, `standard input`."""
    return plan_of(_objects(text, origin), origin)


def load_file(file: Path) -> Plan:
    return load_stream(_text(file), str(file))


def load_folder(folder: Path, kustomize: Callable[[Path], str]) -> Plan:
    """The plan in a folder: `kustomize(folder)` is asked to build it if it is a kustomization, else its files are read in name order, recursively."""
    if (folder / RENDER_UNDER_WAY).exists():
        raise BodyworkError(
            f"{folder}: is half written: a render was killed while it wrote here", hint="Render into it again: bodywork render -o DIR."
        )
    if any((folder / name).is_file() for name in KUSTOMIZATIONS):
        from bodywork_compiler.manifests.as_rendered import files_as_rendered

        rendered = files_as_rendered(folder)
        if rendered is None:
            return load_stream(kustomize(folder), f"kustomization {folder}")
        return plan_of((found for file in rendered for found in _objects(_text(file), str(file))), str(folder))
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in SUFFIXES and file.is_file()]
    if not files:
        raise BodyworkError(
            f"{folder}: holds no manifests",
            hint="Manifests are files that end in .yaml, .yml or .json; `bodywork render -o DIR` writes them.",
        )
    return plan_of((found for file in files for found in _objects(_text(file), str(file))), str(folder))


def to_json(objects: Iterable[KubeObject]) -> str:
    """The objects as one List, for kubectl's standard input: JSON is read alike by everybody."""
    import json

    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [found.body for found in objects]}, ensure_ascii=True, allow_nan=False)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BodyworkError(f"{file}: is not UTF-8 ({fault.reason} at byte {fault.start})") from fault
    except OSError as fault:
        raise BodyworkError(f"{file}: cannot be read: {fault.strerror}") from fault


def _objects(text: str, origin: str) -> Iterator[KubeObject]:
    from bodywork_compiler.manifests.kube_yaml import documents

    for place, document in documents(text, origin):
        yield from _flattened(document, place)


def _flattened(document: Any, place: str) -> Iterator[KubeObject]:
    if not isinstance(document, dict):
        raise BodyworkError(
            f"{place}: is no Kubernetes object, but {_kind_of(document)}",
            hint="Each document must be a mapping with apiVersion, kind and metadata.",
        )
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for number, item in enumerate(items, start=1):
            yield from _flattened(item, f"{place}, item {number}")
    else:
        yield _checked(document, place)


def _checked(body: dict[str, Any], place: str) -> KubeObject:
    if "apiVersion" not in body and body.keys() >= {"version", "stages"}:
        raise BodyworkError(f"{place}: is a project's config, not a manifest", hint="For a project give the folder that holds its config.")
    for key in ("apiVersion", "kind"):
        if not isinstance(body.get(key), str) or not body[key]:
            raise BodyworkError(
                f"{place}: has no {key}", hint="Each document must be a Kubernetes object with apiVersion, kind and metadata."
            )
    metadata = body["metadata"] if isinstance(body.get("metadata"), dict) else {}
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise BodyworkError(f"{place}: {body['kind']} has no metadata.name (a string)")
    for key in ("labels", "annotations"):
        _check_strings(metadata.get(key), f"{place}: {body['kind']} {name}: metadata.{key}")
    if not isinstance(metadata.get("namespace", ""), (str, type(None))):
        raise BodyworkError(f"{place}: {body['kind']} {name}: metadata.namespace must be a string")
    return KubeObject(body, place)


def _check_strings(values: Any, place: str) -> None:
    if not isinstance(values, (dict, type(None))):
        raise BodyworkError(f"{place} must be a mapping, got {_kind_of(values)}")
    for key, value in (values or {}).items():
        if not isinstance(value, str):
            raise BodyworkError(f"{place}: {key} must be a string, got {_kind_of(value)}", hint="Put the value into quotes.")


def _kind_of(value: Any) -> str:
    words = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a mapping", type(None): "nothing"}
    return words.get(type(value), type(value).__name__)
