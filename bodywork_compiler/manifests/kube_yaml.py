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
_MOST_ALIASES = 100_000  # far more than any manifest repeats, far fewer than "a billion laughs"

_Fault = yaml.constructor.ConstructorError
_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc]  # typed Any, since PyYAML may be built without libyaml
    """Composes nodes; which tag a scalar without one has is kubectl's business, as told here. Called for each scalar, so it is kept short."""

    def resolve(self, kind: type[yaml.Node], text: str, implicit: tuple[bool, bool]) -> str:
        if kind is not yaml.ScalarNode:
            return _OTHERS[kind]
        if not implicit[0]:  # it is quoted
            return _STR
        return _WORDS.get(text) or (_FLOAT if text[0] in "-+.0123456789" else _STR)

    def descend_resolver(self, _node: object, _index: object) -> None:
        """PyYAML's would follow paths for resolvers that we have not."""

    def ascend_resolver(self) -> None:
        pass


def documents(text: str, origin: str) -> Iterator[tuple[str, Any]]:
    """Each document of a stream that is not empty, as JSON's values, with its place in words: `all.yaml, document 2`."""
    found = _json_documents(text) if text.lstrip().startswith("{") else None
    if found is None:
        found = _yaml_documents(text, origin)
    for number, value in enumerate(found, start=1):
        if value is not None:
            yield f"{origin}, document {number}", value


def _json_documents(text: str) -> list[Any] | None:
    """JSON objects one after another, or None: then it is YAML that begins with a brace."""
    import json

    values = []
    decoder, at = json.JSONDecoder(), 0
    try:
        while rest := text[at:].lstrip():
            value, length = decoder.raw_decode(rest)
            values.append(value)
            at = len(text) - len(rest) + length
    except ValueError:
        return None
    return values


def values(text: str) -> list[Any]:
    """Each document as JSON's values, None for an empty one. Raises YAMLError, and RecursionError for what holds itself."""
    return [None if node is None else _Values().of(node) for node in yaml.compose_all(text, Loader=_Loader)]


def _yaml_documents(text: str, origin: str) -> list[Any]:
    try:
        return values(text)
    except yaml.YAMLError as fault:
        raise BodyworkError(f"{origin}: {_one_line(fault)}", hint="These are to be Kubernetes manifests in YAML or JSON.") from fault
    except RecursionError:
        raise BodyworkError(f"{origin}: nested too deeply to be Kubernetes manifests") from None


def _one_line(fault: yaml.YAMLError) -> str:
    mark = getattr(fault, "problem_mark", None)
    problem = getattr(fault, "problem", None) or str(fault)
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else " ".join(problem.split())


class _Values:
    """Nodes of one document → JSON's values."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._aliases = 0

    def of(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.tag == _STR else _scalar(node)
        self._count(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.of(item) for item in node.value]
        return self._mapping(node)

    def _mapping(self, node: yaml.Node) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                merged = {**self._merge(value), **merged}
            else:
                name = key.value if key.tag == _STR else _key(key)
                if name in own:
                    raise _Fault(None, None, f'key "{name}" is there twice', key.start_mark)
                own[name] = self.of(value)
        return {**merged, **own} if merged else own

    def _merge(self, node: yaml.Node) -> dict[str, Any]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise _Fault(None, None, "<< takes a mapping", source.start_mark)
            merged = {**self._mapping(source), **merged}
        return merged

    def _count(self, node: yaml.Node) -> None:
        if id(node) in self._seen:
            self._aliases += 1
            if self._aliases > _MOST_ALIASES:
                raise _Fault(None, None, "aliases repeat too much", node.start_mark)
        self._seen.add(id(node))


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
        import base64

        return base64.b64decode(text).decode("utf-8", "replace")
    return text


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
