"""Which logs are read, and that following them ends when nothing more can come."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
from deployed_objects import DONE, FAILED, RUNNING, WAITING, a_deployment, a_job, a_pod

from bodywork_compiler.api import Api, CouldNotAsk, Object, Refused
from bodywork_compiler.deployed.logs import Following, Log, Wanted, logs_of, pods_and_whether_more_come, stage_named
from bodywork_compiler.deployed.reading import Deployed


class PaperApi:
    """An API server with these objects; a log is what it says at each asking, "BREAK" a connection that breaks, "REFUSE" a no."""

    def __init__(self, *objects: Object, logs: Mapping[str, list[list[str]]] | None = None) -> None:
        self.objects, self.logs = list(objects), dict(logs or {})
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self._lock = threading.Lock()

    def list(self, kind: str, query: Mapping[str, str]) -> tuple[list[Object], str]:
        key, _, value = query["labelSelector"].partition("=")
        return [each for each in self.objects if each["kind"] == kind and each["metadata"]["labels"].get(key) == value], "1"

    def log(self, pod: str, query: Mapping[str, str]) -> Iterator[bytes]:
        with self._lock:
            self.asked.append((pod, dict(query)))
            lines = self.logs[pod].pop(0)
        for line in lines:
            if line == "BREAK":
                raise CouldNotAsk("reset")
            if line == "REFUSE":
                raise Refused("pods/log is forbidden")
            yield f"{line}\n".encode()


def chosen(pod: Object, **wanted: Any) -> list[str]:
    return [each.container for each in logs_of([pod], Wanted(**wanted))]


@pytest.mark.parametrize(
    ("pod", "containers"),
    [
        (a_pod("p", "s", fetch=DONE, install=DONE, stage=RUNNING), ["stage"]),
        (a_pod("p", "s", fetch=DONE, install=FAILED, stage=WAITING), ["install"]),
        (a_pod("p", "s", fetch=RUNNING, install=WAITING, stage=WAITING), ["fetch"]),
        (a_pod("p", "s", fetch=WAITING, stage=WAITING), []),
        (a_pod("p", "s", fetch=DONE, stage=RUNNING, sidecar=RUNNING), ["stage", "sidecar"]),
    ],
    ids=["its own code", "install failed", "fetching", "not begun", "a sidecar"],
)
def test_the_log_is_of_the_stages_own_code_or_of_what_kept_it_from_beginning(pod: Object, containers: list[str]) -> None:
    assert chosen(pod) == containers


def test_a_container_can_be_named() -> None:
    assert chosen(a_pod("p", "s", fetch=DONE, stage=RUNNING), container="fetch") == ["fetch"]


def test_there_is_a_previous_log_only_of_what_was_started_again() -> None:
    assert chosen(a_pod("p", "s", stage=RUNNING), previous=True) == []
    assert chosen(a_pod("p", "s", stage={**RUNNING, "lastState": DONE["state"], "restartCount": 1}), previous=True) == ["stage"]


def test_logs_are_of_the_named_stage_and_of_no_stage_whose_name_begins_like_it() -> None:
    pods = [a_pod("train-2-x", "train-2", stage=DONE), a_pod("train-x", "train", stage=DONE)]
    assert [each.pod for each in logs_of(pods, Wanted(stage="train"))] == ["train-x"]


@pytest.mark.parametrize("given", ["train-model", "Train_Model", "iris--train-model"])
def test_a_stage_is_known_by_its_names_in_config_and_cluster(given: str) -> None:
    job = a_job("train-model")
    job["metadata"]["name"] = "iris--train-model"
    assert stage_named(given, Deployed(pipeline="iris", namespace="lab", objects=(job,))) == "train-model"


def followed(api: PaperApi, wanted: Wanted) -> list[str]:
    deployed = Deployed(pipeline="iris", namespace="lab", objects=tuple(api.objects))
    lines: list[str] = []

    def show(log: Log, line: str) -> None:
        lines.append(f"{log.pod}: {line}")

    Following(cast("Api", api), wanted, show).until_over(lambda: pods_and_whether_more_come(cast("Api", api), deployed, wanted.stage))
    return lines


def test_following_ends_with_the_job() -> None:
    api = PaperApi(a_job(), over(a_pod("train-1", "train", stage=DONE)), logs={"train-1": [["one", "two"]]})
    assert followed(api, Wanted(tail=5)) == ["train-1: one", "train-1: two"]
    assert api.asked[0][1]["tailLines"] == "5"


def test_following_sees_every_attempt() -> None:
    pods = [over(a_pod("train-1", "train", stage=FAILED)), over(a_pod("train-2", "train", stage=DONE))]
    api = PaperApi(a_job(), *pods, logs={"train-1": [["failed"]], "train-2": [["done"]]})
    assert sorted(followed(api, Wanted())) == ["train-1: failed", "train-2: done"]


def test_a_connection_that_breaks_loses_and_repeats_no_line() -> None:
    first, second, third = (f"2026-11-21T10:00:0{number}.000000001Z {word}" for number, word in enumerate(["one", "two", "three"]))
    logs = {"train-1": [[first, second, "BREAK"], [second, third]]}
    api = PaperApi(a_job(), over(a_pod("train-1", "train", stage=DONE)), logs=logs)
    assert followed(api, Wanted()) == ["train-1: one", "train-1: two", "train-1: three"]


def test_who_may_not_read_logs_is_told() -> None:
    api = PaperApi(a_job(), over(a_pod("train-1", "train", stage=DONE)), logs={"train-1": [["REFUSE"]]})
    with pytest.raises(Refused, match="forbidden"):
        followed(api, Wanted())


def test_a_log_that_goes_away_does_not_end_the_others() -> None:
    api = PaperApi(a_job(), over(a_pod("train-1", "train", stage=DONE)), logs={"train-1": [["one", "REFUSE"]]})
    assert followed(api, Wanted()) == ["train-1: one"]


def test_a_service_and_a_running_job_go_on_and_a_finished_job_does_not() -> None:
    def goes_on(*objects: Object) -> bool:
        deployed = Deployed(pipeline="iris", namespace="lab", objects=objects)
        return pods_and_whether_more_come(cast("Api", PaperApi(*objects)), deployed, None)[1]

    assert goes_on(a_deployment())
    assert goes_on(a_job(ended=None))
    assert not goes_on(a_job())


def over(pod: Object) -> Object:
    pod["status"]["phase"] = "Succeeded"
    return pod
