"""A folder of manifests under attack: killed at every move, written by two at once, prepared by somebody who wants to be overwritten elsewhere."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from pathlib import Path

import pytest
from builders import write

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import Document
from bodywork_compiler.manifests.folder import KUSTOMIZATION, write_folder
from bodywork_compiler.manifests.marker import MOST_BYTES, read_file
from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY

KILLED = 9


def documents(*steps: int, says: str) -> list[Document]:
    return [
        Document(path=f"{step:02}-train/job.yaml", text=f"says: {says}\n", kind="Job", name=f"train-{step}", step=step, stage="train")
        for step in steps
    ]


OLD, NEW = documents(1, 2, 3, says="old"), documents(2, 3, 4, says="new")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "manifests"


def killed_at(move: int, folder: Path) -> bool:
    """Write NEW in a process that ends at once, without any clean-up, before its n-th move. False where it has no more so many."""
    child = os.fork()
    if child == 0:
        moves, numbers = os.replace, itertools.count(1)

        def dying(*args: Path | str) -> None:
            if next(numbers) == move:
                os._exit(KILLED)
            moves(*args)

        Path.replace = dying  # type: ignore[assignment,method-assign]
        write_folder(NEW, folder, pipeline="iris")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def test_killed_at_any_move_it_is_either_whole_or_no_kustomization_and_the_next_render_mends_it(tmp_path: Path) -> None:
    write_folder(OLD, tmp_path / "old", pipeline="iris")
    write_folder(NEW, tmp_path / "new", pipeline="iris")
    whole = [{**files(tmp_path / name), RENDER_MARKER: b""} for name in ("old", "new")]
    for move in itertools.count(1):
        folder = tmp_path / f"killed-{move}"
        write_folder(OLD, folder, pipeline="iris")
        if not killed_at(move, folder):
            break
        left = {path: content for path, content in files(folder).items() if not path.startswith(RENDER_UNDER_WAY)}
        assert KUSTOMIZATION not in left or {**left, RENDER_MARKER: b""} in whole, move
        write_folder(NEW, folder, pipeline="iris")
        assert files(folder) == files(tmp_path / "new"), move
    assert move > len(OLD) + len(NEW)


def test_what_a_killed_render_left_is_cleared_away_even_when_nothing_changes(folder: Path) -> None:
    write_folder(NEW, folder, pipeline="iris")
    write(folder / RENDER_UNDER_WAY / "old" / "README.md", "left")
    write_folder(NEW, folder, pipeline="iris")
    assert not (folder / RENDER_UNDER_WAY).exists()


@pytest.mark.parametrize("before", [OLD, None], ids=["into a folder", "into none yet"])
def test_two_renders_at_once_come_one_after_the_other(folder: Path, before: list[Document] | None) -> None:
    if before:
        write_folder(before, folder, pipeline="iris")
    faults: list[BaseException] = []

    def again(says: str) -> None:
        try:
            for _ in range(10):
                write_folder(documents(1, 2, says=says), folder, pipeline="iris")
        except BaseException as fault:  # noqa: BLE001 - a thread's fault would be lost
            faults.append(fault)

    threads = [threading.Thread(target=again, args=(says,)) for says in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len({(folder / f"{step:02}-train/job.yaml").read_text().rpartition("says")[2] for step in (1, 2)}) == 1


@pytest.mark.parametrize("path", ["../precious.txt", "{absolute}", "a/../../precious.txt"])
def test_a_marker_that_names_files_elsewhere_is_refused(folder: Path, path: str) -> None:
    precious = write(folder.parent / "precious.txt", "mine\n")
    line = f"{hashlib.sha256(precious.read_bytes()).hexdigest()}  {path.format(absolute=precious)}\n"
    write(folder / RENDER_MARKER, line)
    with pytest.raises(BodyworkError, match=f"{RENDER_MARKER}:1: is not as a render wrote it"):
        write_folder(NEW, folder, pipeline="iris")
    assert precious.read_text() == "mine\n"


@pytest.mark.parametrize("link", ["02-train", RENDER_UNDER_WAY])
def test_nothing_is_written_through_a_link_inside_the_folder(folder: Path, tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(elsewhere / "theirs.txt", "mine\n")
    folder.mkdir()
    (folder / link).symlink_to(elsewhere)
    with pytest.raises(BodyworkError, match=f"{link}: is a symbolic link"):
        write_folder(NEW, folder, pipeline="iris")
    assert [path.name for path in elsewhere.iterdir()] == ["theirs.txt"]


def test_a_link_in_place_of_a_file_is_not_followed(folder: Path, tmp_path: Path) -> None:
    write_folder(OLD, folder, pipeline="iris")
    target = write(tmp_path / "elsewhere.yaml", (folder / "02-train/job.yaml").read_text())
    (folder / "02-train/job.yaml").unlink()
    (folder / "02-train/job.yaml").symlink_to(target)
    write_folder(NEW, folder, pipeline="iris")
    assert "old" in target.read_text()
    assert "new" in (folder / "02-train/job.yaml").read_text()


@pytest.mark.parametrize("value", [r'"a\x7F"', r'"\\\x9Fb"', r'"\N"'])
def test_a_value_that_kustomize_refuses_is_told_before_it_is_written(folder: Path, value: str) -> None:
    with pytest.raises(BodyworkError, match=r"stage train: a value holds the control character U\+00(7F|9F|85), which kustomize"):
        write_folder(documents(1, says=value), folder, pipeline="iris")
    assert not folder.exists()


@pytest.mark.parametrize("value", [r'"a\\x7F"', r'"\\N \x1B \U0001F600"'])
def test_what_only_looks_like_one_is_written(folder: Path, value: str) -> None:
    write_folder(documents(1, says=value), folder, pipeline="iris")
    assert folder.exists()


def test_a_folder_of_manifests_may_have_links_inside_it(folder: Path) -> None:
    """As a mounted ConfigMap has."""
    write_folder(OLD, folder, pipeline="iris")
    job = folder / "02-train" / "job.yaml"
    job.rename(folder / "02-train" / "real")
    job.symlink_to("real")
    assert read_file(job, inside=folder) == (folder / "02-train" / "real").read_bytes()
    (folder.parent / "link").symlink_to(folder)
    assert read_file(folder.parent / "link" / "02-train" / "job.yaml", inside=folder.parent / "link") is not None


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    file = write(folder / "job.yaml", "")
    os.truncate(file, MOST_BYTES + 1)
    with pytest.raises(BodyworkError, match=r"job\.yaml: has more than 64 MiB"):
        read_file(file, inside=folder)


@pytest.mark.parametrize("name", [".", "sub", "fifo", "/dev/zero"])
def test_only_regular_files_are_read(folder: Path, name: str) -> None:
    (folder / "sub").mkdir(parents=True)
    os.mkfifo(folder / "fifo")
    with pytest.raises(BodyworkError, match=r"is (a folder|not a regular file)"):
        read_file(folder / name)
