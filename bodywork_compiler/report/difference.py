"""What `bodywork diff` found, for people or as JSON."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from typing import TextIO

from bodywork_compiler.preview.values import Change, Difference, Left
from bodywork_compiler.report.documents import as_json
from bodywork_compiler.report.output import Colour, Output

_COLOURS: dict[str, Colour] = {"+": "green", "-": "red", "@": "dim"}
_WORDS = {"replaced": "replaced: a Job cannot be changed, apply removes it and makes it anew"}


def show_json(found: Difference, stream: TextIO) -> None:
    """One object: what was compared, and all of its differences."""
    Output(stream, environ=os.environ).document(as_json({"same": found.is_same, **asdict(found)}))


def show_text(found: Difference, stream: TextIO) -> None:
    output = Output(stream, environ=os.environ)
    for each in found.changes:
        if each.action != "same":
            _show_change(each, output)
    if found.left:
        output.line("no longer in the manifests:")
        for gone in found.left:
            output.line(f"  {gone.kind} {gone.name}{_what_becomes_of(gone)}")
    output.line(_summary(found))
    output.flush()


def _show_change(change: Change, output: Output) -> None:
    output.line(f"{change.kind} {change.name}: {_WORDS.get(change.action, change.action)}")
    for line in change.diff:
        output.line(line, _COLOURS.get(line[:1]))


def _what_becomes_of(gone: Left) -> str:
    if gone.is_removed:
        return " (apply removes it, as all Jobs of earlier runs)" if gone.kind == "Job" else " (apply removes it after success)"
    return " (apply removes it when nothing names it any more)" if gone.kind == "ConfigMap" else " (apply leaves it)"


def _summary(found: Difference) -> str:
    counts = Counter[str](each.action for each in found.changes)
    parts = [f"{counts[action]} {word}" for action, word in _COUNTED.items() if counts[action]]
    return f"{found.pipeline} → context {found.context}, namespace {found.namespace}: {', '.join(parts) or 'nothing to compare'}"


_COUNTED = {"new": "new", "changed": "changed", "replaced": "replaced", "same": "the same"}
