"""A run as the log that the documents show: `2020-11-24 20:04:15,579 - INFO - where - message`, local time; then its result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from bodywork_compiler import labels
from bodywork_compiler.report.output import Colour, Output, in_words
from bodywork_compiler.report.stage_logs import StageLogs
from bodywork_compiler.report.summary import from_step, headline, look, table, wrapped
from bodywork_compiler.runner import events as run
from bodywork_compiler.runner.events import (
    ContainerTail,
    Event,
    Evidence,
    Notice,
    ObjectChanged,
    RolledBack,
    RunEnded,
    RunStarted,
    StepStarted,
)

if TYPE_CHECKING:
    from bodywork_compiler.report import View


def show_evidence(evidence: Evidence, output: Output) -> None:
    headline = f"✗ {evidence.stage} (step {evidence.step}) failed: {evidence.reason}"
    output.line(headline, "red")
    for tail in evidence.tails:
        output.line(f"    {_whose(tail)}, {'last lines:' if tail.lines else 'printed nothing'}")
        for line in tail.lines:
            output.foreign(line, lead="      ")
    for number, warning in enumerate(evidence.warnings):
        output.line(warning, lead="    events: " if number == 0 else "            ")


def rollback_line(event: RolledBack) -> str:
    after = f" ({event.message})" if event.message else ""
    if not event.complete:
        wanted = (
            "to remove it" if event.revision is None else f"to revision {event.revision}" if event.revision else "to what was there before"
        )
        return f"  NOT rolled back: {event.name}: tried {wanted} for {in_words(event.seconds)}{after}"
    if event.revision is None:
        return f"  removed {event.name}, whose first deployment this was{after}"
    to = f" to revision {event.revision}" if event.revision else ""
    to += f" (commit {event.git_commit[:7]})" if event.git_commit else ""
    return f"  rolled back {event.name}{to}{after}, available after {in_words(event.seconds)}"


def _whose(tail: ContainerTail) -> str:
    return "".join(_parts(tail))


def _parts(tail: ContainerTail) -> Iterator[str]:
    yield f"pod {tail.pod}"
    if tail.container != labels.MAIN:
        yield f", {tail.container}"
    if tail.attempt > 1:
        yield f", attempt {tail.attempt}"
    if tail.exit_code is not None:
        yield f", exit code {tail.exit_code}"


_SEVERITY: dict[run.Level, int] = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_LEVEL_COLOURS: dict[run.Level, Colour] = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_DOING = {"created": "creating", "configured": "updating", "replaced": "replacing", "restarted": "restarting", "deleted": "deleting"}
_WOULD = {"applied": "would apply", "created": "would create", "configured": "would update", "replaced": "would replace"}
_DONE: dict[run.Result, str] = {"succeeded": "completed"}
_ENDED: dict[run.Result, run.Level] = {
    "succeeded": "INFO",
    "available": "INFO",
    "stopped": "WARNING",
    "not started": "WARNING",
    "skipped": "INFO",
}
# what every stage goes through is worth a line only when it takes long; all else is said at once
_USUAL = re.compile(r"(attempt \d+ of \d+: )?(waiting for |fetching|installing|pulling|running|ending)")
_LONG_SECONDS = 30


class Text:
    """Shows each event as it comes, one at a time. `view.log_level` is a threshold for the log; stage logs and the result are always shown."""

    def __init__(self, output: Output, logs: StageLogs, *, clock: Callable[[], datetime], view: View) -> None:
        self._output = output
        self._logs = logs
        self._clock = clock
        self._threshold = _SEVERITY[view.log_level]
        self._commands = view.commands
        self._step_count = 0
        self._on_failure: list[run.StageEnded] = []
        self._objects: dict[str, run.StagePlan] = {}
        self._told_at: dict[str, float] = {}
        self._notes: dict[str, str] = {}
        self._look_further: dict[str, tuple[str, ...]] = {}  # stage → commands that show more of it
        self._reasons: list[str] = []
        self._on_this_machine = ""

    def __call__(self, event: run.Event) -> None:
        self._show(event)
        self._output.flush()

    def _log(self, message: str, *, where: str = "run.step", level: run.Level = "INFO") -> None:
        if self._is_wanted(level):
            now = self._clock().astimezone()
            line = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03} - {level} - {where} - {message}"
            self._output.line(line, _LEVEL_COLOURS.get(level))

    def _is_wanted(self, level: run.Level) -> bool:
        return _SEVERITY[level] >= self._threshold

    @singledispatchmethod
    def _show(self, event: object) -> None:
        raise TypeError(f"no way to show {event!r}")

    @_show.register
    def _(self, event: run.RunStarted) -> None:
        self._step_count = event.step_count
        self._objects = {stage.stage: stage for stage in event.stages}
        self._logs.names.update({stage.stage: stage.name for stage in event.stages})
        commit = f" at {event.git_commit[:7]}" if event.git_commit else ""
        branch = f" ({event.git_branch})" if event.git_branch else ""
        is_here = event.context == run.THIS_MACHINE
        self._on_this_machine = " --local" if is_here else ""
        place = event.context if is_here else f"context {event.context}, namespace {event.namespace}"
        self._log(f"{event.pipeline}{commit}{branch} → {place}", where="run")

    @_show.register
    def _(self, event: run.Notice) -> None:
        self._log(event.message, where=event.where, level=event.level)

    @_show.register
    def _(self, event: run.StepStarted) -> None:
        place = f"step {event.step}/{self._step_count}" if event.step <= self._step_count else "on failure"
        self._log(f"{place}: {', '.join(event.stages)}")

    @_show.register
    def _(self, event: run.ObjectChanged) -> None:
        doing = _DOING.get(event.action, event.action)
        where = f" in namespace={event.namespace}" if event.namespace else ""
        self._log(
            f"{doing} {event.kind.lower()}={event.name}{where}",
            where="run.step" if event.step else "run.setup",
            level="INFO" if event.action in _DOING else "DEBUG",
        )

    @_show.register
    def _(self, event: run.StageProgress) -> None:
        is_usual = _USUAL.match(event.message) is not None
        if is_usual and event.seconds - self._told_at.get(event.stage, 0.0) < _LONG_SECONDS:
            self._log(self._progress(event), level="DEBUG")
            return
        self._told_at[event.stage] = event.seconds
        self._log(self._progress(event))

    def _progress(self, event: run.StageProgress) -> str:
        return f"waiting for {self._named(event.stage)} since {in_words(event.seconds)}: {event.message.removeprefix('waiting: ')}"

    def _named(self, stage: str) -> str:
        known = self._objects.get(stage)
        return f"{known.kind.lower()}={known.name}" if known else f"stage={stage}"

    @_show.register
    def _(self, event: run.LogLine) -> None:
        self._logs.line(event)

    @_show.register
    def _(self, event: run.LogEnded) -> None:
        self._logs.ended(event)

    @_show.register
    def _(self, event: run.StageEnded) -> None:
        if event.kind != "Job":
            self._logs.so_far(event.stage)  # a service's pods log on after the run
        if event.step > self._step_count:
            self._on_failure.append(event)
        attempt = f", attempt {event.attempts}" if event.kind == "Job" else ""
        why = f": {event.reason}" if event.reason else ""
        after = f" after {in_words(event.seconds)}{attempt}" if event.result != "skipped" else ""
        said = f"{_DONE.get(event.result, event.result)} {event.kind.lower()}={event.name}{after}{why}"
        self._log(said, level=_ENDED.get(event.result, "ERROR"))

    @_show.register
    def _(self, event: run.Evidence) -> None:
        self._logs.so_far(event.stage)  # the whole log first, then what matters of it
        show_evidence(event, self._output)
        self._reasons.append(event.reason)
        self._look_further[event.stage] = event.look_further

    @_show.register
    def _(self, event: run.RolledBack) -> None:
        if event.complete:
            self._look_further[event.stage] = ()  # its failed pods are gone
        self._notes[event.stage] = ("removed" if event.revision is None else "rolled back") if event.complete else "NOT rolled back"
        self._output.line(rollback_line(event), None if event.complete else "red")

    @_show.register
    def _(self, event: run.RunEnded) -> None:
        if event.result == "refused":  # a problem, which stderr tells
            return
        self._logs.all_so_far()
        self._output.line()
        self._output.line(headline(event), "green" if event.result == "succeeded" else "red")
        if event.reason and not any(said in event.reason for said in (event.result, *self._reasons)):
            self._output.line(f"  {event.reason}")
        for line, colour in table(event.stages, self._on_failure, self._notes):
            self._output.line(line, colour)
        for line in self._where_to_look(event):
            self._output.line(line)

    def _where_to_look(self, event: run.RunEnded) -> Iterator[str]:
        if not self._look_further:
            return look(event, self._commands.cluster)
        commands = dict.fromkeys(command for each in self._look_further.values() for command in each)
        # nothing of a run on this machine stands any more, which later steps may need
        part = self._on_this_machine or from_step(event, self._notes)
        again = f"{self._commands.apply}{part}{self._commands.cluster}"
        return wrapped("More:", [*commands, f"after mending: {again}"]) if commands else iter((f"After mending: {again}",))

    @_show.register
    def _(self, event: run.ObjectChecked) -> None:
        said = f"{_WOULD.get(event.action, event.action)} {event.kind.lower()}={event.name}"
        where = f" in namespace={event.namespace}" if event.namespace else ""
        why = f": {event.reason}" if event.reason else ""
        level: run.Level = "ERROR" if event.action == "refused" else "INFO"
        self._log(f"{said}{where}{why}", where="run.step" if event.step else "run.setup", level=level)

    @_show.register
    def _(self, event: run.DryRunEnded) -> None:
        asked = "the server was not asked" if event.dry_run == "client" else f"{event.refused} refused"
        line = f"{event.pipeline}: dry run of {event.objects} objects for {event.namespace}: {asked}, nothing was changed"
        self._output.line()
        self._output.line(line, "red" if event.refused else "green")


WHERE = "workflow.run_workflow"


def attempting_to_run(url: str, branch: str, namespace: str) -> Notice:
    """The first line of every log, before anything is cloned."""
    return Notice(
        message=f"attempting to run workflow for project={url} on branch={branch} in kubernetes namespace={namespace}", where=WHERE
    )


def in_v1_words(tell: Callable[[Event], None]) -> Callable[[Event], None]:
    steps: list[tuple[str, ...]] = []  # that have begun and are not told to be over
    last, where = 0, ""

    def done() -> None:
        while steps:
            tell(Notice(message=f"successfully executed DAG step={list(steps.pop())}", where=WHERE))

    def told(event: Event) -> None:
        nonlocal last, where
        match event:
            case RunStarted():
                last = event.step_count
                where = f"project={event.git_url} on branch={event.git_branch} in kubernetes namespace={event.namespace}"
                tell(event)
            case StepStarted() if event.step <= last:  # the failure stage is in none
                done()  # a step begins when the one before it has succeeded
                steps.append(event.stages)
                tell(Notice(message=f"attempting to execute DAG step={list(event.stages)}", where=WHERE))
            case ObjectChanged(action="created", stage=str()):
                namespace = f" in namespace={event.namespace}" if event.namespace else ""
                tell(Notice(message=f"creating {event.kind.lower()}={event.name}{namespace}", where=WHERE))
            case RunEnded(exit_code=0):
                done()
                tell(Notice(message=f"successfully ran workflow for {where}", where=WHERE))
                tell(event)
            case _:
                tell(event)

    return told
