"""Values of secrets that the run knows, kept out of all that it tells: `***` stands in their place.

Known by heart are exact values of 4 characters or more, each line of those that have several, and their base64. What a stage makes of a value
otherwise (turned round, cut in pieces) is not known.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar

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

MASK = "***"
SHORTEST = 4  # of what is masked: a shorter value stands in too many words
SHORTEST_ROW = 8  # of base64 that is wrapped: its last row may be a syllable
ROWS = (76, 64)  # as `base64` and PEM wrap it

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
    """Grows as the run comes to know secrets; one pattern finds all of them at once."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: Mapping[str, Any] | None) -> None:
        """All values of a Secret, as a manifest or the API server has it."""
        for value in _values(secret or {}):
            self._forms.update(_forms(value))
        if self._forms:
            # the longest first: a value may begin as another one does
            self._pattern = re.compile("|".join(re.escape(form) for form in sorted(self._forms, key=lambda form: (-len(form), form))))

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def event(self, event: Event) -> Event:
        return event if self._pattern is None else self._clean(event)

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
        yield str(value).encode()


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):  # a manifest by hand, which the API server will refuse
        return value.encode()


def _forms(value: bytes) -> Iterator[str]:
    """Everything by which a value may be recognised in a line."""
    text = value.decode(errors="replace")
    bare = text.strip()
    yield from _long_enough([bare, *(line.strip() for line in text.splitlines())])
    if len(bare) >= SHORTEST:
        # `echo VALUE | base64` has a line break more than the value
        for written in {value, bare.encode(), bare.encode() + b"\n"}:
            yield from _base64(written)


def _base64(value: bytes) -> Iterator[str]:
    for encoded in {base64.b64encode(value).decode(), base64.urlsafe_b64encode(value).decode()}:
        yield encoded.rstrip("=")
        for width in ROWS:
            if len(encoded) > width:
                yield from _long_enough((encoded[at : at + width] for at in range(0, len(encoded), width)), SHORTEST_ROW)


def _long_enough(texts: Iterable[str], shortest: int = SHORTEST) -> Iterator[str]:
    return (text for text in texts if len(text) >= shortest)
