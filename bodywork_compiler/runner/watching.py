"""A thread per kind: list, then watch for ever. The end of a watch is no news; only the API server's word is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bodywork_compiler.api import Api, CouldNotAsk, Expired, NotThere, Refused
from bodywork_compiler.runner.inbox import Changed, Denied, Listed, Lost, Message, Unwatched, start_thread

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What to watch: a kind, and the query that narrows it."""

    kind: str
    query: Mapping[str, str]


def start(api: Api, watched: Watched, put: Callable[[Message], None], stop: threading.Event) -> threading.Thread:
    return start_thread(f"watch {watched.kind}", lambda: watch(api, watched, put, stop), put)


def watch(api: Api, watched: Watched, put: Callable[[Message], None], stop: threading.Event) -> None:
    """Send Listed, then Changed for each change, until `stop`. Whatever breaks, listing anew mends it.

    A "no" to the first list or the first watch is final. Later it is not: an API server that has just started says 403 and 404 to what it will
    allow in a moment.
    """
    here = _Watch(api=api, watched=watched, put=put, stop=stop)
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        news = here.go_on()
        if isinstance(news, Denied):
            put(news)
            return
        if here.was_listed:
            pause = FIRST_PAUSE_SECONDS if not isinstance(news, Unwatched) else pause
        if news and not stop.is_set():
            put(news)
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


@dataclass(slots=True, kw_only=True)
class _Watch:
    api: Api
    watched: Watched
    put: Callable[[Message], None]
    stop: threading.Event
    was_listed: bool = False  # the last time
    was_watched: bool = False  # ever

    def go_on(self) -> Message | None:
        """List and watch until that breaks; what is to be told of it."""
        kind, self.was_listed = self.watched.kind, False
        try:
            objects, position = self.api.list(kind, self.watched.query)
            self.put(Listed(kind, objects))
            self.was_listed = True
            self._watch(position)
        except Expired:
            return None
        except CouldNotAsk as no:
            return Lost(kind, str(no))
        except (Refused, NotThere) as no:
            if not self.was_watched:
                return Denied(kind, str(no))
            # who may list, and not watch any more, goes on by listing
            return Unwatched(kind, str(no)) if self.was_listed else Lost(kind, str(no), is_refusal=True)
        return None

    def _watch(self, position: str) -> None:
        """Watch after watch, each from where the last one ended; the server ends them every few minutes."""
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                for event in self.api.watch(self.watched.kind, self.watched.query, position):
                    position = str(event.object["metadata"]["resourceVersion"])
                    if event.type != "BOOKMARK":
                        self.put(Changed(self.watched.kind, event.type, event.object))
            except (CouldNotAsk, Expired):
                self.was_watched = True
                raise
            self.was_watched = True
            if time.monotonic() - began < 1.0:  # a server that ends each watch at once must not be asked in a tight loop
                self.stop.wait(FIRST_PAUSE_SECONDS)
