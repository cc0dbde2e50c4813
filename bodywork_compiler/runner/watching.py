"""A thread per kind: list, then watch for ever. The end of a watch is no news; only the API server's word is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bodywork_compiler.api import Api, CouldNotAsk, Expired, NotThere, Refused
from bodywork_compiler.runner.inbox import Changed, Denied, Listed, Lost, Message, start_thread

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

    A "no" is final for the first list only: an API server that has just started says 403 and 404 to what it will allow in a moment.
    """
    pause, was_allowed = FIRST_PAUSE_SECONDS, False
    while not stop.is_set():
        try:
            objects, position = api.list(watched.kind, watched.query)
            put(Listed(watched.kind, objects))
            pause, was_allowed = FIRST_PAUSE_SECONDS, True
            _go_on(api, watched, position, put, stop)
        except Expired:  # noqa: PERF203 - a try per connection, not per event
            continue
        except (CouldNotAsk, Refused, NotThere) as no:
            if not was_allowed and not isinstance(no, CouldNotAsk):
                put(Denied(watched.kind, str(no)))
                return
            if not stop.is_set():
                put(Lost(watched.kind, str(no)))
                stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _go_on(api: Api, watched: Watched, position: str, put: Callable[[Message], None], stop: threading.Event) -> None:
    """Watch after watch, each from where the last one ended; the server ends them every few minutes."""
    while not stop.is_set():
        began = time.monotonic()
        for event in api.watch(watched.kind, watched.query, position):
            position = str(event.object["metadata"]["resourceVersion"])
            if event.type != "BOOKMARK":
                put(Changed(watched.kind, event.type, event.object))
        if time.monotonic() - began < 1.0:  # a server that ends each watch at once must not be asked in a tight loop
            stop.wait(FIRST_PAUSE_SECONDS)
