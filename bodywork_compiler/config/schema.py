"""The JSON Schemas by the names of their formats, and a fast check of a value against one of them.

`jsonschema` alone judges what the fast check does not accept, and makes the errors; its import takes longer than all that `render` does to a
small project. A schema is compiled to nested functions once; a keyword that is not known here is a bug, found by a test over all schemas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from bodywork_compiler import resources
from bodywork_compiler.config.faults import Fault

Accepts = Callable[[Any], bool]
Schema = Mapping[str, Any]

ANNOTATIONS = {"$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples", "x-must"}


def _is_integer(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


_IS_TYPE: dict[str, Accepts] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_is_number = _IS_TYPE["number"]


def compiled(schema: Schema) -> Accepts:
    """The function that accepts what `schema` allows."""
    return _Compiler(schema.get("$defs", {})).schema(schema)


class _Compiler:
    """Turns each keyword into a function; `definitions` are what `$ref` names."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._compiled: dict[str, Accepts] = {}

    def schema(self, schema: Schema) -> Accepts:
        checks: list[Accepts] = []
        for keyword, wanted in schema.items():
            if keyword in ANNOTATIONS or keyword in _WITH_PROPERTIES:
                continue
            checks.append(_KEYWORDS[keyword](self, wanted))
        if "properties" in schema or "additionalProperties" in schema:
            checks.append(self._properties(schema))
        return checks[0] if len(checks) == 1 else _all_of(tuple(checks))

    def reference(self, target: str) -> Accepts:
        name = target.removeprefix("#/$defs/")
        if name not in self._compiled:
            self._compiled[name] = self.schema(self._definitions[name])
        return self._compiled[name]

    def _properties(self, schema: Schema) -> Accepts:
        known = {key: self.schema(part) for key, part in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties", True)
        other: Accepts = self.schema(others) if isinstance(others, dict) else lambda _: bool(others)

        def accepts(value: Any) -> bool:
            if isinstance(value, dict):
                for key, part in value.items():
                    if not known.get(key, other)(part):
                        return False
            return True

        return accepts

    def items(self, schema: Schema) -> Accepts:
        item = self.schema(schema)
        return lambda value: not isinstance(value, list) or all(item(part) for part in value)

    def property_names(self, schema: Schema) -> Accepts:
        name = self.schema(schema)
        return lambda value: not isinstance(value, dict) or all(name(key) for key in value)

    def one_of(self, schemas: list[Schema]) -> Accepts:
        branches = [self.schema(schema) for schema in schemas]
        return lambda value: sum(branch(value) for branch in branches) == 1


def _all_of(checks: tuple[Accepts, ...]) -> Accepts:
    # a loop, not `all()` of a generator, which takes twice the time, here and where properties are checked
    def accepts(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - as above
            if not check(value):
                return False
        return True

    return accepts


def _type(_: _Compiler, names: str | list[str]) -> Accepts:
    if isinstance(names, str):
        return _IS_TYPE[names]
    types = [_IS_TYPE[name] for name in names]
    return lambda value: any(is_type(value) for is_type in types)


def _pattern(_: _Compiler, pattern: str) -> Accepts:
    search = re.compile(pattern).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _required(_: _Compiler, keys: list[str]) -> Accepts:
    wanted = set(keys)
    return lambda value: not isinstance(value, dict) or value.keys() >= wanted


def _enum(_: _Compiler, values: list[str]) -> Accepts:
    return lambda value: isinstance(value, str) and value in values


_WITH_PROPERTIES = {"properties", "additionalProperties"}
_KEYWORDS: dict[str, Callable[[_Compiler, Any], Accepts]] = {
    "$ref": _Compiler.reference,
    "type": _type,
    "pattern": _pattern,
    "required": _required,
    "enum": _enum,
    "const": lambda _, wanted: lambda value: isinstance(value, str) and value == wanted,
    "items": _Compiler.items,
    "propertyNames": _Compiler.property_names,
    "oneOf": _Compiler.one_of,
    "minimum": lambda _, least: lambda value: not _is_number(value) or value >= least,
    "exclusiveMinimum": lambda _, bound: lambda value: not _is_number(value) or value > bound,
    "maximum": lambda _, most: lambda value: not _is_number(value) or value <= most,
    "minLength": lambda _, least: lambda value: not isinstance(value, str) or len(value) >= least,
    "maxLength": lambda _, most: lambda value: not isinstance(value, str) or len(value) <= most,
}
KEYWORDS = ANNOTATIONS | _WITH_PROPERTIES | set(_KEYWORDS)


FILES = {
    "1.0": "bodywork-1.0.schema.json",
    "1.1": "bodywork-1.1.schema.json",
    "1.2": "bodywork-1.2.schema.json",
    "ini": "bodywork-ini.schema.json",
    "stage-ini": "stage-config-ini.schema.json",
}
NEWEST = "1.2"


def text(name: str) -> str:
    return (resources.folder("schemas") / FILES[name]).read_text(encoding="utf-8")


@cache
def schema_named(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text(name))
    return loaded


@cache
def _accepts(name: str) -> Accepts:
    return compiled(schema_named(name))


def schema_faults(name: str, values: object) -> Iterable[Fault]:
    """All that the schema_named `name` has against `values`."""
    if _accepts(name)(values):
        return ()
    from bodywork_compiler.config import schema_errors

    return schema_errors.faults(schema_named(name), values)
