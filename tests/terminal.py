"""Commands at a terminal: what they show there, as bytes or as the screen that a person sees."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyte


@dataclass(kw_only=True)
class Terminal:
    """One that emulates a VT100, and its lines that have scrolled away."""

    columns: int = 80
    lines: int = 24
    screen: pyte.HistoryScreen = field(init=False)
    _stream: pyte.ByteStream = field(init=False)

    def __post_init__(self) -> None:
        self.screen = pyte.HistoryScreen(self.columns, self.lines, history=100_000, ratio=0.5)
        self.screen.set_mode(pyte.modes.LNM)  # a line feed returns too, as the line discipline of a terminal has it
        self._stream = pyte.ByteStream(self.screen)

    def feed(self, shown: bytes) -> None:
        self._stream.feed(shown)

    def resize(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.screen.resize(lines, columns)

    @property
    def display(self) -> list[str]:
        """The screen's lines that are not empty at its end."""
        lines = [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        """All that a person has seen who scrolls back."""
        scrolled = ("".join(line[column].data for column in range(self.columns)).rstrip() for line in self.screen.history.top)
        return "\n".join([*scrolled, *self.display])

    @property
    def has_cursor(self) -> bool:
        return not self.screen.cursor.hidden


def at_a_terminal(
    *argv: str | Path, types: str = "", cwd: Path | None = None, interrupt_at: str | None = None, columns: int = 80
) -> tuple[int, str]:
    """The exit code of a command of ours and what the terminal showed; interrupted when it shows `interrupt_at`."""
    words = [sys.executable, "-m", "bodywork_compiler", *map(str, argv)]
    with opened_terminal(columns) as (ours, its):
        with subprocess.Popen(words, stdin=its, stdout=its, stderr=its, start_new_session=True, cwd=cwd) as process:
            os.close(its)
            os.write(ours, types.encode())
            shown = b""
            for piece in pieces(ours):
                shown += piece
                if interrupt_at and interrupt_at.encode() in shown:
                    process.send_signal(signal.SIGINT)
                    interrupt_at = None
        return process.returncode, shown.decode()


@contextmanager
def opened_terminal(columns: int = 80, lines: int = 24) -> Iterator[tuple[int, int]]:
    """Our side of a terminal of that size, and its own side, which who uses it closes."""
    ours, its = pty.openpty()
    resize(its, columns, lines)
    try:
        yield ours, its
    finally:
        os.close(ours)


def resize(terminal: int, columns: int, lines: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def pieces(terminal: int, until: Callable[[], bool] = lambda: False) -> Iterator[bytes]:
    """What comes, until the other side is closed."""
    while not until():
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux's way to say that the other side is closed
            return
        if not piece:
            return
        yield piece
