"""A folder as a commit has it: its files as git stores them, whatever this machine's checkout would make of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Place, ask, tell
from bodywork_compiler.source import RENDER_MARKER
from bodywork_compiler.values import value

EXECUTABLE, SYMLINK = "100755", "120000"
_LARGEST_CONFIG = 1 << 20


@value
class Blob:
    """One file; `path` is relative to the folder that was listed."""

    path: str
    mode: str
    hash: str
    size: int


def blobs_in(place: Place, commit: str, folder: str) -> tuple[Blob, ...]:
    """The files of `folder` ("" for all) at a commit, in git's order, which is the same everywhere. Submodules are no files."""
    answer = ask(place, "ls-tree", "-r", "-l", "-z", "--full-tree", f"{commit}:{folder}")
    if answer.code != 0:
        raise BodyworkError(f"commit {commit[:7]} has no folder {folder or '/'}")
    listed = (entry.partition("\t") for entry in answer.text.split("\0") if entry)
    return tuple(
        Blob(path=path, mode=mode, hash=hash_, size=int(size))
        for meta, _, path in listed
        for mode, kind, hash_, size in [meta.split()]
        if kind == "blob"
    )


def rendered_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """The folders of a render among these files, from their marker. The project's own folder is never one."""
    return tuple(sorted(str(path.parent) for path in map(PurePosixPath, paths) if path.name == RENDER_MARKER and len(path.parts) > 1))


def is_within(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def contents(place: Place, blobs: Sequence[Blob]) -> Iterator[bytes]:
    """What the files hold, in their order, from one process."""
    if not blobs:
        return
    output = tell(place, "cat-file", "--batch", stdin="".join(f"{blob.hash}\n" for blob in blobs).encode()).output
    at = 0
    for blob in blobs:
        start = output.index(b"\n", at) + 1
        at = start + blob.size
        yield output[start:at]
        at += 1


def write_out(place: Place, blobs: Sequence[Blob], to: Path) -> None:
    """Write the files into a folder, to read a config there. Files too big to be part of one are there by name only."""
    small = [blob for blob in blobs if blob.size <= _LARGEST_CONFIG]
    for blob in blobs:
        _file(to, blob).parent.mkdir(parents=True, exist_ok=True)
        if blob.size > _LARGEST_CONFIG:
            _file(to, blob).touch()
    for blob, content in zip(small, contents(place, small), strict=True):
        if blob.mode == SYMLINK:
            _file(to, blob).symlink_to(os.fsdecode(content))
        else:
            _file(to, blob).write_bytes(content)


def _file(to: Path, blob: Blob) -> Path:
    """Nothing is written outside of `to`: git refuses such names as a rule, but not for every object that it is given."""
    if {"..", ".git", ""} & set(blob.path.split("/")):
        raise BodyworkError(f"the commit holds a file that no checkout may write: {blob.path!r}")
    return to / blob.path
