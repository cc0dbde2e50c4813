"""A run on a terminal: what the stages of its step do now in the last lines, their logs and all that is worth keeping above."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from bodywork_compiler.report.output import Colour, Output
from bodywork_compiler.report.screen import Board, Screen
from bodywork_compiler.report.stage_logs import Live
from bodywork_compiler.report.text import Text
from bodywork_compiler.runner import events as run
from bodywork_compiler.streams import below

if TYPE_CHECKING:
    from bodywork_compiler.report import View

_COLOURS: dict[run.Level, Colour] = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


class LiveReport:
    """Shows each event as it comes. `close` leaves a terminal as others want it, however the run ended."""

    def __init__(self, stream: TextIO, *, environ: Mapping[str, str], view: View, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._board = Board()
        self._screen = Screen(below(stream), lambda width, height: self._board.drawn(self._clock(), width, height))
        self._output = _Above(stream, self._screen, environ=environ)
        self._text = _Brief(self._output, view)
        self._said: dict[str, str] = {}

    def __call__(self, event: run.Event) -> None:
        if isinstance(event, run.RunEnded):
            self.close()
        with self._screen.lock:
            self._take(event)

    def close(self) -> None:
        self._screen.close()

    def _take(self, event: run.Event) -> None:
        if isinstance(event, run.StepStarted | run.RunEnded):
            self._keep_step()
        self._board.take(event, self._clock())
        self._text.is_quiet = self._is_drawn(event)
        self._text(event)
        if isinstance(event, run.RunStarted):
            self._screen.start()

    def _is_drawn(self, event: run.Event) -> bool:
        """What the last lines show is not said above them too; a message that they would cut short is, once."""
        if isinstance(event, run.StageProgress):
            was, self._said[event.stage] = self._said.get(event.stage), event.message
            return was == event.message
        return isinstance(event, run.StepStarted | run.StageEnded) or (isinstance(event, run.ObjectChanged) and bool(event.step))

    def _keep_step(self) -> None:
        for row in self._board.kept(self._clock(), self._screen.width):
            self._output.line(row.text, lead=row.mark, lead_colour=row.colour)


class _Above(Output):
    def __init__(self, stream: TextIO, screen: Screen, *, environ: Mapping[str, str]) -> None:
        super().__init__(stream, environ=environ, is_of_a_run=True)
        self._screen = screen

    def _put(self, line: str) -> None:
        self._guarded(lambda: self._screen.above(self._encodable(line)))


class _Brief(Text):
    """Without the time of day and the place in our code, which a log is read for later."""

    def __init__(self, output: Output, view: View) -> None:
        from bodywork_compiler.report import now

        super().__init__(output, Live(output), clock=now, view=view)
        self.is_quiet = False

    def _log(self, message: str, *, where: str = "run.step", level: run.Level = "INFO") -> None:  # noqa: ARG002 -- as the log has it
        if not self.is_quiet and self._is_wanted(level):
            said = f"{level.lower()}: {message}" if level in {"WARNING", "ERROR", "CRITICAL"} else message
            self._output.line(said, _COLOURS.get(level))
