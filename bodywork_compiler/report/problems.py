"""Problems as lines for a person, for a program, and for GitHub."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from bodywork_compiler.printable import marked, printable, without_runner_commands
from bodywork_compiler.problems import Problem, Severity
from bodywork_compiler.streams import below, is_ci

LONGEST_EXCERPT = 72
_Paint = Callable[[str, str], str]
_INDENT = "    "
_COLOURS: Mapping[str, str] = {"error": "31", "warning": "33", "note": "36"}


def print_problems(problems: Sequence[Problem]) -> None:
    """All problems on stderr, and how many there are when one of them is an error."""
    paint = _painter(sys.stderr)
    stream = sys.stderr if paint is _unpainted else below(sys.stderr)
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    for problem in problems:
        print(_text(problem, paint, width), file=stream)
    if any(problem.severity == "error" for problem in problems):
        print(f"\n{paint('31', summary(problems))}", file=stream)


def text(problem: Problem) -> str:
    """`FILE:LINE:COLUMN: KEY: MESSAGE; HINT   [warning]`, with the faulty line below where it helps."""
    return _text(problem, _unpainted)


def summary(problems: Sequence[Problem]) -> str:
    """`3 errors, 1 warning in bodywork.yaml`."""
    counts = ", ".join(part for severity in ("error", "warning") if (part := _count(problems, severity)))
    files = list(dict.fromkeys(problem.file for problem in problems))
    where = marked(files[0]) if len(files) == 1 else f"{len(files)} files"
    return f"{counts} in {where}"


def as_json(problem: Problem) -> dict[str, Any]:
    return {
        "severity": problem.severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "hint": problem.hint,
    }


def as_github(problem: Problem) -> str:
    """An annotation: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands."""
    severity = {"note": "notice"}.get(problem.severity, problem.severity)
    file, line, column = problem.named_at or (problem.file, problem.line, problem.column)
    place = {"file": file, "line": line, "col": column}
    properties = ",".join(f"{key}={_in_property(str(value))}" for key, value in place.items() if value is not None)
    return printable(f"::{severity} {properties}::{_in_data(without_runner_commands(_sentence(problem)))}")


def _in_data(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _in_property(words: str) -> str:
    return _in_data(words).replace(":", "%3A").replace(",", "%2C")


def _count(problems: Iterable[Problem], severity: Severity) -> str:
    number = sum(problem.severity == severity for problem in problems)
    return "" if number == 0 else f"{number} {severity}{'' if number == 1 else 's'}"


def _painter(stream: TextIO) -> _Paint:
    is_plain = not stream.isatty() or "NO_COLOR" in os.environ or is_ci(os.environ)
    return _unpainted if is_plain else lambda colour, words: f"\033[{colour}m{words}\033[0m"


def _unpainted(_colour: str, words: str) -> str:
    return words


def _text(problem: Problem, paint: _Paint, width: int | None = None) -> str:
    marker = "" if problem.severity == "error" else f"   [{problem.severity}]"
    place = marked(_place(problem))
    said = marked(f"{problem.path}: {problem.message}" if problem.path else problem.message)
    hint = marked(problem.hint or "")
    colour = _COLOURS[problem.severity]
    if problem.mark and problem.excerpt is not None:
        head = _folded(f"{place}: {said}{marker}", width)
        return "\n".join([_painted_place(head, place, colour, paint), *_excerpt(problem, hint, colour, paint)])
    line = f"{place}: {said}; {hint}{marker}" if hint else f"{place}: {said}{marker}"
    return _painted_place(_folded(line, width), place, colour, paint)


def _painted_place(line: str, place: str, colour: str, paint: _Paint) -> str:
    return paint(colour, place) + line[len(place) :] if line.startswith(place) else line


def _folded(line: str, width: int | None) -> str:
    """One line, in a pipe; on a terminal folded between words, with what follows indented."""
    if width is None or len(line) <= width:
        return line
    return textwrap.fill(line, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False)


def _sentence(problem: Problem) -> str:
    what = problem.path or (problem.file if problem.named_at else "")
    said = f"{what}: {problem.message}" if what else problem.message
    return f"{said}; {problem.hint}" if problem.hint else said


def _place(problem: Problem) -> str:
    return ":".join(str(part) for part in (problem.file, problem.line, problem.column) if part is not None)


def _excerpt(problem: Problem, hint: str, colour: str, paint: _Paint) -> list[str]:
    """The faulty line, and what is wrong in it underlined with carets and the hint."""
    excerpt = problem.excerpt or ""
    start = (problem.column or 1) - 1
    cut = 0 if len(excerpt) <= LONGEST_EXCERPT else max(0, start - LONGEST_EXCERPT // 2)
    line = excerpt[cut : cut + LONGEST_EXCERPT]
    blanks = len(line) - len(line.lstrip(" "))
    shift = min(blanks, start - cut)
    carets = paint(colour, "^" * max(1, min(problem.mark, LONGEST_EXCERPT - (start - cut))))
    under = f"{_INDENT}{' ' * (start - cut - shift)}{carets} {hint}".rstrip()
    return [f"{_INDENT}{marked(line[shift:])}", under]
