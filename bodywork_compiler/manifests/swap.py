"""Many files change together: all are written beside first, then moved into place, and moved back if one cannot be."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Another process that writes here waits until we are done. Its end, even by a kill, ends the wait; a file system without locks has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def create_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """The whole folder appears at once."""
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _write(beside, files)
        beside.chmod(0o777 & ~_umask())
        beside.replace(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def swap_files(target: Path, write: Mapping[str, bytes], remove: Iterable[str], *, markers: tuple[bytes, bytes], gate: str) -> None:
    """Write and remove files in a folder that has others too.

    The first of `markers` knows every file as it was and as it shall be: whatever a crash leaves is still known as ours. The second is the last
    thing that is written. `gate` is the file without which others do not read the folder: while any other is moved it is not there.
    """
    staging = target / RENDER_UNDER_WAY
    if staging.exists():
        shutil.rmtree(staging)
    undo: list[Callable[[], object]] = []
    try:
        staging.mkdir()
        _write(staging / "new", {**write, RENDER_MARKER: markers[1]})
        _write(staging / "during", {RENDER_MARKER: markers[0]})
        _replace_marker(target / RENDER_MARKER, staging, undo)
        gates, others = [path for path in write if path == gate], [path for path in (*write, *remove) if path != gate]
        for path in gates:
            _put_aside(target / path, staging / "old" / path, undo)
        for path in (*others, *gates):
            _move_in(target, staging / "new", staging / "old", path, undo)
        (staging / "new" / RENDER_MARKER).replace(target / RENDER_MARKER)
    except BaseException:
        for step in reversed(undo):
            step()
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(staging)
    _remove_empty(target, remove)


def _replace_marker(marker: Path, staging: Path, undo: list[Callable[[], object]]) -> None:
    """In one move: a kill between two would leave our files without the marker that says they are ours."""
    before = staging / "before" / RENDER_MARKER
    if marker.exists():
        before.parent.mkdir()
        shutil.copy2(marker, before)
        undo.append(lambda: before.replace(marker))
    else:
        undo.append(marker.unlink)
    (staging / "during" / RENDER_MARKER).replace(marker)


def _move_in(target: Path, new: Path, old: Path, path: str, undo: list[Callable[[], object]]) -> None:
    """Put aside what stands at `path`, then move there what `new` has for it, if anything."""
    at, source = target / path, new / path
    _put_aside(at, old / path, undo)
    if source.exists():
        for folder in _missing_parents(at):
            folder.mkdir()
            undo.append(folder.rmdir)
        source.replace(at)
        undo.append(at.unlink)


def _put_aside(at: Path, aside: Path, undo: list[Callable[[], object]]) -> None:
    if at.exists():
        aside.parent.mkdir(parents=True, exist_ok=True)
        at.replace(aside)
        undo.append(lambda: aside.replace(at))


def _missing_parents(at: Path) -> list[Path]:
    return [folder for folder in reversed(at.parents) if not folder.exists()]


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _remove_empty(target: Path, removed: Iterable[str]) -> None:
    """Folders that only held files of ours go with them."""
    for path in removed:
        folder = (target / path).parent
        while folder != target and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
