"""What may go wrong, and the exit code that each kind of it has.

One root: `cli.main` catches `BodyworkError`, prints it, and exits with its `exit_code`. Everything else that reaches `cli.main` is a bug in
Bodywork (exit code 3), Ctrl-C (130) or SIGTERM (143).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bodywork_compiler.problems import Problem


EXIT_INTERRUPTED, EXIT_TERMINATED, EXIT_HUNG_UP = 130, 143, 129  # 128 + the signal: what a shell says of other programs


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends whatever Ctrl-C ends, in the same order."""


class HungUp(KeyboardInterrupt):
    """SIGHUP: the terminal is gone."""


def exit_code_of(interrupt: BaseException | None) -> int:
    if isinstance(interrupt, HungUp):
        return EXIT_HUNG_UP
    return EXIT_TERMINATED if isinstance(interrupt, Terminated) else EXIT_INTERRUPTED


class BodyworkError(Exception):
    """An expected failure: its message is all that the user needs to see, with `hint` saying what to do about it.

    Raised as it is, it means: refused, and nothing was changed.
    """

    exit_code = 1
    hands_off = False  # the run that meets it touches nothing any more: it may not, or cannot

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(BodyworkError):
    """A project's files have faults: all of them, errors and warnings, sorted by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class RunFailed(BodyworkError):
    """The run ended badly after its first change to the cluster."""

    exit_code = 4


class TimedOut(BodyworkError):
    """A limit of time ran out."""

    exit_code = 70


class ServerLost(TimedOut):
    """The API server could not be asked for as long as that is waited for: nothing can be stopped or put back."""

    hands_off = True
