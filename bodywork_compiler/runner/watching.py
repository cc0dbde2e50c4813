"""A thread per kind lists and watches; the picture of the namespace is what the API server said last. Only the loop changes it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from bodywork_compiler import labels
from bodywork_compiler.api import Api, CouldNotAsk, Expired, NotThere, Object, Refused
from bodywork_compiler.runner.inbox import Changed, Denied, Listed, Lost, Message, Unwatched, start_thread


class Picture:
    """Objects by kind and name; events by the uid of what they are about."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Object]] = {}
        self._former: set[str] = set()
        self._events: dict[str, dict[str, Object]] = {}

    def listed(self, message: Listed) -> None:
        if message.kind == "Event":
            self._objects.setdefault("Event", {})
            for event in message.objects:
                self._put_event(event)
        else:
            self._objects[message.kind] = {name(each): each for each in message.objects if uid(each) not in self._former}

    def changed(self, message: Changed) -> None:
        if message.kind == "Event":
            if message.type != "DELETED":
                self._put_event(message.object)
        elif uid(message.object) not in self._former:
            self._change(message)

    def has(self, kind: str) -> bool:
        """Whether the kind was listed at least once."""
        return kind in self._objects

    def get(self, kind: str, object_name: str) -> Object | None:
        return self._objects.get(kind, {}).get(object_name)

    def all(self, kind: str) -> list[Object]:
        return list(self._objects.get(kind, {}).values())

    def pods_by_stage(self) -> dict[str | None, list[Object]]:
        """Pods by their stage's label; whose they are is said by their owner's uid only."""
        found: dict[str | None, list[Object]] = {}
        for pod in self.all("Pod"):
            found.setdefault(label(pod, labels.STAGE), []).append(pod)
        return found

    def events_about(self, uids: Iterable[str]) -> list[Object]:
        return [event for each in uids for event in self._events.get(each, {}).values()]

    def forget(self, uids: Iterable[str]) -> None:
        """Objects of an earlier run: whatever a watch still says about them is none of this run's business."""
        self._former.update(uids)
        for kind, objects in self._objects.items():
            self._objects[kind] = {key: each for key, each in objects.items() if uid(each) not in self._former}

    def let_go(self, pods: Iterable[str]) -> None:
        """Pods, by uid, of a stage that is done with, and what was told of them."""
        gone = set(pods)
        self._former |= gone
        found = self._objects.get("Pod", {})
        for key in [key for key, pod in found.items() if uid(pod) in gone]:
            del found[key]
        for each in gone:
            self._events.pop(each, None)

    def _change(self, message: Changed) -> None:
        objects = self._objects.setdefault(message.kind, {})
        if message.type != "DELETED":
            objects[name(message.object)] = message.object
        elif uid(objects.get(name(message.object), {})) == uid(message.object):
            del objects[name(message.object)]

    def _put_event(self, event: Object) -> None:
        about = str((event.get("involvedObject") or {}).get("uid", ""))
        if about not in self._former:
            self._events.setdefault(about, {})[name(event)] = event


def name(obj: Mapping[str, Any]) -> str:
    return str((obj.get("metadata") or {}).get("name", ""))


def uid(obj: Mapping[str, Any]) -> str:
    return str((obj.get("metadata") or {}).get("uid", ""))


def generation(obj: Mapping[str, Any]) -> int:
    return int((obj.get("metadata") or {}).get("generation") or 0)


def label(obj: Mapping[str, Any], key: str) -> str | None:
    found = ((obj.get("metadata") or {}).get("labels") or {}).get(key)
    return None if found is None else str(found)


def annotation(obj: Mapping[str, Any], key: str) -> str | None:
    found = ((obj.get("metadata") or {}).get("annotations") or {}).get(key)
    return None if found is None else str(found)


def json_in(text: str | None) -> Any:
    """What an annotation or a ConfigMap holds as JSON; None where it is none. Anybody may have written it: it may be deep, or hold NaN."""
    try:
        return json.loads(text or "null", parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


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
