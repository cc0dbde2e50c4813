"""What an overridden template gave, before anyone gets it: still the object that was asked for, and valid YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bodywork_compiler.errors import BodyworkError


def check_override(text: str, template: str, variables: Mapping[str, Any], expected_kind: str) -> None:
    """Raise when the text is not one object of that kind with the name, namespace and labels of `variables`."""
    body = _one_object(text, template)
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    _same(template, "kind", body.get("kind"), expected_kind)
    _same(template, "metadata.name", metadata.get("name"), variables["name"])
    _same(template, "metadata.namespace", metadata.get("namespace"), variables["namespace"])
    _holds(template, "metadata.labels", metadata.get("labels"), variables["labels"])
    if "pod_labels" in variables:
        pod = _at(body, "spec", "template", "metadata", "labels")
        _holds(template, "spec.template.metadata.labels", pod, variables["selector"])


def _one_object(text: str, template: str) -> Mapping[str, Any]:
    import yaml

    try:
        documents = [document for document in yaml.load_all(text, Loader=_loader()) if document is not None]
    except yaml.YAMLError as error:
        lines = text.splitlines()
        mark = getattr(error, "problem_mark", None)
        excerpt = f": {lines[mark.line].strip()}" if mark is not None and mark.line < len(lines) else ""
        raise BodyworkError(f"template {template} gives no valid YAML: {getattr(error, 'problem', None) or error}{excerpt}") from error
    if len(documents) != 1 or not isinstance(documents[0], Mapping):
        raise BodyworkError(f"template {template} must give one Kubernetes object, and gives {len(documents)} documents")
    return documents[0]


def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _same(template: str, path: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise BodyworkError(
            f"template {template} must keep {path} as {wanted!r}, and gives {found!r}",
            hint="an overlay may rename objects; a template may not, since the driver finds them by name and labels",
        )


def _holds(template: str, path: str, found: object, wanted: tuple[tuple[str, str], ...]) -> None:
    held = found if isinstance(found, Mapping) else {}
    for key, value in wanted:
        _same(template, f"{path}.{key}", held.get(key), value)


def _at(body: Mapping[str, Any], *path: str) -> object:
    found: object = body
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
