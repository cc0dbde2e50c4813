"""What is there, what is not, what may not be known and what could not be asked are four answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from api_servers import BREAK, Script, listed, said, serving, watched

from bodywork_compiler.api import LONGEST_PIECE, Api, Conflict, CouldNotAsk, Expired, NotThere, Refused


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bw-") as path:  # pytest's own are too long for a socket's path on macOS
        yield Path(path)


def test_an_object_gets_its_kind_back(folder: Path) -> None:
    script = Script(listed("7", {"metadata": {"name": "a"}}))
    with serving(folder, script) as path:
        assert Api(path, "lab").list("Job", {"labelSelector": "bodywork/pipeline=iris"}) == (
            [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}}],
            "7",
        )
    assert script.asked == [("/apis/batch/v1/namespaces/lab/jobs", {"labelSelector": "bodywork/pipeline=iris"})]


def test_of_outlines_the_metadata_alone_is_asked_for(folder: Path) -> None:
    script = Script(listed("7", {"kind": "PartialObjectMetadata", "metadata": {"name": "a"}}))
    with serving(folder, script) as path:
        assert Api(path, "lab").outlines("Secret", {"labelSelector": "x!=y"}) == [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
        ]
    assert script.asked == [("/api/v1/namespaces/lab/secrets", {"labelSelector": "x!=y"})]
    assert script.forms == ["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"]


def test_a_lease_is_made_and_patched(folder: Path) -> None:
    """The only writes that go this way."""
    lease, patch = {"metadata": {"name": "bodywork-iris"}}, {"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": None}}
    script = Script(said(201, '{"metadata": {"resourceVersion": "7"}}'), said(200, '{"metadata": {"resourceVersion": "8"}}'))
    with serving(folder, script) as path:
        api = Api(path, "lab")
        assert api.create("Lease", lease)["metadata"]["resourceVersion"] == "7"
        assert api.patch("Lease", "bodywork-iris", patch)["metadata"]["resourceVersion"] == "8"
    leases = "/apis/coordination.k8s.io/v1/namespaces/lab/leases"
    assert [where for where, _ in script.asked] == [leases, f"{leases}/bodywork-iris"]
    assert script.sent == [("POST", "application/json", lease), ("PATCH", "application/merge-patch+json", patch)]


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (404, '{"kind": "Status", "message": "pods \\"x\\" not found"}', NotThere),
        (403, '{"kind": "Status", "message": "is forbidden"}', Refused),
        (401, '{"kind": "Status", "message": "Unauthorized"}', Refused),
        (409, '{"kind": "Status", "message": "the object has been modified"}', Conflict),
        (410, '{"kind": "Status", "message": "too old resource version"}', Expired),
        (429, '{"kind": "Status", "message": "too many requests"}', CouldNotAsk),
        (500, "dial tcp 10.244.0.1:6443: connect: connection refused", CouldNotAsk),
        (502, "", CouldNotAsk),
        (503, '{"kind": "Status", "message": "etcdserver: leader changed"}', CouldNotAsk),
    ],
)
def test_answers_are_told_apart(folder: Path, status: int, text: str, error: type[Exception]) -> None:
    with serving(folder, Script(said(status, text))) as path, pytest.raises(error):
        Api(path, "lab").get("Pod", "x")


def test_no_proxy_at_all_could_not_be_asked(folder: Path) -> None:
    with pytest.raises(CouldNotAsk, match="FileNotFoundError"):
        Api(str(folder / "nobody"), "lab").find("Pod", "x")


def test_an_answer_that_breaks_off_is_none(folder: Path) -> None:
    with serving(folder, Script((200, [b'{"items": [', BREAK]))) as path, pytest.raises(CouldNotAsk):
        Api(path, "lab").list("Pod", {})


def test_a_watch_goes_on_from_a_position_and_asks_for_bookmarks(folder: Path) -> None:
    script = Script(watched(("ADDED", {"metadata": {"name": "a"}})))
    with serving(folder, script) as path:
        assert [event.type for event in Api(path, "lab").watch("Pod", {}, "7")] == ["ADDED"]
    ((_, query),) = script.asked
    assert (query["watch"], query["resourceVersion"], query["allowWatchBookmarks"]) == ("true", "7", "true")


def test_a_watch_whose_position_is_gone_says_so(folder: Path) -> None:
    gone = watched(("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"}))
    with serving(folder, Script(gone)) as path, pytest.raises(Expired):
        list(Api(path, "lab").watch("Pod", {}, "7"))


def test_a_log_comes_in_whole_lines(folder: Path) -> None:
    with serving(folder, Script((200, [b"one\ntw", b"o\nthr", b"ee"]))) as path:
        assert list(Api(path, "lab").log("train-x", {})) == [b"one\n", b"two\n", b"three"]


def test_closing_ends_streams_that_are_open(folder: Path) -> None:
    with serving(folder, Script((200, [b"one\n", b"two\n"]))) as path:
        api = Api(path, "lab")
        stream = api.log("train-x", {})
        assert next(stream) == b"one\n"
        api.close()
        with pytest.raises(CouldNotAsk, match="over"):
            api.get("Pod", "x")
        stream.close()


def test_an_answer_that_ends_too_early_is_none(folder: Path) -> None:
    """Its connection ended in good order, as a server's does that is going down."""
    with serving(folder, Script((200, [b'{"metadata": {"name": "a']))) as path, pytest.raises(CouldNotAsk, match="cut off"):
        Api(path, "lab").get("Pod", "a")


def test_a_line_of_a_watch_that_is_none_could_not_be_asked(folder: Path) -> None:
    with serving(folder, Script((200, [b'{"type": "ADD\n']))) as path, pytest.raises(CouldNotAsk, match="cut off"):
        list(Api(path, "lab").watch("Pod", {}, "1"))


def test_a_log_without_line_breaks_is_not_kept_until_its_end(folder: Path) -> None:
    with serving(folder, Script((200, [b"x" * 1000] * 200))) as path:
        pieces = list(Api(path, "lab").log("train-x", {}))
    assert len(b"".join(pieces)) == 200_000
    assert max(map(len, pieces)) < 2 * LONGEST_PIECE
