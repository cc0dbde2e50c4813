"""Followed logs: every line once, whatever breaks; a pod's log is whole when all of its containers are through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from api_servers import BREAK, Script, said, serving

from bodywork_compiler.api import Api
from bodywork_compiler.runner import logs
from bodywork_compiler.runner.events import LogEnded, LogLine
from bodywork_compiler.runner.inbox import Inbox, LogOver, LogPiece, Message


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bw-") as path:
        yield Path(path)


def line(second: int, text: str) -> bytes:
    return f"2026-11-21T10:00:{second:02}.000000000Z {text}\n".encode()


def follow(folder: Path, *answers: tuple[int, list[bytes]]) -> tuple[list[str], bool, list[dict[str, str]]]:
    """The lines that came, whether they are all, and what was asked."""
    script, inbox = Script(*answers), Inbox()
    with serving(folder, script) as path:
        source = logs.Source(api=Api(path, "lab"), pod="train-x", container="stage", number=0)
        logs.follow(source, inbox, threading.Event())
    messages: list[Message] = []
    inbox.take_all(0.0, messages.append)
    lines = [each for message in messages if isinstance(message, LogPiece) for each in message.lines]
    (over,) = [message for message in messages if isinstance(message, LogOver)]
    return lines, over.complete, [query for _, query in script.asked]


def test_lines_come_without_the_kubelets_stamps(folder: Path) -> None:
    lines, complete, asked = follow(folder, (200, [line(1, "one"), line(2, ""), line(3, "2026 is no stamp")]))

    assert (lines, complete) == (["one", "", "2026 is no stamp"], True)
    assert asked == [{"container": "stage", "follow": "true", "timestamps": "true"}]


def test_a_log_that_breaks_goes_on_without_gaps_or_doubles(folder: Path) -> None:
    """Three lines of one stamp, the break after the second of them: `sinceTime` repeats what has that stamp."""
    before = (200, [line(1, "one"), line(2, "two"), line(2, "two"), BREAK])
    after = (200, [line(1, "one"), line(2, "two"), line(2, "two"), line(2, "three"), line(3, "four")])
    lines, complete, asked = follow(folder, before, after)

    assert (lines, complete) == (["one", "two", "two", "three", "four"], True)
    assert asked[1]["sinceTime"] == "2026-11-21T10:00:02.000000000Z"


def test_a_pod_that_is_gone_has_no_whole_log(folder: Path) -> None:
    lines, complete, _ = follow(folder, (200, [line(1, "one"), BREAK]), said(404, '{"message": "pods \\"train-x\\" not found"}'))
    assert (lines, complete) == (["one"], False)


def test_a_line_without_a_stamp_is_the_kubelets_own_and_shown(folder: Path) -> None:
    lines, _, _ = follow(folder, (200, [b"failed to watch file: no space left on device\n"]))
    assert lines == ["failed to watch file: no space left on device"]


class Quiet(Api):
    """Followers' threads that never get anything: the test sends what they would."""

    def __init__(self) -> None:
        super().__init__("/nowhere", "lab")


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def followed(told: list[Any], monkeypatch: pytest.MonkeyPatch) -> logs.Logs:
    monkeypatch.setattr(logs, "follow", lambda *_: None)
    return logs.Logs(Quiet(), Inbox(), told.append)


def a_pod(phase: str, **states: dict[str, Any]) -> dict[str, Any]:
    statuses = [{"name": name, "restartCount": state.pop("restarts", 0), "state": state} for name, state in states.items()]
    return {"metadata": {"name": "train-x", "uid": "u"}, "status": {"phase": phase, "containerStatuses": statuses}}


def test_a_pods_log_has_ended_when_it_ended_and_all_of_its_lines_came(followed: logs.Logs, told: list[Any]) -> None:
    followed.follow("train", a_pod("Running", install={"terminated": {}}, stage={"running": {}}), 1)
    followed.piece(LogPiece(1, ("hello",)))
    followed.over(LogOver(1, complete=True))
    followed.follow("train", a_pod("Succeeded", install={"terminated": {}}, stage={"terminated": {}}), 1)
    assert told == [LogLine(stage="train", pod="train-x", container="stage", attempt=1, line="hello")]
    assert not followed.are_through()

    followed.over(LogOver(0, complete=True))
    assert told[1:] == [LogEnded(stage="train", pod="train-x", complete=True)]
    assert followed.are_through()


def test_each_start_of_a_services_container_is_an_attempt(followed: logs.Logs, told: list[Any]) -> None:
    followed.follow("serve", a_pod("Running", stage={"terminated": {}}), None)
    followed.follow("serve", a_pod("Running", stage={"waiting": {}, "restarts": 1}), None)
    followed.follow("serve", a_pod("Running", stage={"running": {}, "restarts": 1}), None)
    assert [each.attempt for each in followed.of("serve")] == [1, 2]


def test_only_the_last_lines_are_kept_as_evidence(followed: logs.Logs) -> None:
    followed.follow("train", a_pod("Running", stage={"running": {}}), 1)
    followed.piece(LogPiece(0, tuple(str(number) for number in range(1000))))
    (follower,) = followed.of("train")
    assert list(follower.tail) == [str(number) for number in range(950, 1000)]


def test_a_good_services_log_is_not_waited_for(followed: logs.Logs, told: list[Any]) -> None:
    followed.follow("serve", a_pod("Running", stage={"running": {}}), None)
    followed.mute("serve")
    followed.piece(LogPiece(0, ("GET / 200",)))
    assert followed.are_through()
    assert told == [LogEnded(stage="serve", pod="train-x", complete=True)]


def test_a_log_that_ended_before_its_container_is_gone_on_with(told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubelet that goes down in good order ends it well. Just after its end the pod is still said to run: that means nothing."""
    read: list[logs.Source] = []
    monkeypatch.setattr(logs, "follow", lambda source, *_: read.append(source))
    monkeypatch.setattr(logs, "start_thread", lambda _name, body, _put: body())
    now = [0.0]
    followed = logs.Logs(Quiet(), Inbox(), told.append, clock=lambda: now[0])
    runs = a_pod("Running", stage={"running": {}})
    followed.follow("train", runs, 1)
    followed.over(LogOver(0, complete=True))
    followed.follow("train", runs, 1)
    assert (len(read), followed.are_through()) == (1, True)

    now[0] = logs.RUNS_ON_SECONDS
    followed.follow("train", runs, 1)
    assert (len(read), followed.are_through()) == (2, False)
    assert read[1].position is read[0].position, "it goes on where it was"


def test_what_does_not_come_is_given_up_and_said(followed: logs.Logs, told: list[Any]) -> None:
    followed.follow("train", a_pod("Failed", stage={"terminated": {}}), 1)
    followed.give_up()
    assert told == [LogEnded(stage="train", pod="train-x", complete=False)]
