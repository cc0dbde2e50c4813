"""Faults, which know their key → problems, which know their line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bodywork_compiler.config.faults import Fault, Place, spelled
from bodywork_compiler.problems import Problem


class Places(Protocol):
    """A file that was read, asked where things stand in it."""

    def place(self, fault: Fault) -> Place: ...

    def hint(self, fault: Fault) -> str | None: ...


def problems(file: str, faults: Iterable[Fault], places: Places) -> list[Problem]:
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
