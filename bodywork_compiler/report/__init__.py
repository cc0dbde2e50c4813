"""What a user is told: problems of a config, and the events of a run as a log, as JSON or (on a terminal) live.

`choose` is all that the rest of the program needs of a run's report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from datetime import datetime

    from bodywork_compiler.runner.events import Event, Level

Form = Literal["text", "json"]
LogStyle = Literal["live", "replay"]
Words = Literal["today's", "v1's"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a run is to be shown. `log_style` None: live on a terminal, else replayed when a stage has ended. `log_level` is the config's."""

    output: Form = "text"
    log_style: LogStyle | None = None
    log_level: Level = "INFO"
    words: Words = "today's"


def choose(
    view: View, stream: TextIO, *, environ: Mapping[str, str] | None = None, clock: Callable[[], datetime] | None = None
) -> Callable[[Event], None]:
    """A function that shows each event on `stream`; `clock` gives the time of day, with its zone."""
    import os

    from bodywork_compiler.report.output import Output

    lines = Output(stream, environ=os.environ if environ is None else environ)
    if view.output == "json":
        from bodywork_compiler.report.json_lines import JsonLines

        return JsonLines(lines, clock=clock or _now)
    from bodywork_compiler.report.stage_logs import Live, Replay
    from bodywork_compiler.report.text import Text

    style = view.log_style or ("live" if lines.is_terminal else "replay")
    text = Text(lines, Live(lines) if style == "live" else Replay(lines), clock=clock or _now, log_level=view.log_level)
    if view.words == "v1's":
        from bodywork_compiler.report.v1_words import in_v1_words

        return in_v1_words(text)
    return text


def _now() -> datetime:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc)
