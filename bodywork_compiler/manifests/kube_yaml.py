"""YAML as kubectl reads it, which is neither PyYAML's YAML 1.1 nor YAML 1.2.

kubectl (sigs.k8s.io/yaml, a fork of go-yaml 2) takes a bare `y` for true, `0o17` for 15 and `1e3` for 1000, but leaves `1:30`, `=` and
`2024-01-01` strings; PyYAML does otherwise in each case. What kubectl 1.34 made of 80 scalars stands in the tests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import kube_json
from bodywork_compiler.manifests.kube_json import DEEPEST
from bodywork_compiler.problems import LARGEST_TEXT
from bodywork_compiler.yaml_nodes import Bounds, OutOfBounds, refuse_nesting, refuse_repetition

_STR, _NULL, _BOOL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_INT, _FLOAT, _BINARY, _MERGE = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:binary", "tag:yaml.org,2002:merge"
_OTHERS: dict[type[yaml.Node], str] = {yaml.SequenceNode: "tag:yaml.org,2002:seq", yaml.MappingNode: "tag:yaml.org,2002:map"}
_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULLS = ("", "~", "null", "Null", "NULL")
_WORDS = {**dict.fromkeys(_TRUE + _FALSE, _BOOL), **dict.fromkeys(_NULLS, _NULL), "<<": _MERGE}
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]{1,64}|0[oO]?[0-7]{1,64}|0[bB][01]{1,64}|[1-9][0-9]{0,64}|0)\Z")
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_BASES = {"0x": 16, "0o": 8, "0b": 2}

_Fault = yaml.constructor.ConstructorError
_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(Bounds, _Fast):  # type: ignore[misc]  # typed Any, since PyYAML may be built without libyaml
    """Composes nodes; which tag a scalar without one has is kubectl's business, as told here. Called for each scalar, so it is kept short."""

    deepest = DEEPEST

    def resolve(self, kind: type[yaml.Node], text: str, implicit: tuple[bool, bool]) -> str:
        if kind is not yaml.ScalarNode:
            return _OTHERS[kind]
        if not implicit[0]:  # it is quoted
            return _STR
        return _WORDS.get(text) or (_FLOAT if text[0] in "-+.0123456789" else _STR)


def documents(text: str, origin: str) -> Iterator[tuple[str, Any]]:
    """Each document of a stream that is not empty, as JSON's values, with its place in words: `all.yaml, document 2 (line 14)`."""
    try:
        if len(text) > LARGEST_TEXT:
            raise OutOfBounds(f"is larger than {LARGEST_TEXT >> 20} MiB")
        found = kube_json.documents(text) if text.lstrip().startswith("{") else None
        for place, value in _yaml_documents(text) if found is None else found:
            if value is not None:
                line = f" (line {place.line})" if place.line > 1 else ""
                yield f"{origin}, document {place.number}{line}", value
    except yaml.YAMLError as fault:
        raise BodyworkError(f"{origin}: {_one_line(fault)}", hint=_hint(fault)) from fault


def nodes(text: str, origin: str) -> Iterator[yaml.Node]:
    """Each document of a stream that is not empty, for who needs its lines. What aliases repeat was counted."""
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            if node is not None:
                refuse_repetition(node)
                yield node
    except yaml.YAMLError as fault:
        raise BodyworkError(f"{origin}: {_one_line(fault)}", hint=_hint(fault)) from fault


def values(text: str) -> list[Any]:
    """Each document as JSON's values, None for an empty one. Raises YAMLError."""
    return [value for _, value in _yaml_documents(text)]


def _yaml_documents(text: str) -> Iterator[tuple[kube_json.Place, Any]]:
    try:
        for number, node in enumerate(yaml.compose_all(text, Loader=_Loader), start=1):
            if "*" in text and node is not None:
                refuse_repetition(node)
            yield kube_json.Place(number, node.start_mark.line + 1 if node else 1), None if node is None else _value(node)
            kube_json.refuse_many(number)
    except OutOfBounds:
        raise
    except yaml.YAMLError as fault:
        refuse_nesting(text, fault, DEEPEST)
        raise
    except UnicodeEncodeError as fault:
        raise OutOfBounds(kube_json.half_of_a_character(fault)) from fault


def _one_line(fault: yaml.YAMLError) -> str:
    mark = getattr(fault, "problem_mark", None)
    problem = getattr(fault, "problem", None) or str(fault)
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else " ".join(problem.split())


def _hint(fault: yaml.YAMLError) -> str:
    return getattr(fault, "hint", None) or "These are to be Kubernetes manifests in YAML or JSON."


def _value(node: yaml.Node) -> Any:
    """JSON's values of a node whose aliases were counted."""
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.tag == _STR else _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    return _mapping(node)


def _mapping(node: yaml.Node) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            _merge(value, merged)
        else:
            name = key.value if key.tag == _STR else _key(key)
            if name in own:
                raise _Fault(None, None, f'key "{name}" is there twice', key.start_mark)
            own[name] = _value(value)
    return {**merged, **own} if merged else own


def _merge(node: yaml.Node, merged: dict[str, Any]) -> None:
    """Into what was merged before, whose keys win."""
    for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if not isinstance(source, yaml.MappingNode):
            raise _Fault(None, None, "<< takes a mapping", source.start_mark)
        for key, value in _mapping(source).items():
            merged.setdefault(key, value)


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _Fault(None, None, "a key must be a string", node.start_mark)
    value = _scalar(node)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.tag == _BOOL:
        return text in _TRUE
    if node.tag == _NULL:
        return None
    if node.tag in (_INT, _FLOAT):
        return _number(node, text)
    if node.tag == _BINARY:
        return _binary(node, text)
    return text


def _binary(node: yaml.Node, text: str) -> str:
    import base64
    import binascii

    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as fault:  # ValueError: what is not even ASCII
        raise _Fault(None, None, "!!binary takes base64", node.start_mark) from fault


def _number(node: yaml.Node, text: str) -> int | float | str:
    plain = text if text.startswith(".") else text.replace("_", "")
    if _INTEGER.match(plain) and abs(whole := _integer(plain)) < 2**64:
        return whole
    if _DECIMAL.match(plain) and abs(number := float(plain)) != math.inf:
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if _NOT_JSON.match(text):
        raise _Fault(None, None, f"kubectl takes no {text}; quote it if it is a text", node.start_mark)
    return text


def _integer(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").lower()
    base = _BASES.get(digits[:2])
    if base:
        return sign * int(digits[2:], base)
    return sign * int(digits, 8 if digits.startswith("0") else 10)
