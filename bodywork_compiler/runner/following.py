"""One container's log, read by a thread of its own: every line once, whatever breaks."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from bodywork_compiler.api import Api, CouldNotAsk, NotThere, Refused
from bodywork_compiler.runner.inbox import Inbox, LogOver, LogPiece

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
