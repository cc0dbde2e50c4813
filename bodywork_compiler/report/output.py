"""Lines to a stream, whatever it is: a terminal, a file, a pipe whose reader has gone. How durations and JSON are written there."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO

from bodywork_compiler.printable import log_line, printable, without_runner_commands
from bodywork_compiler.streams import below, is_ci

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def in_words(seconds: float) -> str:
    """`0.4 s`, `41 s`, `1 min 12 s`, `2 h 5 min`."""
    if 0 < seconds < 0.95:  # noqa: PLR2004 -- what rounds to 1.0 is said as 1
        return f"{max(seconds, 0.1):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole // _MINUTE, "min", whole % _MINUTE, "s")
    minutes = round(seconds / _MINUTE)
    return _two(minutes // _MINUTE, "h", minutes % _MINUTE, "min")


def age_in_words(seconds: float) -> str:
    """Roughly, as an age is read: `41 s`, `12 min`, `5 h`, `12 d`."""
    for unit, name, limit in ((1, "s", 2 * _MINUTE), (_MINUTE, "min", 2 * _HOUR), (_HOUR, "h", 2 * _DAY)):
        if seconds < limit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds // _DAY)} d"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def as_json(data: object, indent: int | None = 2, **options: Any) -> str:
    """ASCII, and never `##[`, which runners of CI jobs obey anywhere in a line."""
    return without_double_hash(json.dumps(data, indent=indent, **options), "\\u0023")


def as_yaml(data: object) -> str:
    """As it is typed; where a string has something to be careful with, all are quoted and in ASCII."""
    import yaml

    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    if all(without_runner_commands(printable(line)) == line for line in text.split("\n")):
        return text
    quoted = yaml.safe_dump(data, sort_keys=False, default_style='"', width=2**31)
    return without_double_hash(quoted, "\\x23")


def without_double_hash(text: str, escaped: str) -> str:
    """In JSON, and in YAML that is quoted, a hash is only ever inside a string."""
    return text.replace("##", f"#{escaped}") if "##" in text else text


Colour = Literal["red", "green", "yellow", "blue", "magenta", "cyan", "dim"]
_CODES: dict[Colour, str] = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36", "dim": "2"}
_ASCII = str.maketrans({"✓": "+", "✗": "x", "·": "|", "→": ">", "…": "..."})


class Output:
    """Where a run's report goes. Colours only on a terminal, and never with NO_COLOR or CI.

    `is_of_a_run`: it matters more than its log, and is not ended by a full disk. What is asked for its output alone fails without it.
    """

    def __init__(self, stream: TextIO, *, environ: Mapping[str, str], is_of_a_run: bool = False) -> None:
        self._stream = below(stream)
        self._is_of_a_run = is_of_a_run
        self._is_gone = False
        self._is_ci = is_ci(environ)
        self.is_terminal = stream.isatty()
        self.colours = self.is_terminal and not environ.get("NO_COLOR") and not self._is_ci and environ.get("TERM") != "dumb"

    def line(self, text: str = "", colour: Colour | None = None, *, lead: str = "", lead_colour: Colour | None = None) -> None:
        """A line in our words and others'. Where those have several lines, the later ones are indented: none looks like one of ours."""
        first, *others = map(printable, text.split("\n"))
        self._show(lead, lead_colour, self._painted(first, colour))
        for other in others:
            self._show(" " * len(lead) + "    ", None, self._painted(other, colour))

    def foreign(self, text: str, *, lead: str = "", lead_colour: Colour | None = None) -> None:
        """A line of a stage's log, which keeps its colours on a terminal."""
        self._show(lead, lead_colour, log_line(text, colours=self.colours))

    def document(self, text: str) -> None:
        """What a program reads, of one line or several, in characters that need no care (`as_json`)."""
        self._put(text)

    def redraw(self, codes: str) -> None:
        """Our own codes for a terminal, to draw it anew."""
        self._guarded(lambda: self._stream.write(codes))

    def flush(self) -> None:
        self._guarded(self._stream.flush)

    def _show(self, lead: str, lead_colour: Colour | None, text: str) -> None:
        line = self._painted(printable(lead), lead_colour) + text
        self._put(without_runner_commands(line) if self._is_ci else line)

    def _put(self, line: str) -> None:
        self._guarded(lambda: self._stream.write(self._encodable(f"{line}\n")))

    def _painted(self, text: str, colour: Colour | None) -> str:
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colour and self.colours else text

    def _guarded(self, write: Callable[[], object]) -> None:
        """A reader that goes away (`| head`), or a full disk, must not end a run half-way: the rest is said to nobody."""
        if self._is_gone:
            return
        try:
            write()
        except OSError as fault:
            if not self._is_of_a_run:
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
