"""Why a stage failed, gathered before anything is undone: the last lines of what failed, the warnings, and where to look further."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bodywork_compiler.api import CouldNotAsk, NotThere, Refused
from bodywork_compiler.errors import ServerLost
from bodywork_compiler.runner.events import ContainerTail, Evidence
from bodywork_compiler.runner.logs import TAIL_LINES
from bodywork_compiler.runner.session import ASK_AGAIN_SECONDS, PATIENCE_AT_THE_END_SECONDS, Session
from bodywork_compiler.runner.stage_run import StageRun, about
from bodywork_compiler.runner.verdicts.pods import containers, last_end, state
from bodywork_compiler.runner.watching import name, uid

DRAIN_SECONDS = 5.0
MOST_WARNINGS = 10


def gather(session: Session, run: StageRun) -> Evidence:
    """Tell the evidence of a stage that failed. Its log is let come to its end first, for a while."""
    _drain(session, lambda: _is_through(session, run), DRAIN_SECONDS)
    found = Evidence(
        step=run.plan.step,
        stage=run.stage,
        reason=run.verdict.message,
        tails=tuple(_tails(session, run)),
        warnings=tuple(_warnings(session, run)),
        look_further=tuple(_look_further(session, run)),
    )
    session.tell(found)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """An object that is no stage, as it was seen last, with its pods."""

    step: int
    name: str
    object: Mapping[str, Any]
    pods: Sequence[Mapping[str, Any]]


def gather_of_extra(session: Session, extra: Extra, reason: str) -> Evidence:
    """Its log was not followed: the last lines are asked for."""
    kind = str(extra.object.get("kind", "")).lower()
    ended = [(number, pod, status) for number, pod in enumerate(extra.pods, start=1) for status, _ in containers(pod)]
    found = Evidence(
        step=extra.step,
        stage=extra.name,
        reason=reason,
        tails=tuple(_asked(session, pod, status, number) for number, pod, status in ended if (last_end(status) or {}).get("exitCode")),
        warnings=tuple(_lines(session, extra.object, extra.pods)),
        look_further=(
            session.kubectl.line("describe", f"{kind}/{extra.name}"),
            session.kubectl.line("describe", f"pod/{name(extra.pods[-1])}"),
        ),
    )
    session.tell(found)
    return found


def drain(session: Session, stage: str | None = None, seconds: float = DRAIN_SECONDS) -> None:
    """Wait until the followed logs are through (of one stage, or all), for that long at most."""
    stages = None if stage is None else [stage]
    _drain(session, lambda: session.logs.are_through(stages), seconds)


def _drain(session: Session, is_through: Callable[[], bool], seconds: float) -> None:
    """While the API server cannot be asked, nothing is given up, for a minute; but whoever interrupts the run waits for no lost server.

    A server that the run gives up meanwhile ends the wait alone: what needs the server next meets that again.
    """
    began = session.clock()
    give_up_at = began + seconds
    with contextlib.suppress(ServerLost):
        while not is_through() and (now := session.clock()) < give_up_at:
            if session.is_blind and not session.hurries and not session.interrupted.is_set():
                give_up_at = min(now, began + PATIENCE_AT_THE_END_SECONDS) + seconds
            session.pump(min(give_up_at - now, ASK_AGAIN_SECONDS))


def _is_through(session: Session, run: StageRun) -> bool:
    """Whether all has come that will come soon: the container of a service, or of a Job that is to be stopped, goes on printing."""
    pods = () if run.has_failed else run.pods
    running = {(uid(pod), str(status["name"])) for pod in pods for status, _ in containers(pod) if "running" in state(status)}
    return all(each.is_over or (each.pod_uid, each.container) in running for each in session.logs.of(run.stage))


def _tails(session: Session, run: StageRun) -> Iterator[ContainerTail]:
    """Each failed container of each attempt. A pod that its deadline deleted has left only what was followed, and how it was seen last."""
    ends = {(pod_uid, str(status["name"])): last_end(status) for pod_uid, pod in run.pods_seen.items() for status, _ in containers(pod)}
    told = set()
    for follower in session.logs.of(run.stage):
        ended = ends.get((follower.pod_uid, follower.container))
        told.add((follower.pod_uid, follower.container))
        if ended is None or ended.get("exitCode") != 0:
            yield ContainerTail(
                pod=follower.pod,
                container=follower.container,
                attempt=follower.attempt,
                exit_code=_exit_code(ended),
                lines=tuple(follower.tail),
            )
    for number, pod in enumerate(run.pods, start=1):
        for status, _ in containers(pod):
            ended = last_end(status)
            if ended and ended.get("exitCode") != 0 and (uid(pod), str(status["name"])) not in told:
                yield _asked(session, pod, status, number)


def _asked(session: Session, pod: Mapping[str, Any], status: Mapping[str, Any], number: int) -> ContainerTail:
    """A container that ended before it could be followed."""
    container, ended = str(status["name"]), last_end(status) or {}
    query = {"container": container, "tailLines": str(TAIL_LINES)}
    if "terminated" not in (status.get("state") or {}):
        query["previous"] = "true"
    lines: list[str] = []
    with contextlib.suppress(CouldNotAsk, NotThere, Refused):
        lines = b"".join(session.api.log(name(pod), query)).decode(errors="replace").splitlines()
    lines = lines or str(ended.get("message") or "").splitlines()
    return ContainerTail(pod=name(pod), container=container, attempt=number, exit_code=_exit_code(ended), lines=tuple(lines))


def _exit_code(ended: Mapping[str, Any] | None) -> int | None:
    return None if ended is None or ended.get("exitCode") is None else int(ended["exitCode"])


def _warnings(session: Session, run: StageRun) -> list[str]:
    if run.object is None:
        return []
    pods = list(run.pods_seen.values()) if run.plan.kind == "Job" else run.pods  # those of a Job may be gone by now
    return _lines(session, run.object, pods)


def _lines(session: Session, obj: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> list[str]:
    events = [event for event in session.picture.events_about(about(obj, pods)) if event.get("type") == "Warning"]
    return list(dict.fromkeys(_line(event) for event in events))[-MOST_WARNINGS:]


def _line(event: Mapping[str, Any]) -> str:
    count = int(event.get("count") or (event.get("series") or {}).get("count") or 1)
    times = f" (x{count})" if count > 1 else ""
    return f"{event.get('reason')}: {' '.join(str(event.get('message') or '').split())}{times}"


def _look_further(session: Session, run: StageRun) -> Iterator[str]:
    kind, line = run.plan.kind.lower(), session.kubectl.line
    last = name(run.pods[-1]) if run.pods else None
    if run.plan.kind == "Job" and not run.has_failed and not session.options.keep_failed:  # it will be stopped: its events alone stay
        yield line("events", f"--for={kind}/{run.plan.name}")
        if last:
            yield line("events", f"--for=pod/{last}")
        return
    yield line("describe", f"{kind}/{run.plan.name}")
    if last:
        yield line("describe", f"pod/{last}")
        yield line("logs", f"pod/{last}", "--all-containers")
