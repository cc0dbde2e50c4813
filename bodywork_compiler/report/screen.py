"""A terminal whose last lines are drawn again and again, while others scroll above them: one row a stage of the step that runs now."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleDimensions, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from bodywork_compiler.printable import printable
from bodywork_compiler.report.output import Colour, in_words
from bodywork_compiler.runner import events as run

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MARKS: dict[run.Result, tuple[str, Colour]] = {
    "succeeded": ("✓", "green"),
    "available": ("✓", "green"),
    "failed": ("✗", "red"),
    "timed out": ("✗", "red"),
}
_OTHER_END: tuple[str, Colour] = ("-", "yellow")
_LEFT_FOR_LOGS = 1 / 3
_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line: its mark, which is painted, and what stands behind it."""

    mark: str = ""
    colour: Colour | None = None
    text: str


@dataclass(slots=True, kw_only=True)
class _Stage:
    began: float
    message: str = ""
    ended: run.StageEnded | None = None
    undone: str = ""

    def seconds(self, now: float) -> float:
        return self.ended.seconds if self.ended else float(int(now - self.began))

    def state(self) -> str:
        if not self.ended:
            return self.message
        attempts = f"attempt {self.ended.attempts}" if self.ended.kind == "Job" else ""
        result = "" if self.ended.result in {"succeeded", "available"} else self.ended.result
        reason = f": {self.ended.reason}" if self.ended.reason and result else ""
        return ", ".join(part for part in (attempts or self.ended.address, result + reason, self.undone) if part)


@dataclass(slots=True, kw_only=True)
class Board:
    """Takes in the events of a run; `now` is a monotonic clock's."""

    heading: str = "setting up"
    step_count: int = 0
    began: float = 0.0
    _stages: dict[str, _Stage] = field(default_factory=dict)

    def take(self, event: run.Event, now: float) -> None:
        match event:
            case run.RunStarted():
                self.step_count, self.began = event.step_count, now
            case run.StepStarted():
                self.heading = f"step {event.step}/{self.step_count}" if event.step <= self.step_count else "on failure"
                self._stages = {stage: _Stage(began=now) for stage in event.stages}
            case run.StageProgress() if event.stage in self._stages:
                self._stages[event.stage].message = event.message
            case run.StageEnded() if event.stage in self._stages:
                self._stages[event.stage].ended = event
            case run.RolledBack() if event.stage in self._stages:
                self._stages[event.stage].undone = "" if not event.complete else "removed" if event.revision is None else "rolled back"

    def drawn(self, now: float, width: int, height: int) -> list[Row]:
        """For now: what fits, of what has not ended first, and how many more there are."""
        spinner = SPINNER[int(now * 8) % len(SPINNER)]
        fits = max(1, min(height - 3, int(height * (1 - _LEFT_FOR_LOGS))))
        running = [each for each in self._stages.items() if not each[1].ended]
        ended = [each for each in self._stages.items() if each[1].ended]
        ended.sort(key=lambda each: each[1].ended is not None and each[1].ended.result in {"succeeded", "available"})
        shown, hidden = [*running, *ended][:fits], [*running, *ended][fits:]
        order = {name: number for number, name in enumerate(self._stages)}
        rows = list(_rows(sorted(shown, key=lambda each: order[each[0]]), now, spinner, width))
        head = Row(mark=f"{spinner} ", text=_cut(f"{self.heading} · {in_words(int(now - self.began))}", width - 2))
        return [head, *rows, *([Row(text=_cut(f"    … and {_counted(hidden)}", width))] if hidden else [])]

    def kept(self, now: float, width: int) -> list[Row]:
        """For good: every stage of the step, when it is over."""
        return [Row(text=_cut(self.heading, width)), *_rows(list(self._stages.items()), now, "-", width)] if self._stages else []


def _rows(stages: Sequence[tuple[str, _Stage]], now: float, spinner: str, width: int) -> Iterator[Row]:
    names = min(max((len(name) for name, _ in stages), default=0), max(width // 2 - 6, 8))
    times = [in_words(each.seconds(now)) for _, each in stages]
    longest = max(map(len, times), default=0)
    for (name, each), time in zip(stages, times, strict=True):
        mark, colour = _MARKS.get(each.ended.result, _OTHER_END) if each.ended else (spinner, None)
        text = f"{_fitted(name, names)}{_GAP}{time.rjust(longest)}{_GAP}{each.state()}"
        yield Row(mark=f"  {mark} ", colour=colour, text=_cut(text.rstrip(), width - 4))


def _counted(stages: Sequence[tuple[str, _Stage]]) -> str:
    ended = sum(each.ended is not None for _, each in stages)
    parts = [f"{number} {word}" for number, word in ((len(stages) - ended, "running"), (ended, "ended")) if number]
    return f"{len(stages)} more: {', '.join(parts)}"


def _fitted(name: str, cells: int) -> str:
    return set_cell_size(_cut(name, cells), cells)


def _cut(text: str, cells: int) -> str:
    """Never longer than the line: a terminal would break it, and all below would be drawn in the wrong place."""
    text = printable(text)
    return text if cell_len(text) <= cells else set_cell_size(text, max(cells - 1, 0)) + "…"


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
