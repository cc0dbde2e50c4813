"""A watch that ends is started again; only the API server's word is news."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from api_servers import BREAK, Script, listed, said, serving, watched

from bodywork_compiler.api import Api
from bodywork_compiler.runner import watching
from bodywork_compiler.runner.inbox import Changed, Denied, Listed, Lost, Message, Unwatched


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bw-") as path:
        yield Path(path)


def a_pod(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": version}}


def watch(folder: Path, *answers: tuple[int, list[bytes]]) -> tuple[list[Message], list[dict[str, str]]]:
    """What a watch sends until the last of these answers was given, and what it asked."""
    script, told, stop = Script(*answers), [], threading.Event()
    with serving(folder, script) as path:
        api = Api(path, "lab")
        thread = watching.start(api, watching.Watched(kind="Pod", query={}), told.append, stop)
        assert script.enough.wait(20)
        stop.set()
        api.close()
        thread.join(20)
        assert not thread.is_alive()
    return told, [query for _, query in script.asked]


def test_it_goes_on_where_the_last_watch_ended(folder: Path) -> None:
    told, asked = watch(
        folder, listed("5", a_pod("a", "4")), watched(("ADDED", a_pod("b", "6"))), watched(("DELETED", a_pod("b", "7"))), watched()
    )

    assert [(type(each).__name__, getattr(each, "type", None)) for each in told[:3]] == [
        ("Listed", None),
        ("Changed", "ADDED"),
        ("Changed", "DELETED"),
    ]
    assert [query.get("resourceVersion") for query in asked[:4]] == [None, "5", "6", "7"]


def test_bookmarks_move_the_position_and_are_no_news(folder: Path) -> None:
    told, asked = watch(folder, listed("5"), watched(("BOOKMARK", {"metadata": {"resourceVersion": "900"}})), watched())

    assert [type(each) for each in told] == [Listed]
    assert asked[2]["resourceVersion"] == "900"


def test_a_position_that_is_gone_means_listing_anew(folder: Path) -> None:
    gone = watched(("ERROR", {"kind": "Status", "code": 410, "message": "too old"}))
    told, _ = watch(folder, listed("5", a_pod("a", "4")), gone, listed("9"), watched())

    assert [len(each.objects) for each in told if isinstance(each, Listed)] == [1, 0], "a is gone, which no event has said"
    assert not any(isinstance(each, Lost) for each in told)


def test_a_lost_server_is_said_and_its_objects_are_listed_anew(folder: Path) -> None:
    away = said(500, "dial tcp 10.244.0.1:6443: connect: connection refused")
    told, _ = watch(folder, listed("5"), (200, [BREAK]), away, away, listed("9"), watched())

    assert [type(each) for each in told] == [Listed, Lost, Lost, Lost, Listed]


def test_what_is_forbidden_is_not_asked_again(folder: Path) -> None:
    script, told = Script(said(403, '{"message": "pods is forbidden"}')), []
    with serving(folder, script) as path:
        watching.watch(Api(path, "lab"), watching.Watched(kind="Pod", query={}), told.append, threading.Event())

    assert [type(each) for each in told] == [Denied]
    assert len(script.asked) == 1


def test_changes_carry_their_kind(folder: Path) -> None:
    told, _ = watch(folder, listed("5"), watched(("MODIFIED", a_pod("a", "6"))), watched())
    (change,) = [each for each in told if isinstance(each, Changed)]
    assert (change.kind, change.object["kind"]) == ("Pod", "Pod")


@pytest.mark.parametrize("status", [403, 404])
def test_what_was_allowed_once_is_asked_again(folder: Path, status: int) -> None:
    """An API server that has just started knows no roles yet."""
    not_yet = said(status, '{"message": "pods is forbidden: no RBAC policy matched"}')
    told, _ = watch(folder, listed("5"), (200, [BREAK]), not_yet, listed("9"), watched())

    assert [type(each) for each in told] == [Listed, Lost, Lost, Listed]


def test_who_may_list_and_not_watch_is_told_so_at_once(folder: Path) -> None:
    """Or a run would see the first list, and nothing for ever."""
    script, told = Script(listed("5"), said(403, '{"message": "cannot watch resource pods"}')), []
    with serving(folder, script) as path:
        watching.watch(Api(path, "lab"), watching.Watched(kind="Pod", query={}), told.append, threading.Event())

    assert [type(each) for each in told] == [Listed, Denied]


def test_who_may_list_and_not_watch_any_more_goes_on_by_listing(folder: Path) -> None:
    no = said(403, '{"message": "cannot watch resource pods"}')
    told, _ = watch(folder, listed("5"), watched(("ADDED", a_pod("b", "6"))), no, listed("9"), no, listed("12"), watched())

    assert [type(each) for each in told] == [Listed, Changed, Unwatched, Listed, Unwatched, Listed]


def test_credentials_that_are_refused_in_mid_run_are_told_from_a_server_that_is_away(folder: Path) -> None:
    no = said(401, '{"message": "Unauthorized"}')
    told, _ = watch(folder, listed("5"), (200, [BREAK]), no, listed("9"), watched())

    assert [each.is_refusal for each in told if isinstance(each, Lost)] == [False, True]
