"""Makes docs/config.md of the schemas: `python -m bodywork_compiler.config.reference > docs/config.md`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bodywork_compiler.config.schema import schema_named

_Schema = Mapping[str, Any]
_HEAD = """# Config reference

Made from the JSON Schemas in `schemas/` by `python -m bodywork_compiler.config.reference`: change a key's description there.
`bodywork validate` checks a config, `bodywork schema VERSION` prints a schema for editors.
"""
_NEWEST_FIRST = ("1.2", "1.1", "1.0", "ini", "stage-ini")
HIGHEST_PORT = 65535
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list of text",
    "object": "mapping",
}


def page() -> str:
    return "\n".join([_HEAD, *(line for name in _NEWEST_FIRST for line in _format(schema_named(name)))])


def _format(schema: _Schema) -> Iterator[str]:
    yield f"## {schema['title']}\n"
    yield f"{schema['description']}\n"
    if "$comment" in schema:
        yield f"{schema['$comment']}\n"
    yield from _keys("", schema, schema.get("$defs", {}))


def _keys(path: str, schema: _Schema, definitions: Mapping[str, _Schema]) -> Iterator[str]:
    """The table of a mapping's keys, then the tables of the mappings among them."""
    yield "| key | | meaning |"
    yield "| --- | --- | --- |"
    parts = {key: _resolved(part, definitions) for key, part in schema["properties"].items()}
    for key, part in parts.items():
        yield f"| `{key}` | {_cell(_kind(part, is_needed=key in schema['required']))} | {_cell(_meaning(part))} |"
    yield ""
    for key, part in parts.items():
        below, section = _mapping_below(f"{path}{key}", part, definitions)
        if section is not None:
            yield f"### {section.get('title', below.rstrip('.'))}\n"
            yield f"{section['description']}{_either(section)}\n"
            yield from _keys(below, section, definitions)


def _mapping_below(path: str, part: _Schema, definitions: Mapping[str, _Schema]) -> tuple[str, _Schema | None]:
    """The mapping with known keys that `part` is, or is made of (`stages.NAME`)."""
    others = part.get("additionalProperties")
    if "properties" in part:
        return f"{path}.", part
    if isinstance(others, dict):
        named = _resolved(others, definitions)
        return f"{path}.NAME.", named if "properties" in named else None
    return path, None


def _either(section: _Schema) -> str:
    keys = [f"`{branch['required'][0]}`" for branch in section.get("oneOf", ())]
    return f" Exactly one of {' and '.join(keys)} is needed." if keys else ""


def _resolved(part: _Schema, definitions: Mapping[str, _Schema]) -> _Schema:
    target = part.get("$ref")
    return part if target is None else {**definitions[target.removeprefix("#/$defs/")], **part}


def _kind(part: _Schema, *, is_needed: bool) -> str:
    needed = "needed" if is_needed else f"default `{json.dumps(part['default'])}`" if "default" in part else ""
    return ", ".join(word for word in (_type(part), _bounds(part), needed) if word)


def _type(part: _Schema) -> str:
    if "const" in part:
        return f'`"{part["const"]}"`'
    if "enum" in part:
        return " · ".join(f"`{value}`" for value in part["enum"])
    names = [part["type"]] if isinstance(part["type"], str) else part["type"]
    return " or ".join(_TYPES[name] for name in names)


def _bounds(part: _Schema) -> str:
    if "exclusiveMinimum" in part:
        return f"more than {part['exclusiveMinimum']}"
    if part.get("maximum") == HIGHEST_PORT:
        return f"{part['minimum']} to {HIGHEST_PORT}"
    return f"{part['minimum']} or more" if "minimum" in part else ""


def _meaning(part: _Schema) -> str:
    examples = [f"`{value if isinstance(value, str) else json.dumps(value)}`" for value in part.get("examples", ())]
    return f"{part['description']} Example: {' or '.join(examples)}" if examples else str(part["description"])


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
