"""stdout and stderr for the whole program: every line that is written to them is made harmless, and that one of them is closed is no crash.

`click.echo`, `print`, tracebacks and warnings write to `sys.stdout` and `sys.stderr`; `guard` puts a `SafeStream` in their place. What must
write more than text asks for the stream below: `report/` for its own colours and for the lines that it redraws (it makes all parts harmless
itself), and `data` for manifests, byte for byte.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO, cast

STDOUT, STDERR = 1, 2
_CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")


class SafeStream:
    """A text stream that is given text only. It has no `buffer`, so that nobody writes past it by accident (click would).

    `is_talk`: what nobody can read is lost without a word, since a run must not end because of it.
    """

    def __init__(self, below: TextIO, *, is_ci: bool, is_talk: bool = False) -> None:
        self.below = below
        self._is_ci = is_ci
        self._is_talk = is_talk
        self._begins_a_line = True

    def write(self, text: str | bytes) -> int:
        if not isinstance(text, str):
            if not text:  # as click tries, to find out what a stream takes
                raise TypeError(f"write() argument must be str, not {type(text).__name__}")
            text = bytes(text).decode("utf-8", "replace")  # its words for a shell's completion
        self._try(lambda: self.below.write(self._harmless(text)))
        return len(text)

    def flush(self) -> None:
        self._try(self.below.flush)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.below, name)

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError:
            if not self._is_talk:
                raise
            # else the interpreter's own flush at exit fails too, and changes the exit code
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.below.fileno())

    def _harmless(self, text: str) -> str:
        pieces = text.split("\n")
        began, self._begins_a_line = self._begins_a_line, not pieces[-1].strip() and (len(pieces) > 1 or self._begins_a_line)
        if not self._is_ci and all(map(str.isprintable, pieces)):
            return text
        from bodywork_compiler.printable import printable, without_runner_commands

        safe = [printable(piece) for piece in pieces]
        if self._is_ci:
            # in the middle of a line "::" means nothing
            safe = [without_runner_commands(piece if began or number else f"|{piece}") for number, piece in enumerate(safe)]
            safe[0] = safe[0] if began else safe[0][1:]
        return "\n".join(safe)


def guard() -> None:
    """Call it first. A stream that is closed (`>&-`) is opened on nothing: else the next file that is opened would be taken for it."""
    for number, mode in ((0, os.O_RDONLY), (STDOUT, os.O_RDONLY), (STDERR, os.O_WRONLY)):
        _open_if_closed(number, mode)
    sys.stdin = sys.stdin or open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 it is open as long as the program is
    in_ci = is_ci(os.environ)
    sys.stdout = _guarded(sys.stdout, STDOUT, is_ci=in_ci)
    sys.stderr = _guarded(sys.stderr, STDERR, is_ci=in_ci)


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether a CI job's log may be where our lines end."""
    return any(environ.get(name) for name in _CI_VARIABLES)


def below(stream: TextIO) -> TextIO:
    """What takes colours and cursor movements: for who made all else harmless before."""
    return cast("TextIO", getattr(stream, "below", stream))


def data(stream: TextIO) -> Any:
    """What takes bytes as they are: for what programs read."""
    return below(stream).buffer


def _open_if_closed(number: int, mode: int) -> None:
    """stdout is opened for reading, as other programs do: then who writes to it fails as it would have, with EBADF."""
    try:
        os.fstat(number)
    except OSError as fault:
        if fault.errno != errno.EBADF:
            raise
        os.open(os.devnull, mode)  # the lowest number that is free


def _guarded(stream: TextIO | None, number: int, *, is_ci: bool) -> TextIO:
    # a terminal of an older encoding gets what it can show, as it does on stderr
    opened = stream or open(number, "w", closefd=False, encoding="utf-8")  # noqa: SIM115 it is open as long as the program is
    if hasattr(opened, "reconfigure"):
        opened.reconfigure(errors="backslashreplace")
    return cast("TextIO", SafeStream(opened, is_ci=is_ci, is_talk=number == STDERR))
