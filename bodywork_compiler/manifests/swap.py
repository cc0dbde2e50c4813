"""Many files change together: all are written beside first, then moved into place, and moved back if one cannot be."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY


def create_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """The whole folder appears at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _write(beside, files)
        beside.chmod(0o777 & ~_umask())
        beside.replace(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def swap_files(target: Path, write: Mapping[str, bytes], remove: Iterable[str], *, markers: tuple[bytes, bytes]) -> None:
    """Write and remove files in a folder that has others too.

    The first of `markers` knows every file as it was and as it shall be: whatever a crash leaves is still known as ours. The second is the last
    thing that is written.
    """
    staging = target / RENDER_UNDER_WAY
    if staging.exists():
        shutil.rmtree(staging)
    undo: list[Callable[[], object]] = []
    try:
        staging.mkdir()
        _write(staging / "new", {**write, RENDER_MARKER: markers[1]})
        _write(staging / "during", {RENDER_MARKER: markers[0]})
        _move_in(target, staging / "during", staging / "marker-before", RENDER_MARKER, undo)
        for path in (*write, *remove):
            _move_in(target, staging / "new", staging / "old", path, undo)
        (staging / "new" / RENDER_MARKER).replace(target / RENDER_MARKER)
    except BaseException:
        for step in reversed(undo):
            step()
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(staging)
    _remove_empty(target, remove)


def _move_in(target: Path, new: Path, old: Path, path: str, undo: list[Callable[[], object]]) -> None:
    """Put aside what stands at `path`, then move there what `new` has for it, if anything."""
    at, source, aside = target / path, new / path, old / path
    if at.exists():
        aside.parent.mkdir(parents=True, exist_ok=True)
        at.replace(aside)
        undo.append(lambda: aside.replace(at))
    if source.exists():
        for folder in _missing_parents(at):
            folder.mkdir()
            undo.append(folder.rmdir)
        source.replace(at)
        undo.append(at.unlink)


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
