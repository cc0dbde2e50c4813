"""Recorded objects, and the replay of a recorded case as a driver would see it."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bodywork_compiler.runner.verdict import Situation, Verdict, judge, started_pods

FOLDER = Path(__file__).parent / "recordings"
RECORDED_SECONDS = 245


@cache
def recorded_events() -> tuple[dict[str, Any], ...]:
    with gzip.open(FOLDER / "cases.jsonl.gz", "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def cases() -> list[str]:
    return sorted({event["case"] for event in recorded_events()})


def recorded_object(name: str) -> dict[str, Any]:
    """One object, or a List of pods as `items`."""
    with gzip.open(FOLDER / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def recorded_pod(file: str, name: str) -> dict[str, Any]:
    return next(pod for pod in recorded_object(file)["items"] if pod["metadata"]["name"] == name)


@dataclass
class Replay:
    """A case played back: `annotations` are put on its workload before each verdict, as the compiler would have."""

    case: str
    annotations: dict[str, str] = field(default_factory=dict)

    def verdicts(self) -> Iterator[tuple[float, Verdict]]:
        workload: dict[str, Any] | None = None
        pods: dict[str, dict[str, Any]] = {}
        events: dict[str, dict[str, Any]] = {}
        first_seen: dict[str, float] = {}
        applied = 0.0
        for now, happened in self._moments():
            if happened is not None:
                obj, gone = happened["object"], happened["type"] == "DELETED"
                if obj["kind"] in {"Job", "Deployment"}:
                    applied = applied if workload else now
                    workload = obj | {"metadata": obj["metadata"] | {"annotations": self.annotations}}
                else:
                    _keep(pods if obj["kind"] == "Pod" else events, obj, gone=gone)
            for uid in started_pods(pods.values()):
                first_seen.setdefault(uid, now)
            if workload is None:
                continue
            ago = {uid: now - since for uid, since in first_seen.items()}
            yield now, judge(workload, [*pods.values()], [*events.values()], Situation(seconds=now - applied, stage_seconds=ago))

    def _moments(self) -> Iterator[tuple[float, dict[str, Any] | None]]:
        """Each event at its time, and a look at the clock every second between them."""
        second = 0
        for event in recorded_events():
            if event["case"] != self.case:
                continue
            while second < event["t"]:
                yield float(second), None
                second += 1
            yield event["t"], event
        yield from ((float(at), None) for at in range(second, RECORDED_SECONDS))

    def end(self) -> tuple[float, Verdict]:
        """The first verdict that is an end, else the last of all."""
        last = (0.0, Verdict(state="running"))
        for last in self.verdicts():
            if last[1].state != "running":
                break
        return last

    def told(self) -> list[str]:
        """What a user is told while it runs, each change once."""
        messages = [verdict.message for _, verdict in self.verdicts() if verdict.state == "running"]
        return [message for at, message in enumerate(messages) if at == 0 or message != messages[at - 1]]


def _keep(kept: dict[str, dict[str, Any]], obj: dict[str, Any], *, gone: bool) -> None:
    if gone:
        kept.pop(obj["metadata"]["uid"], None)
    else:
        kept[obj["metadata"]["uid"]] = obj
