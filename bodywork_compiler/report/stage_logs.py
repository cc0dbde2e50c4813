"""What stages print, in one of two ways: each line at once behind its stage's name, or a pod's whole log when the pod has ended."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Protocol
from zlib import crc32

from bodywork_compiler import labels
from bodywork_compiler.report.output import Colour, Output
from bodywork_compiler.runner.events import LogEnded, LogLine

IN_MEMORY_CHARACTERS = 256 * 1024  # of each pod
# lone surrogates and carriage returns come back as they went
_ENCODING, _ERRORS, _NEWLINE = "utf-8", "surrogatepass", "\n"


class Spool:
    """The lines of one pod, in the order in which they came. Those that find no room on the disk stay in memory."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._file: io.RawIOBase | None = None
        self._is_full = False

    def add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size > IN_MEMORY_CHARACTERS and not self._is_full:
            self._spill()

    def drain(self) -> Iterator[str]:
        """All lines, once."""
        if self._file is not None:
            self._file.seek(0)
            with io.TextIOWrapper(io.BufferedReader(self._file), encoding=_ENCODING, errors=_ERRORS, newline=_NEWLINE) as file:
                for line in file:
                    yield line[:-1]
        yield from self._lines

    def _spill(self) -> None:
        text = "".join(line.replace("\n", " ") + "\n" for line in self._lines).encode(_ENCODING, _ERRORS)
        try:
            if self._file is None:
                self._file = TemporaryFile(buffering=0)  # noqa: SIM115 -- closed when drained
            _write_whole(self._file, text)
        except OSError:
            self._is_full = True
            return
        self._lines.clear()
        self._size = 0


def _write_whole(file: io.RawIOBase, text: bytes) -> None:
    """All of it or none."""
    began = file.tell()
    try:
        while text:
            text = text[file.write(text) or 0 :]
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(began)
        raise


_RULE = "-" * 100  # as the documents show it
_COLOURS: tuple[Colour, ...] = ("cyan", "magenta", "blue", "green", "yellow")
_INCOMPLETE = "(the rest of this log could not be read)"


class StageLogs(Protocol):
    names: dict[str, str]  # stage → name of its object, known when the run starts

    def line(self, event: LogLine) -> None: ...
    def ended(self, event: LogEnded) -> None: ...
    def so_far(self, stage: str) -> None:
        """Show what a stage has printed until now."""

    def all_so_far(self) -> None:
        """Show what is still held back: the run is over."""


class Live:
    """`train-model | line`; lines of another container than the stage's own name it too: `train-model install | line`."""

    def __init__(self, output: Output) -> None:
        self.names: dict[str, str] = {}
        self._output = output

    def line(self, event: LogLine) -> None:
        container = "" if event.container == labels.MAIN else f" {event.container}"
        self._output.foreign(event.line, lead=f"{event.stage}{container} | ", lead_colour=_colour_of(event.stage))

    def ended(self, event: LogEnded) -> None:
        if not event.complete:
            self._output.line(f"{event.stage} | {_INCOMPLETE}")

    def so_far(self, stage: str) -> None:
        pass

    def all_so_far(self) -> None:
        pass


def _colour_of(stage: str) -> Colour:
    """Always the same one for a stage, in every run."""
    return _COLOURS[crc32(stage.encode()) % len(_COLOURS)]


@dataclass(slots=True)
class _PodLog:
    stage: str
    attempt: int
    lines: Spool = field(default_factory=Spool)


class Replay:
    """The documents' form: a header with the object's name, then the log as it was. Stages that run side by side do not mix."""

    def __init__(self, output: Output) -> None:
        self.names: dict[str, str] = {}
        self._output = output
        self._pods: dict[str, _PodLog] = {}

    def line(self, event: LogLine) -> None:
        if event.pod not in self._pods:
            self._pods[event.pod] = _PodLog(event.stage, event.attempt)
        self._pods[event.pod].lines.add(event.line)

    def ended(self, event: LogEnded) -> None:
        if not event.complete:
            self._pods.setdefault(event.pod, _PodLog(event.stage, 1)).lines.add(_INCOMPLETE)
        self._show(event.pod)

    def so_far(self, stage: str) -> None:
        for pod in [name for name, log in self._pods.items() if log.stage == stage]:
            self._show(pod)

    def all_so_far(self) -> None:
        for pod in list(self._pods):
            self._show(pod)

    def _show(self, pod: str) -> None:
        log = self._pods.pop(pod, None)
        if log is None:
            return
        attempt = f" (attempt {log.attempt})" if log.attempt > 1 else ""
        for line in (_RULE, f"---- pod logs for {self.names.get(log.stage, log.stage)}{attempt}", _RULE):
            self._output.line(line)
        for line in log.lines.drain():
            self._output.foreign(line)
