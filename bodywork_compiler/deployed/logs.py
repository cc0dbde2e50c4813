"""The logs of a pipeline's pods: which containers, and their lines as they come, without the values of secrets.

Values are kept out as far as the user may read the secrets. Who may not sees what the pods printed, where most values are masked already.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bodywork_compiler import labels, names
from bodywork_compiler.api import Api, CouldNotAsk, NotThere, Object, Refused
from bodywork_compiler.deployed.reading import Deployed, listed, of, pods_of
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.runner.logs import Position
from bodywork_compiler.runner.masking import Mask
from bodywork_compiler.runner.references import named_by, unmasked_in
from bodywork_compiler.runner.verdict import Situation, judge
from bodywork_compiler.runner.verdicts.pods import by_age, containers, last_end, phase, state
from bodywork_compiler.runner.watching import label, name, uid


class PodSecrets:
    """Grows with the pods that are seen. A secret is read once, as it is now: a value that was replaced since is not known."""

    def __init__(self, api: Api) -> None:
        self.mask = Mask()
        self._api = api
        self._known: set[str] = set()
        self._unread: set[str] = set()
        self._said: set[str] = set()

    def learn(self, pods: Sequence[Object]) -> list[str]:
        """Secrets of these pods whose values nobody masks, told once each."""
        for secret in sorted({each for pod in pods for each in named_by(pod.get("spec"))} - self._known):
            with suppress(CouldNotAsk):  # asked again with the next pods
                self._read(secret)
                self._known.add(secret)
        unmasked = {each for pod in pods for each in unmasked_in(pod.get("spec") or {})} & self._unread - self._said
        self._said |= unmasked
        return sorted(unmasked)

    def _read(self, secret: str) -> None:
        try:
            self.mask.learn(self._api.find("Secret", secret))
        except Refused:
            self._unread.add(secret)
        except NotThere:
            pass


LOOK_AGAIN_SECONDS = 1.0  # for pods that came meanwhile, and after a connection that broke
PIECES_AHEAD = 200  # a container that prints faster than we can show it waits, and not in our memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which logs. `stage` and `container` None: of all stages; of the stage's own code, or where it never began of what ran last."""

    stage: str | None = None
    container: str | None = None
    previous: bool = False
    tail: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One container's log, of its run number `restarts`."""

    stage: str
    pod: str
    pod_uid: str
    container: str
    restarts: int = 0

    @property
    def key(self) -> tuple[str, str, int]:
        return self.pod_uid, self.container, self.restarts


Show = Callable[[Log, str], None]


def stage_named(given: str, deployed: Deployed) -> str:
    """The label's value of the stage that a person means: by its name in the config or by that of its objects."""
    stages = deployed.stages
    by_name = {name(each): str(label(each, labels.STAGE)) for each in deployed.objects if each["kind"] in {"Job", "Deployment"}}
    for candidate in names.spellings(given):
        if candidate in stages:
            return candidate
        if candidate in by_name:
            return by_name[candidate]
    near = get_close_matches(names.clean(given), stages, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Its stages: {', '.join(stages)}."
    raise BodyworkError(f"pipeline {deployed.pipeline} has no stage {given} in namespace {deployed.namespace}", hint=hint)


def logs_of(pods: Sequence[Object], wanted: Wanted) -> list[Log]:
    """The logs that are there to be read now, those of the oldest pod first."""
    return [log for pod in by_age(pods) if wanted.stage in {None, label(pod, labels.STAGE)} for log in _logs(pod, wanted)]


def _logs(pod: Mapping[str, Any], wanted: Wanted) -> Iterator[Log]:
    statuses = {str(status["name"]): status for status, _ in containers(pod)}
    began = [each for each, status in statuses.items() if "running" in state(status) or last_end(status)]
    mains = [str(status["name"]) for status, init in containers(pod) if not init]
    chosen = [each for each in began if each in mains] or began[-1:]
    if wanted.container:
        chosen = [each for each in began if each == wanted.container]
    for container in chosen:
        restarts = int(statuses[container].get("restartCount", 0))
        if wanted.previous and not (statuses[container].get("lastState") or {}).get("terminated"):
            continue
        stage = str(label(pod, labels.STAGE) or "")
        yield Log(stage=stage, pod=name(pod), pod_uid=uid(pod), container=container, restarts=restarts)


def read_logs(api: Api, logs: Sequence[Log], wanted: Wanted, show: Show) -> None:
    """One after another, whole, as far as they have come."""
    for log in logs:
        with suppress(NotThere):  # its pod was deleted in between
            for piece in api.log(log.pod, _query(log, wanted)):
                for line in _lines(piece):
                    show(log, line)


def _query(log: Log, wanted: Wanted) -> dict[str, str]:
    tail = {} if wanted.tail is None else {"tailLines": str(wanted.tail)}
    return {"container": log.container, **tail, **({"previous": "true"} if wanted.previous else {})}


def _lines(piece: bytes) -> list[str]:
    return piece.decode(errors="replace").removesuffix("\n").split("\n")


class Following:
    """Every log that matches, from now on, until nothing more can come: a service's may go on for ever."""

    def __init__(self, api: Api, wanted: Wanted, show: Show) -> None:
        self._api, self._wanted, self._show = api, wanted, show
        self._pieces: queue.Queue[tuple[Log, list[str]] | Exception | None] = queue.Queue(PIECES_AHEAD)
        self._known: set[tuple[str, str, int]] = set()
        self._open, self._has_shown = 0, False

    def until_over(self, look: Callable[[], tuple[Sequence[Object], bool]]) -> None:
        """`look` gives the pods as they are now, and whether others may come."""
        goes_on = True
        while goes_on or self._open:
            try:
                pods, goes_on = look()
            except CouldNotAsk:  # the lines that come are worth more than knowing of new pods
                pods = ()
            for log in logs_of(pods, self._wanted):
                if log.key not in self._known:
                    self._known.add(log.key)
                    self._open += 1
                    threading.Thread(target=self._read, args=(log,), daemon=True, name=f"log {log.pod}").start()
            self._show_what_comes()

    def _show_what_comes(self) -> None:
        look_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        while (left := look_again_at - time.monotonic()) > 0:
            try:
                come = self._pieces.get(timeout=left)
            except queue.Empty:
                return
            if come is None:
                self._open -= 1
                return
            self._take(come)

    def _take(self, come: tuple[Log, list[str]] | Exception) -> None:
        if isinstance(come, Refused) and self._has_shown:  # one container that was just removed: the others are worth more
            return
        if isinstance(come, Exception):
            raise come
        self._has_shown = True
        for line in come[1]:
            self._show(come[0], line)

    def _read(self, log: Log) -> None:
        try:
            self._follow(log)
        except NotThere:
            pass
        except Exception as bug:  # noqa: BLE001 - raised again by the main thread: nobody else would ever see it
            self._pieces.put(bug)
        self._pieces.put(None)

    def _follow(self, log: Log) -> None:
        """A connection that breaks is made again, and goes on behind the last line."""
        position, is_first = Position(), True
        while True:
            position.begin_again()
            query = position.query(log.container)
            if is_first and self._wanted.tail is not None:
                query["tailLines"] = str(self._wanted.tail)
            try:
                for piece in self._api.log(log.pod, query):
                    is_first = False
                    self._pieces.put((log, list(position.new_lines(piece))))
            except CouldNotAsk:
                time.sleep(LOOK_AGAIN_SECONDS)
            else:
                return


def pods_and_whether_more_come(api: Api, deployed: Deployed, stage: str | None) -> tuple[Sequence[Object], bool]:
    """More come as long as a service is there or a Job is not done: also a stage that was deleted meanwhile is done."""
    pods = pods_of(api, deployed.pipeline)
    for each in listed(api, of(deployed.pipeline), ("Deployment", "Job")):
        if stage in {None, label(each, labels.STAGE)} and _goes_on(each, pods):
            return pods, True
    return pods, any(phase(pod) in {"Pending", "Running"} for pod in pods if stage in {None, label(pod, labels.STAGE)})


def _goes_on(obj: Object, pods: Sequence[Object]) -> bool:
    if obj["kind"] == "Deployment":
        return True
    return judge(obj, pods, (), Situation()).state == "running" and not (obj.get("spec") or {}).get("suspend")
