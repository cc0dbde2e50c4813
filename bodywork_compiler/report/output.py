"""Lines to a stream, whatever it is: a terminal, a file, a pipe whose reader has gone."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Literal, TextIO

from bodywork_compiler.report.printable import printable, without_runner_commands

Colour = Literal["red", "green", "yellow", "blue", "magenta", "cyan", "dim"]
_CODES: dict[Colour, str] = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36", "dim": "2"}
_ASCII = str.maketrans({"✓": "+", "✗": "x", "·": "|", "→": ">", "…": "..."})


class Output:
    """Where a run's report goes. Colours only on a terminal, and never with NO_COLOR or CI.

    `is_of_a_run`: it matters more than its log, and is not ended by a full disk. What is asked for its output alone fails without it.
    """

    def __init__(self, stream: TextIO, *, environ: Mapping[str, str], is_of_a_run: bool = False) -> None:
        self._stream = stream
        self._is_of_a_run = is_of_a_run
        self._is_gone = False
        self._on_github = bool(environ.get("GITHUB_ACTIONS"))
        self.is_terminal = stream.isatty()
        self.colours = self.is_terminal and not environ.get("NO_COLOR") and not environ.get("CI") and environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        self._guarded(lambda: self._stream.write(self._encodable(f"{text}\n")))

    def foreign(self, text: str, *, prefix: str = "") -> None:
        """A line in another program's words: made harmless first."""
        line = prefix + printable(text, colours=self.colours)
        self.line(without_runner_commands(line) if self._on_github else line)

    def paint(self, text: str, colour: Colour | None) -> str:
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colour and self.colours else text

    def flush(self) -> None:
        self._guarded(self._stream.flush)

    def _guarded(self, write: Callable[[], object]) -> None:
        """A reader that goes away (`| head`), or a full disk, must not end a run half-way: the rest is said to nobody."""
        if self._is_gone:
            return
        try:
            write()
        except OSError as fault:
            if not isinstance(fault, BrokenPipeError) and not self._is_of_a_run:
                raise
            self._is_gone = True
            # else the interpreter's own flush at exit fails too, and changes the exit code
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            if not isinstance(fault, BrokenPipeError):
                with contextlib.suppress(OSError):
                    print(f"bodywork: the log is written no further: {fault.strerror}", file=sys.stderr)

    def _encodable(self, text: str) -> str:
        """What the stream's encoding lacks is written as ASCII: no line of a log is worth a crash."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
        return text
