"""Where the pipeline's services answer: in ConfigMaps for all stages, named by their content, and in the routes of Ingresses.

Both name the namespace and the Services' names in their content, where kustomize does not look. So after an overlay's `namespace`, `namePrefix` or
`nameSuffix` they would lead to the base's services: what the render wrote is written anew when manifests are read. What a person wrote stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.manifests.objects import KubeObject

HASH_LENGTH = 10
_NAME = re.compile(r"(?P<before>.*-services-)(?P<digest>[0-9a-f]{10})(?P<after>.*)")
_VARIABLE = re.compile(r"BODYWORK_SERVICE_.+_URL")
_URL = re.compile(r"http://(?P<name>[a-z0-9-]+)(?:\.(?P<namespace>[a-z0-9-]+)\.svc\.cluster\.local)?:(?P<port>[0-9]+)")
_ROUTE = re.compile(r"/(?P<namespace>[a-z0-9-]+)/(?P<name>[a-z0-9-]+)(?P<rest>\(/\|\$\)\(\.\*\))?")
_REFERENCES = ("configMapRef", "configMapKeyRef", "configMap")


def name_of(pipeline_name: str, urls: Mapping[str, str]) -> str:
    """`pipeline_name` is the name of the pipeline's own objects, `bodywork-iris`."""
    return f"{pipeline_name}-services-{digest(urls)}"


def digest(urls: Mapping[str, str]) -> str:
    lines = (f"{variable}={url}\n" for variable, url in sorted(urls.items()))
    return sha256("".join(lines).encode()).hexdigest()[:HASH_LENGTH]


def readdressed(objects: Iterable[KubeObject]) -> tuple[KubeObject, ...]:
    """The objects with addresses that lead to the Services among them."""
    found = tuple(objects)
    services = {labels.service_url_variable(each.stage): each for each in found if each.kind == "Service" and each.pipeline and each.stage}
    written = [_written(each, services) for each in found]
    renamed = {old.name: new.name for old, new in zip(found, written, strict=True) if old.name != new.name}
    return tuple(_with_references(each, renamed) for each in written) if renamed else tuple(written)


def _written(each: KubeObject, services: Mapping[str, KubeObject]) -> KubeObject:
    if each.pipeline and each.kind == "ConfigMap" and _holds_addresses(each):
        return _with_urls(each, services)
    if each.pipeline and each.kind == "Ingress" and labels.RENDERED_NAMESPACE in each.annotations:
        return _with_routes(each, each.annotations[labels.RENDERED_NAMESPACE])
    return each


def _holds_addresses(each: KubeObject) -> bool:
    data = each.body.get("data")
    return bool(_NAME.fullmatch(each.name) and isinstance(data, Mapping) and data and all(_VARIABLE.fullmatch(str(key)) for key in data))


def _with_urls(each: KubeObject, services: Mapping[str, KubeObject]) -> KubeObject:
    rendered = each.annotations.get(labels.RENDERED_NAMESPACE)
    data = {key: _url(str(url), services.get(key), rendered) for key, url in each.body["data"].items()}
    found = _NAME.fullmatch(each.name)
    name = f"{found['before']}{digest(data)}{found['after']}" if found else each.name
    return each if name == each.name else _moved(each, {"data": data}, name=name)


def _url(url: str, service: KubeObject | None, rendered: str | None) -> str:
    said = _URL.fullmatch(url)
    if said is None or service is None or said["namespace"] != rendered or said["name"] not in service.name:
        return url
    domain = f".{service.namespace or rendered}.svc.cluster.local" if rendered else ""
    return f"http://{service.name}{domain}:{_port(service) or said['port']}"


def _port(service: KubeObject) -> int | None:
    spec = service.body.get("spec")
    ports = spec.get("ports") if isinstance(spec, Mapping) else None
    first = ports[0] if isinstance(ports, list) and ports else None
    port = first.get("port") if isinstance(first, Mapping) else None
    return port if isinstance(port, int) else None


def _with_routes(each: KubeObject, rendered: str) -> KubeObject:
    spec = _rerouted(each.body.get("spec"), each.namespace or rendered, rendered)
    return each if spec == each.body.get("spec") else _moved(each, {"spec": spec}, name=each.name)


def _rerouted(part: Any, namespace: str, rendered: str) -> Any:
    """With the path of each backend as a render for that namespace has it."""
    if isinstance(part, list):
        return [_rerouted(each, namespace, rendered) for each in part]
    if not isinstance(part, Mapping):
        return part
    found = {key: _rerouted(each, namespace, rendered) for key, each in part.items()}
    backend = found.get("backend")
    service = backend.get("service") if isinstance(backend, Mapping) else None
    name = str(service.get("name", "")) if isinstance(service, Mapping) else ""
    said = _ROUTE.fullmatch(str(found.get("path", "")))
    if said and said["namespace"] == rendered and said["name"] in name:
        found["path"] = f"/{namespace}/{name}{said['rest'] or ''}"
    return found


def _moved(each: KubeObject, changed: Mapping[str, Any], *, name: str) -> KubeObject:
    """It is as if rendered for the namespace where it is."""
    metadata = {**each.body["metadata"], "name": name}
    if each.namespace and labels.RENDERED_NAMESPACE in each.annotations:
        metadata["annotations"] = {**each.annotations, labels.RENDERED_NAMESPACE: each.namespace}
    return each._replace(body={**each.body, **changed, "metadata": metadata})


def _with_references(each: KubeObject, renamed: Mapping[str, str]) -> KubeObject:
    spec = each.body.get("spec")
    return each._replace(body={**each.body, "spec": _renamed(spec, renamed)}) if each.pipeline and isinstance(spec, Mapping) else each


def _renamed(part: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(part, list):
        return [_renamed(each, renamed) for each in part]
    if not isinstance(part, Mapping):
        return part
    found = {key: _renamed(each, renamed) for key, each in part.items()}
    for key in _REFERENCES:
        reference = found.get(key)
        if isinstance(reference, Mapping) and reference.get("name") in renamed:
            found[key] = {**reference, "name": renamed[str(reference["name"])]}
    return found
