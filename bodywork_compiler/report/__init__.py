"""What a user is told: problems of a config, and the events of a run as a log, as JSON or (on a terminal) live.

`choose` is all that the rest of the program needs of a run's report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from datetime import datetime

    from bodywork_compiler.runner.events import Event, Level

Form = Literal["text", "json"]
LogStyle = Literal["live", "replay"]
Words = Literal["today's", "v1's"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What the commands begin or end with that are proposed at a run's end: `apply` runs the same again, `cluster` leads to the same one."""

    apply: str = "bodywork apply"
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a run is to be shown. `log_style` None: live on a terminal, else replayed when a stage has ended. `log_level` is the config's.

    `is_redrawn`: on a terminal the last lines may be drawn again and again, since nobody else writes there.
    """

    output: Form = "text"
    log_style: LogStyle | None = None
    log_level: Level = "INFO"
    words: Words = "today's"
    is_redrawn: bool = True
    commands: Commands = Commands()


def choose(
    view: View, stream: TextIO, *, environ: Mapping[str, str] | None = None, clock: Callable[[], datetime] | None = None
) -> Callable[[Event], None]:
    """A function that shows each event on `stream`; `clock` gives the time of day, with its zone."""
    import os

    from bodywork_compiler.report.output import Output

    lines = Output(stream, environ=os.environ if environ is None else environ, is_of_a_run=True)
    if view.output == "json":
        from bodywork_compiler.report.json_report import JsonLines

        return JsonLines(lines, clock=clock or now)
    from bodywork_compiler.report.stage_logs import Live, Replay
    from bodywork_compiler.report.text import Text

    style = view.log_style or ("live" if lines.is_terminal else "replay")
    text = Text(lines, Live(lines) if style == "live" else Replay(lines), clock=clock or now, view=view)
    if view.words == "v1's":
        from bodywork_compiler.report.text import in_v1_words

        return in_v1_words(text)
    return text


@contextmanager
def showing(view: View, stream: TextIO, *, environ: Mapping[str, str] | None = None) -> Iterator[Callable[[Event], None]]:
    """As `choose`, with live lines at the end of a terminal while the block lasts."""
    import os

    environ = os.environ if environ is None else environ
    if not _is_drawn(view, stream, environ):
        yield choose(view, stream, environ=environ)
        return
    from bodywork_compiler.report.live import LiveReport

    report = LiveReport(stream, environ=environ, view=view)
    try:
        yield report
    finally:
        report.close()


def _is_drawn(view: View, stream: TextIO, environ: Mapping[str, str]) -> bool:
    from bodywork_compiler.report.output import Output

    is_wanted = view.is_redrawn and view.output == "text" and view.log_style != "replay" and view.words == "today's"
    return is_wanted and Output(stream, environ=environ).colours and (stream.encoding or "").lower().replace("-", "") == "utf8"


def now() -> datetime:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc)
