"""What is wrong in a config: first by its key, `("stages", "train", "batch", "retries")`, then as a problem with line and column."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bodywork_compiler.problems import Problem, Severity
from bodywork_compiler.values import value

KeyPath = tuple[str | int, ...]
LONGEST_SHOWN = 40
MOST_GUESSED = 20  # near names take time to find: who has more wrong names at one place is not helped by them


@dataclass(frozen=True, slots=True)
class Place:
    """A line and column, from 1. With an excerpt, `mark` columns of it are at fault."""

    line: int | None = None
    column: int | None = None
    mark: int = 0
    excerpt: str | None = None


@value
class Fault:
    """What is wrong at a key of a file.

    `path` leads to the key; or to the mapping that lacks a key, then `lacking` is its name; or to the mapping that has one that is `unknown`.
    `at_key` points to the key rather than to its value. `wanted` is the type that the schema wants, where `got` has another.
    `span` is the part of the value's text, from and to, that is at fault; the line is then shown with it. `place` is given where a path does
    not lead there: the first of two equal keys.
    """

    path: KeyPath
    message: str
    hint: str | None = None
    severity: Severity = "error"
    at_key: bool = False
    lacking: str | None = None
    unknown: str | None = None
    wanted: str | None = None
    got: object = None
    span: tuple[int, int] | None = None
    place: Place | None = None


def spelled(path: Sequence[str | int]) -> str:
    """`stages.train.args[0]`."""
    words = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return words.removeprefix(".")


def shown(value: object) -> str:
    """A value as it is quoted in a message: short, on one line."""
    text = value if isinstance(value, str) else str(value)
    if not text.isprintable():
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    if len(text) > LONGEST_SHOWN:
        text = text[: LONGEST_SHOWN - 1] + "…"
    return f"`{text}`"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` was probably meant to be."""
    by_lower = {name.lower(): name for name in known}
    if not by_lower:
        return None
    from difflib import get_close_matches

    near = get_close_matches(word.lower()[:LONGEST_SHOWN], by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    near = nearest(word, known)
    return None if near is None else f"did you mean {shown(near)}?"


class Places(Protocol):
    """A file that was read, asked where things stand in it."""

    def place(self, fault: Fault) -> Place: ...

    def hint(self, fault: Fault) -> str | None: ...


def located(file: str, faults: Iterable[Fault], places: Places) -> list[Problem]:
    return [_problem(file, fault, places) for fault in faults]


def _problem(file: str, fault: Fault, places: Places) -> Problem:
    place = fault.place or places.place(fault)
    path = fault.path if fault.lacking is None else (*fault.path, fault.lacking)
    return Problem(
        file=file,
        message=fault.message,
        path=spelled(path),
        line=place.line,
        column=place.column,
        hint=places.hint(fault),
        excerpt=place.excerpt,
        mark=place.mark,
        severity=fault.severity,
    )
