"""A terminal whose last lines are drawn again and again, while others scroll above them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console, ConsoleDimensions, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from bodywork_compiler.report.board import Row

EVERY_SECONDS = 0.125
DEFAULT_COLUMNS, DEFAULT_LINES = 80, 24  # of a terminal that does not know


class Screen:
    """`draw` gives the last lines for a width and a height; it is called with `lock` held, as whatever it reads must be changed.

    Lines are written several at once, at each drawing: a stage that prints a thousand of them a second costs no more than one that is silent.
    """

    def __init__(self, stream: TextIO, draw: Callable[[int, int], Sequence[Row]]) -> None:
        self.lock = threading.RLock()
        self._stream = stream
        self._draw = draw
        self._console = Console(file=stream, highlight=False)
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._waiting: list[str] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._width = 0

    @property
    def width(self) -> int:
        """Of the terminal that is written to; rich would ask those of the process."""
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(self._stream.fileno())
            self._console.size = ConsoleDimensions(size.columns or DEFAULT_COLUMNS, size.lines or DEFAULT_LINES)
        return self._console.width

    def start(self) -> None:
        """From now on until `close`."""
        self._width = self.width
        self._live.start()
        self._thread = threading.Thread(target=self._go_on_drawing, name="screen", daemon=True)
        self._thread.start()

    def above(self, line: str) -> None:
        """A line that stays, in escape codes of colours only; at once when nothing is drawn."""
        if self._thread:
            self._waiting.append(line)
        else:
            self._stream.write(f"{line}\n")

    def close(self) -> None:
        """The drawn lines go, the cursor comes back. May be called again."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._over.set()
        thread.join()
        with contextlib.suppress(OSError):  # the terminal was closed
            self._write()
            self._live.stop()

    def _go_on_drawing(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            with self.lock:
                try:
                    self._write()
                except OSError:
                    return

    def _write(self) -> None:
        if self.width < self._width:
            # what is drawn may have been broken into more lines than we know of: it is left, and drawn anew below
            self._live.transient = False
            self._live.stop()
            self._live.transient = True
            self._live.start()
        self._width = self.width
        waiting, self._waiting = self._waiting, []
        if waiting:
            # not cropped: the terminal breaks long lines, and they can be copied whole
            self._console.print(_AsItIs("\n".join(waiting)), crop=False)
        self._live.refresh()

    def _drawn(self) -> Group:
        width, height = self._console.size
        return Group(*(_text(each) for each in self._draw(width, height)))


class _AsItIs:
    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text)
        yield Segment.line()


def _text(row: Row) -> Text:
    return Text.assemble((row.mark, row.colour or ""), row.text, no_wrap=True, overflow="crop")
