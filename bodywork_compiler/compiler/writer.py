"""Variables in, documents out: still the object that was asked for, and valid YAML, whatever an overridden template gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import Document

# client-side apply keeps an object as JSON among its annotations, which together may have 262,144 bytes
LARGEST_BYTES = 260_000


def check_size(text: str, what: str) -> None:
    """Raise for an object that `kubectl apply` cannot keep."""
    import json

    from bodywork_compiler.manifests.kube_yaml import values

    kept = json.dumps(values(text)[0], separators=(",", ":"), ensure_ascii=False)
    size = len(kept.encode("utf-8", "surrogatepass")) + 5 * sum(map(kept.count, "<>&"))  # which Go writes as \u003c
    if size > LARGEST_BYTES:
        raise BodyworkError(
            f"{what} is too large for `kubectl apply`: {size:,} bytes, and it takes {LARGEST_BYTES:,}",
            hint="Put long arguments and values, and long lists of requirements, into files of the project.",
        )


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

    from bodywork_compiler.manifests.kube_yaml import values

    try:
        found = [value for value in values(text) if value is not None]
    except yaml.YAMLError as error:
        raise BodyworkError(f"template {template} gives no valid YAML: {_told(error, text)}") from error
    if len(found) != 1 or not isinstance(found[0], Mapping):
        raise BodyworkError(f"template {template} must give one Kubernetes object, and gives {len(found)} documents")
    if "items" in found[0]:
        raise BodyworkError(
            f"template {template} gives an object with `items`, which only a List has: kubectl would apply these in its place"
        )
    return found[0]


def _told(error: Exception, text: str) -> str:
    """What YAML does not like, and the line of the text where it noticed: the template's own lines are not those of what it gives."""
    problem, mark = getattr(error, "problem", None) or str(error), getattr(error, "problem_mark", None)
    if mark is None:
        return str(problem)
    # an end of the text is noticed after its last line
    number = len(text[: mark.index].rstrip().splitlines()) if mark.line >= len(text.splitlines()) else mark.line + 1
    return f"{problem}, in line {number} of what it gives: {text.splitlines()[number - 1].strip()}"


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


KINDS = {
    "namespace": "Namespace",
    "service-account": "ServiceAccount",
    "pipeline": "ConfigMap",
    "addresses": "ConfigMap",
    "scripts": "ConfigMap",
    "source": "ConfigMap",
    "job": "Job",
    "deployment": "Deployment",
    "service": "Service",
    "ingress": "Ingress",
}


@dataclass(frozen=True, slots=True)
class Writer:
    engine: Engine

    def write(self, template: str, variables: dict[str, Any], *, path: str, step: int | None, stage: str | None = None) -> Document:
        text = self.engine.render(template, variables)
        kind = KINDS[template]
        if self.engine.overridden:
            check_override(text, self.engine.described(template), variables, kind)
        if len(text) * 6 > LARGEST_BYTES:  # JSON takes six bytes for some characters; hardly any object comes near
            check_size(text, f"{kind} {variables['name']}")
        return Document(
            path=path, text=text if text.endswith("\n") else text + "\n", kind=kind, name=variables["name"], step=step, stage=stage
        )
