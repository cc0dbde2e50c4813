"""Values of secrets that the run knows, kept out of all that it tells: `***` takes their place.

`compiler/scripts/masking.py` says in which forms a value is recognised. The pods use it too: there it also hides what the run may not read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar

from bodywork_compiler.compiler.scripts import masking
from bodywork_compiler.printable import printable, seen_places
from bodywork_compiler.runner.events import (
    ContainerTail,
    Event,
    Evidence,
    LogLine,
    Notice,
    RolledBack,
    RunEnded,
    StageEnded,
    StageProgress,
)

# where words of other programs, or of a stage, may stand; names, kinds and results are Bodywork's own
_FREE_TEXT: Mapping[type, tuple[str, ...]] = {
    LogLine: ("line",),
    Notice: ("message",),
    StageProgress: ("message",),
    StageEnded: ("reason",),
    ContainerTail: ("lines",),
    Evidence: ("reason", "tails", "warnings"),
    RolledBack: ("message",),
    RunEnded: ("reason", "stages"),
}
_Told = TypeVar("_Told")


class Mask:
    """Grows as the run comes to know secrets."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._masker: masking.Masker | None = None

    def learn(self, secret: Mapping[str, Any] | None) -> None:
        """All values of a Secret, as a manifest or the API server has it."""
        for value in _values(secret or {}):
            # as a log is decoded
            found = {form.encode("utf-8", "surrogateescape").decode(errors="replace") for form in masking.forms(value)}
            self._forms |= found | {seen for form in found if len(seen := printable(form)) >= masking.SHORTEST}
        self._masker = None

    def text(self, text: str) -> str:
        if not self._forms:
            return text
        if self._masker is None:
            self._masker = masking.Masker(self._forms)
        masked = self._masker.text(text)
        return masked if masked.isprintable() else "\n".join(map(self._as_seen, masked.split("\n")))

    def _as_seen(self, line: str) -> str:
        """A value may be split by what is taken away before the line is shown: colours, escapes, controls, marks of direction."""
        for with_colours in (False, True):
            places = seen_places(line, with_colours=with_colours)
            if self._masker is None or len(places) == len(line):
                break
            parts: list[str] = []
            done = 0
            for start, stop in self._masker.spans("".join(line[place] for place in places)):
                if places[start] >= done:
                    parts += (line[done : places[start]], masking.MASK)
                done = max(done, places[stop - 1] + 1)
            line = "".join([*parts, line[done:]])
        return line

    def event(self, event: Event) -> Event:
        return self._clean(event) if self._forms else event

    def bug(self, failure: BaseException) -> None:
        """What is printed of an exception that nobody expected, and of those that led to it, is masked."""
        seen: BaseException | None = failure
        while seen is not None:
            seen.args = tuple(self.text(each) if isinstance(each, str) else each for each in seen.args)
            seen = seen.__cause__ or seen.__context__

    def _clean(self, told: _Told) -> _Told:
        found: Any = told
        if isinstance(found, str):
            return self.text(found)  # type: ignore[return-value]  # it is a string
        if isinstance(found, tuple):
            return tuple(self._clean(each) for each in found)  # type: ignore[return-value]  # of the same types
        if not is_dataclass(told):
            return told
        was = {name: getattr(found, name) for name in _FREE_TEXT.get(type(found), ())}
        changed = {name: clean for name, value in was.items() if (clean := self._clean(value)) != value}
        return replace(found, **changed) if changed else told


def _values(secret: Mapping[str, Any]) -> Iterator[bytes]:
    yield from (_decoded(str(value or "")) for value in (secret.get("data") or {}).values())
    for value in (secret.get("stringData") or {}).values():
        yield str(value).encode("utf-8", "surrogateescape")


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):  # a manifest by hand, which the API server will refuse
        return value.encode("utf-8", "surrogateescape")
