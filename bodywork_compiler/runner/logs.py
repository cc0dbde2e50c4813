"""Followed pod logs: one thread per container that has started, all into the inbox."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bodywork_compiler.api import Api, CouldNotAsk, NotThere, Refused
from bodywork_compiler.runner.events import LogEnded, LogLine
from bodywork_compiler.runner.inbox import Inbox, LogOver, LogPiece, start_thread
from bodywork_compiler.runner.verdicts.pods import containers, phase
from bodywork_compiler.runner.watching import name, uid

PAUSE_SECONDS = 1.0
MOST_PAUSES = 300
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[-+]\d\d:\d\d)) ?")


class Position:
    """Where in a log we are, by the kubelet's own time stamps: asking again `sinceTime` repeats up to a second of lines."""

    def __init__(self) -> None:
        self._stamp = ""
        self._count = 0  # lines that bore this stamp
        self._skip = 0

    def query(self, container: str) -> dict[str, str]:
        asked = {"container": container, "follow": "true", "timestamps": "true"}
        return {**asked, "sinceTime": self._stamp} if self._stamp else asked

    def begin_again(self) -> None:
        self._skip = self._count

    def new_lines(self, piece: bytes) -> Iterator[str]:
        for raw in piece.decode(errors="replace").removesuffix("\n").split("\n"):
            stamped = _STAMP.match(raw)
            if not stamped:
                yield raw
            elif self._is_new(stamped[1]):
                yield raw[stamped.end() :]

    def _is_new(self, stamp: str) -> bool:
        if stamp < self._stamp:
            return False
        if stamp > self._stamp:
            self._stamp, self._count, self._skip = stamp, 1, 0
            return True
        if self._skip:
            self._skip -= 1
            return False
        self._count += 1
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a follower's thread reads, and the number under which it sends."""

    api: Api
    pod: str
    container: str
    number: int
    position: Position = field(default_factory=Position)


def follow(source: Source, inbox: Inbox, stop: threading.Event) -> None:
    """Send a container's lines, then LogOver. A connection that breaks is made again from the last line on."""
    position = source.position
    for _ in range(MOST_PAUSES):
        position.begin_again()
        try:
            for piece in source.api.log(source.pod, position.query(source.container)):
                lines = tuple(position.new_lines(piece))
                if lines:
                    inbox.put_lines(LogPiece(source.number, lines))
        except CouldNotAsk:
            if stop.wait(PAUSE_SECONDS):
                break
        except (NotThere, Refused):
            break
        else:
            inbox.put(LogOver(source.number, complete=True))
            return
    inbox.put(LogOver(source.number, complete=False))


TAIL_LINES = 50
RUNS_ON_SECONDS = 5.0  # the end of a log is seen before the end of its container: so much later it runs on
_NO_TAIL: deque[str] = deque(maxlen=0)


@dataclass(slots=True, kw_only=True)
class Follower:
    """One container from one start to its end."""

    stage: str
    pod: str
    pod_uid: str
    container: str
    attempt: int
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    is_over: bool = False
    is_complete: bool = True
    is_muted: bool = False
    over_at: float = 0.0
    position: Position = field(default_factory=Position)


class Logs:
    """All followers of a run. Only the loop calls it; the threads only read, and fill the inbox."""

    def __init__(
        self, api: Api, inbox: Inbox, tell: Callable[[LogLine | LogEnded], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api, self._inbox, self._tell, self._clock = api, inbox, tell, clock
        self._stop = threading.Event()
        self._followers: list[Follower] = []
        self._known: dict[tuple[str, str, int], int] = {}  # the number of its follower
        self._last_pods: set[str] = set()  # uids of pods from which no further container's log comes
        self._ended_pods: set[str] = set()

    def follow(self, stage: str, pod: Mapping[str, Any], attempt: int | None) -> None:
        """Follow what has started in a pod. `attempt` is a Job's; None: a service's, which counts the starts of its containers."""
        for status, _ in containers(pod):
            state, restarts = status.get("state") or {}, int(status.get("restartCount", 0))
            key = (uid(pod), str(status["name"]), restarts)
            if key in self._known:
                if "running" in state:
                    self._go_on(self._known[key])
            elif {"running", "terminated"} & set(state):
                self._known[key] = len(self._followers)
                attempt_of_it = attempt or restarts + 1
                self._followers.append(Follower(stage=stage, pod=name(pod), pod_uid=uid(pod), container=key[1], attempt=attempt_of_it))
                self._read(self._known[key])
        if phase(pod) in {"Succeeded", "Failed"}:
            self.no_more(uid(pod))

    def no_more(self, pod_uid: str) -> None:
        """The pod has ended: when its followers are through, its log is whole."""
        self._last_pods.add(pod_uid)
        self._tell_if_ended(pod_uid)

    def no_more_of(self, stage: str) -> None:
        """The stage has ended: no further container of it starts."""
        for pod_uid in dict.fromkeys(each.pod_uid for each in self.of(stage)):
            self.no_more(pod_uid)

    def mute(self, stage: str) -> None:
        """A service is good, or a stage is left running: what it prints from now on is for `logs`, and its last lines for evidence."""
        for each in self._followers:
            if each.stage == stage and not each.is_over:
                each.is_muted = each.is_over = True
                self.no_more(each.pod_uid)

    def keep_no_tail(self, stage: str) -> None:
        """A stage that has succeeded needs no evidence; what still comes of its log is told all the same."""
        for each in self.of(stage):
            each.tail = _NO_TAIL

    def take(self, message: LogPiece | LogOver) -> None:
        if isinstance(message, LogPiece):
            self.piece(message)
        else:
            self.over(message)

    def piece(self, message: LogPiece) -> None:
        follower = self._followers[message.follower]
        follower.tail.extend(message.lines)
        for line in () if follower.is_muted else message.lines:
            self._tell(LogLine(stage=follower.stage, pod=follower.pod, container=follower.container, attempt=follower.attempt, line=line))

    def over(self, message: LogOver) -> None:
        follower = self._followers[message.follower]
        follower.is_over, follower.is_complete = True, follower.is_complete and message.complete
        follower.over_at = self._clock()
        self._tell_if_ended(follower.pod_uid)

    def of(self, stage: str) -> list[Follower]:
        return [each for each in self._followers if each.stage == stage]

    def are_through(self, stages: Iterable[str] | None = None) -> bool:
        wanted = None if stages is None else set(stages)
        return all(each.is_over for each in self._followers if wanted is None or each.stage in wanted)

    def give_up(self) -> None:
        """Whatever has not come by now is not waited for."""
        self._stop.set()
        for each in self._followers:
            if not each.is_over:
                each.is_over, each.is_complete, each.is_muted = True, False, True
        for pod_uid in dict.fromkeys(each.pod_uid for each in self._followers):
            self.no_more(pod_uid)

    def _go_on(self, number: int) -> None:
        """A kubelet or API server that goes down in good order ends a log well, although its container runs on."""
        follower = self._followers[number]
        if follower.is_over and follower.is_complete and not follower.is_muted and self._clock() - follower.over_at >= RUNS_ON_SECONDS:
            follower.is_over = False
            self._read(number)

    def _read(self, number: int) -> None:
        follower = self._followers[number]
        source = Source(api=self._api, pod=follower.pod, container=follower.container, number=number, position=follower.position)
        start_thread(f"log {follower.pod}", lambda: follow(source, self._inbox, self._stop), self._inbox.put)

    def _tell_if_ended(self, pod_uid: str) -> None:
        mine = [each for each in self._followers if each.pod_uid == pod_uid]
        if mine and pod_uid in self._last_pods and pod_uid not in self._ended_pods and all(each.is_over for each in mine):
            self._ended_pods.add(pod_uid)
            self._tell(LogEnded(stage=mine[0].stage, pod=mine[0].pod, complete=all(each.is_complete for each in mine)))
