"""The picture of the namespace: what the API server said last about the pipeline's objects. Only the loop changes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from bodywork_compiler import labels
from bodywork_compiler.api import Object
from bodywork_compiler.runner.inbox import Changed, Listed


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
