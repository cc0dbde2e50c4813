"""A fault in a user's file: its place, what is wrong and what to do. Values only; `report` prints them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bodywork_compiler.values import value

LARGEST_TEXT = 64 * 1024 * 1024  # of a user's file, or of all manifests that are read: far more than 10,000 stages need
# a note is worth knowing and no fault: it stays a note with --strict
Severity = Literal["error", "warning", "note"]


@value
class Problem:
    """One fault in one file.

    `file` is named as the user named it (relative paths stay relative); `line` and `column` count from 1 and are None where a whole file is
    at fault. `path` is the key's place in words, `stages.train.batch.retries`. `hint` is one sentence that says what to do. `excerpt` is the
    faulty line of the file as it stands, with `mark` the number of columns from `column` on that are at fault (0: no excerpt is shown).
    `named_at` is the file, line and column that name a file which is not there: a pull request shows nothing beside what does not exist.
    """

    file: str
    message: str
    path: str = ""
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    excerpt: str | None = None
    mark: int = 0
    severity: Severity = "error"
    named_at: tuple[str, int | None, int | None] | None = None


def by_place(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file, line and column; a fault of a whole file comes before those inside it. Doubles are dropped."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda p: (p.file, p.line or 0, p.column or 0, p.severity, p.path, p.message)))


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)
