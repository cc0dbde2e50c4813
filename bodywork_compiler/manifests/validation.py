"""What Kubernetes asks of an object: its names, its labels, and the shape of what Bodywork reads of it.

Checked when manifests are read, before the first use of any of it: a name that begins with `-` must never get as far as a command line, also
where no API server is asked. What only the server can judge is left to the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bodywork_compiler import labels, names

LONGEST_SHOWN = 80
LONGEST_STEP = 9  # digits of a step's number
_LABEL = "at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends"
_SUBDOMAIN = "at most 253 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends"
_SERVICE = "at most 63 lower-case letters, digits and `-`, with a letter first and a letter or digit last"
_SEGMENT = "at most 253 printable characters without `/` and `%`, and not `.` or `..`"
_KEY = "a name of at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; a domain and `/` may stand before it"
_VALUE = "empty, or at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends"


class Rule(NamedTuple):
    """How a text must be, and what to say when it is not."""

    is_met: Callable[[str], bool]
    words: str


class _Leaf(NamedTuple):
    types: tuple[type, ...]
    words: str
    rule: Rule | None = None


class _Texts(NamedTuple):
    """A mapping of strings."""

    key: Rule
    value: Rule | None = None


_NAMES = {
    **dict.fromkeys(("Namespace",), Rule(names.is_dns_label, _LABEL)),
    **dict.fromkeys(("Service",), Rule(names.is_service_name, _SERVICE)),
}
# the API groups whose names are DNS subdomains; of any other (RBAC, custom resources) no more is known than that a name is part of an address
_USUAL_GROUPS = ("", "apps", "batch", "autoscaling", "networking.k8s.io", "coordination.k8s.io", "policy", "storage.k8s.io")
_USUAL_NAME, _ANY_NAME = Rule(names.is_dns_subdomain, _SUBDOMAIN), Rule(names.is_path_segment, _SEGMENT)
_NAMESPACE = _NAMES["Namespace"]


def name_rule(api_version: str, kind: str) -> Rule:
    """What Kubernetes asks of the name of such an object."""
    group = api_version.rpartition("/")[0]
    if group == "" and kind in _NAMES:
        return _NAMES[kind]
    return _USUAL_NAME if group in _USUAL_GROUPS else _ANY_NAME


def problems(body: Mapping[str, Any]) -> list[str]:
    """All that is wrong with an object that `lacking` found whole, each in words."""
    shape = _SHAPES.get(body["kind"], {})
    return [f"{title(body)}: {each}" for each in (*_of_metadata(body), *_of_part("", body, shape))]


def data_problems(secret: Mapping[str, Any]) -> list[str]:
    """The same of a Secret's name and values alone, which a person may have written with nothing else around them."""
    return list(_of_part("", secret, {"metadata": {"name": _OBJECT_NAME}, **_DATA}))


def title(body: Mapping[str, Any]) -> str:
    """`Deployment serve`."""
    return f"{shown(body['kind'])} {shown(body['metadata']['name'])}"


def shown(text: str) -> str:
    """A foreign text in a message: as it is where it is plain, else so that one sees what it is made of."""
    short = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return short if text and text.isascii() and text.isprintable() and " " not in text else ascii(short).replace("\\u2026", "…")


def kind_of(value: object) -> str:
    """What YAML or JSON made of a value, in words."""
    words = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a mapping", type(None): "nothing"}
    return words.get(type(value), type(value).__name__)


def lacking(body: Mapping[str, Any]) -> Iterator[str]:
    """What a Kubernetes object cannot be without, in words."""
    absent = [key for key in ("apiVersion", "kind") if not isinstance(body.get(key), str) or not body[key]]
    yield from (f"has no {key}" for key in absent)
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if "kind" not in absent and (not isinstance(name, str) or not name):
        yield f"{shown(body['kind'])} has no metadata.name (a string)"


def _of_metadata(body: Mapping[str, Any]) -> Iterator[str]:
    metadata: Mapping[str, Any] = body["metadata"]
    yield from _of_text("apiVersion", body["apiVersion"], Rule(names.is_api_version, "VERSION or GROUP/VERSION, as apps/v1"))
    yield from _of_text("kind", body["kind"], Rule(names.is_kind, "at most 63 letters, digits and `-`, with a letter first"))
    yield from _of_text("metadata.name", metadata["name"], name_rule(body["apiVersion"], body["kind"]))
    namespace = metadata.get("namespace")
    if not isinstance(namespace, (str, type(None))):
        yield f"metadata.namespace must be a string, got {kind_of(namespace)}"
    elif namespace:
        yield from _of_text("metadata.namespace", namespace, _NAMESPACE)
    for key, texts in (("labels", _LABELS), ("annotations", _ANNOTATIONS)):
        if metadata.get(key) is not None:
            yield from _of_texts(f"metadata.{key}", metadata[key], texts)
    yield from _of_step(metadata.get("labels"))


def _of_step(found: object) -> Iterator[str]:
    step = found.get(labels.STEP) if isinstance(found, dict) and labels.PIPELINE in found else None
    if isinstance(step, str) and names.is_label_value(step) and not (step.isdigit() and len(step) <= LONGEST_STEP):
        yield f"label {labels.STEP} must be a number from 0 on, got {step!r}"


def _of_text(place: str, text: str, rule: Rule) -> Iterator[str]:
    if not rule.is_met(text):
        yield f"{place} must be {rule.words}; got {shown(text)}"


def _of_texts(place: str, found: object, texts: _Texts) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{place} must be a mapping, got {kind_of(found)}"
        return
    for key, value in found.items():
        yield from _of_text(f"{place}: a key", key, texts.key)
        if not isinstance(value, str):
            yield f"{place}: {shown(key)} must be a string, got {kind_of(value)}; put the value into quotes"
        elif texts.value:
            yield from _of_text(f"{place}: {shown(key)}", value, texts.value)


# the shape of what Bodywork reads of an object: a mapping of known keys (others are let be), a list of one shape, or a leaf


def _is_inside(path: str) -> bool:
    """A path that cannot lead out of its volume."""
    return not path.startswith("/") and ".." not in path.split("/") and "\0" not in path


_ANY_TEXT = _Leaf((str,), "a string", Rule(lambda text: "\0" not in text, "without the character NUL"))
_NUMBER, _FLAG, _PORT = _Leaf((int,), "a whole number"), _Leaf((bool,), "true or false"), _Leaf((int, str), "a number or a name")
_OBJECT_NAME = _Leaf((str,), "a string", Rule(lambda text: not text or names.is_dns_subdomain(text), _SUBDOMAIN))
_PART_NAME = _Leaf((str,), "a string", Rule(names.is_dns_label, _LABEL))
_FILE = Rule(names.is_data_key, "at most 253 letters, digits, `-`, `_` and `.`, and not `.` or `..`")
_DATA_KEY = _Leaf((str,), "a string", _FILE)
_INSIDE = _Leaf((str,), "a string", Rule(_is_inside, "a relative path without `..`"))
_VARIABLE = _Leaf(
    (str,),
    "a string",
    Rule(lambda text: bool(text) and text.isascii() and text.isprintable() and "=" not in text, "printable ASCII characters without `=`"),
)
_KEY_OF = {"name": _OBJECT_NAME, "key": _DATA_KEY, "optional": _FLAG}
_WHOLE = {"name": _OBJECT_NAME, "optional": _FLAG}
_AS_FILES = {"name": _OBJECT_NAME, "secretName": _OBJECT_NAME, "items": [{"key": _DATA_KEY, "path": _INSIDE}], "optional": _FLAG}
_PROBE = {"tcpSocket": {"port": _PORT}, "httpGet": {"port": _PORT}}
_CONTAINER = {
    "name": _PART_NAME,
    "image": _ANY_TEXT,
    "command": [_ANY_TEXT],
    "args": [_ANY_TEXT],
    "workingDir": _ANY_TEXT,
    "env": [{"name": _VARIABLE, "value": _ANY_TEXT, "valueFrom": {"secretKeyRef": _KEY_OF, "configMapKeyRef": _KEY_OF}}],
    "envFrom": [{"prefix": _ANY_TEXT, "secretRef": _WHOLE, "configMapRef": _WHOLE}],
    "volumeMounts": [{"name": _PART_NAME, "mountPath": _ANY_TEXT, "subPath": _INSIDE}],
    "ports": [{"name": _ANY_TEXT, "containerPort": _NUMBER}],
    "restartPolicy": _ANY_TEXT,
    **dict.fromkeys(("startupProbe", "readinessProbe", "livenessProbe"), _PROBE),
}
_VOLUME = {
    "name": _PART_NAME,
    "secret": _AS_FILES,
    "configMap": _AS_FILES,
    "projected": {"sources": [{"secret": _AS_FILES, "configMap": _AS_FILES}]},
}
_POD = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [_VOLUME],
    "serviceAccountName": _OBJECT_NAME,
    "imagePullSecrets": [{"name": _OBJECT_NAME}],
}
_LABELS = _Texts(Rule(names.is_label_key, _KEY), Rule(names.is_label_value, _VALUE))
_ANNOTATIONS = _Texts(Rule(lambda text: names.is_label_key(text.lower()), _KEY))
_TEMPLATE = {"metadata": {"labels": _LABELS, "annotations": _ANNOTATIONS}, "spec": _POD}
_COUNTS = dict.fromkeys(
    ("replicas", "backoffLimit", "activeDeadlineSeconds", "progressDeadlineSeconds", "minReadySeconds", "completions", "parallelism"),
    _NUMBER,
)
_WORKLOAD = {
    "spec": {
        "volumeClaimTemplates": [{"metadata": {"name": _PART_NAME}}],
        "template": _TEMPLATE,
        "selector": {"matchLabels": _LABELS},
        **_COUNTS,
    }
}
_DATA = dict.fromkeys(("data", "binaryData", "stringData"), _Texts(_FILE))
_INGRESS = {"spec": {"rules": [{"host": _ANY_TEXT, "http": {"paths": [{"path": _ANY_TEXT, "backend": {"service": {"name": _ANY_TEXT}}}]}}]}}
_SHAPES: Mapping[str, Any] = {
    **dict.fromkeys(("Job", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), _WORKLOAD),
    "CronJob": {"spec": {"jobTemplate": _WORKLOAD}},
    "Pod": {"spec": _POD},
    "CustomResourceDefinition": {"spec": {"group": _ANY_TEXT, "names": {"kind": _ANY_TEXT}, "versions": [{"name": _ANY_TEXT}]}},
    "Service": {"spec": {"selector": _LABELS, "ports": [{"port": _NUMBER}]}},
    "Ingress": _INGRESS,
    "ConfigMap": _DATA,
    "Secret": _DATA,
}


def _of_part(place: str, found: object, shape: Any) -> Iterator[str]:
    """Null is the same as absent, but in a list."""
    if isinstance(shape, _Leaf):
        yield from _of_leaf(place, found, shape)
    elif isinstance(shape, _Texts):
        yield from _of_texts(place, found, shape)
    elif isinstance(shape, list):
        yield from _of_list(place, found, shape[0])
    elif not isinstance(found, dict):
        yield f"{place} must be a mapping, got {kind_of(found)}"
    else:
        for key, part in shape.items():
            if found.get(key) is not None:
                yield from _of_part(f"{place}.{key}" if place else key, found[key], part)


def _of_list(place: str, found: object, shape: Any) -> Iterator[str]:
    if not isinstance(found, list):
        yield f"{place} must be a list, got {kind_of(found)}"
        return
    for number, each in enumerate(found):
        yield from _of_part(f"{place}[{number}]", each, shape)


def _of_leaf(place: str, found: object, leaf: _Leaf) -> Iterator[str]:
    # bool is an int to Python
    if not isinstance(found, leaf.types) or (isinstance(found, bool) and bool not in leaf.types):
        yield f"{place} must be {leaf.words}, got {kind_of(found)}"
    elif leaf.rule and isinstance(found, str):
        yield from _of_text(place, found, leaf.rule)
