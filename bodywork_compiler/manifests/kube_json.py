"""A stream of JSON objects as kubectl (Go) reads it, which is not quite as Python does: no NaN, no half of a character, and long numbers are floats."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from bodywork_compiler.yaml_nodes import TOO_DEEP, OutOfBounds

# of a stream: a pipeline of 10,000 stages has 40,000 documents and 3,000,000 values
MOST_DOCUMENTS, MOST_VALUES = 1_000_000, 10_000_000
DEEPEST = 200  # a custom resource's schema is nested some 60 levels deep
_LONGEST_INTEGER = 19  # digits; what is longer Go reads as a float
_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Place(NamedTuple):
    """Where a document of a stream begins; both count from 1."""

    number: int
    line: int


class _NotJson(Exception):
    """What Python's reader of JSON takes and no other does."""


def documents(text: str) -> list[tuple[Place, Any]] | None:
    """JSON objects one after another, or None: then it is YAML that begins with a brace. Raises OutOfBounds."""
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        raise OutOfBounds(f"holds more than {MOST_VALUES:,} values")
    decoder = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    found: list[tuple[Place, Any]] = []
    line, at = 1, 0
    while (start := _after_space(text, at)) < len(text):
        line += text.count("\n", at, start)
        try:
            value, at = _decoded(decoder, text, start)
        except json.JSONDecodeError:
            return None
        except _NotJson as fault:
            raise OutOfBounds(f"{fault} (document {len(found) + 1}, line {line})") from fault
        found.append((Place(len(found) + 1, line), value))
        refuse_many(len(found))
        line += text.count("\n", start, at)
    return found


def refuse_many(number: int) -> None:
    if number > MOST_DOCUMENTS:
        raise OutOfBounds(f"holds more than {MOST_DOCUMENTS:,} documents")


def half_of_a_character(fault: UnicodeEncodeError) -> str:
    return f"half of a character, {fault.object[fault.start]!r}"


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _decoded(decoder: json.JSONDecoder, text: str, start: int) -> tuple[Any, int]:
    try:
        value, end = decoder.raw_decode(text, start)
    except RecursionError:
        raise _NotJson(TOO_DEEP) from None
    if _is_deep(value):
        raise _NotJson(TOO_DEEP)
    if _SURROGATE.search(text, start, end):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as fault:
            raise _NotJson(half_of_a_character(fault)) from fault
    return value, end


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST_INTEGER else _finite(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        shown = text if len(text) <= _LONGEST_INTEGER else f"{text[:_LONGEST_INTEGER]}…"
        raise _NotJson(f"{shown} is not a number that JSON has")
    return number


def _is_deep(value: Any) -> bool:
    """Level by level, without calling itself."""
    level = [value]
    for _ in range(DEEPEST):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return False
    return True


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
