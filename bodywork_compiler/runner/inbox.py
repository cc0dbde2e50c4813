"""What the threads of a run send to its loop: one queue, and the loop alone changes the picture and tells events."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bodywork_compiler.api import Object

# pieces of logs that may wait for the loop; a stage that prints faster than we can show it waits in the kubelet, not here
LINES_AHEAD = 200
LONGEST_TAKE_SECONDS = 0.1  # then the loop looks at verdicts, limits and signals again, whatever else has come


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects of a kind, as they are now: what is not among them is gone."""

    kind: str
    objects: list[Object]


@dataclass(frozen=True, slots=True)
class Changed:
    kind: str
    type: str  # ADDED, MODIFIED, DELETED
    object: Object


@dataclass(frozen=True, slots=True)
class Lost:
    """A watch could not ask, or the lock could not be renewed; it is tried again. `is_refusal`: the API server says no to what it allowed before."""

    kind: str
    why: str
    is_refusal: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What was lost is answered again, without a list: the lock is renewed."""

    kind: str


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A kind may be listed, and not watched any more: it is listed every few seconds."""

    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Denied:
    """A watch is not allowed: trying again does not help."""

    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Whole lines of a container's log."""

    follower: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogOver:
    follower: int
    complete: bool


@dataclass(frozen=True, slots=True)
class ProxyEnded:
    """The proxy is gone without being asked to."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Nothing happened but a signal: look at the flags."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A thread met what it has no answer to, which must end the run: that the lock is lost, or a bug. The loop would wait for that thread for ever."""

    why: Exception


Message = Listed | Changed | Lost | Answered | Unwatched | Denied | LogPiece | LogOver | ProxyEnded | Wake | Broken


def start_thread(name: str, body: Callable[[], None], put: Callable[[Message], None]) -> threading.Thread:
    """A thread that ends with us, and what it raises is the loop's."""

    def guarded() -> None:
        try:
            body()
        except Exception as why:  # noqa: BLE001 - nobody else would ever see it
            put(Broken(why))

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread


class Inbox:
    """The queue. `put` never blocks (a signal handler calls it); `put_lines` does, when the loop is far behind."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._room = threading.Semaphore(LINES_AHEAD)

    def put(self, message: Message) -> None:
        self._queue.put(message)

    def put_lines(self, piece: LogPiece) -> None:
        self._room.acquire()
        self._queue.put(piece)

    def take_all(self, wait_seconds: float, each: Callable[[Message], None]) -> None:
        """Give `each` what is there, for a moment at most; wait at most that long for a first message."""
        try:
            message = self._queue.get(timeout=max(wait_seconds, 0.0))
            leave_at = self._clock() + LONGEST_TAKE_SECONDS
            while True:
                if isinstance(message, LogPiece):
                    self._room.release()
                each(message)
                if self._clock() >= leave_at:
                    return
                message = self._queue.get_nowait()
        except queue.Empty:
            return
