"""The folder of a run, which is gone when the run is: those of runs that were killed are removed by the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PREFIX = "bodywork-local-"
_MAKING = ".bodywork-making-"


@contextmanager
def run_folder() -> Iterator[Path]:
    """A new folder of mode 0700. It has its name only once it is locked, so whatever has such a name and no lock is left over."""
    place = Path(tempfile.gettempdir()).resolve()
    remove_left_over(place)
    making = Path(tempfile.mkdtemp(prefix=_MAKING, dir=place))
    lock = _locked(making)
    folder = making.rename(making.with_name(PREFIX + making.name.removeprefix(_MAKING)))
    try:
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def remove_left_over(place: Path) -> None:
    """Of runs that were killed: nobody holds their lock."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid():
                lock = _locked(folder)
                remove(folder)
                os.close(lock)


def remove(folder: Path) -> None:
    """Also what a stage has made unwritable."""

    def again(function: Callable[[str], object], path: str, _: object) -> None:
        with contextlib.suppress(OSError):
            Path(path).parent.chmod(stat.S_IRWXU)
            if not Path(path).is_symlink():
                Path(path).chmod(stat.S_IRWXU)
            function(path)

    # `onerror` until Python 3.11; its successor is called alike, but for its last argument, which is not looked at
    on_error: dict[str, Any] = {"onexc" if sys.version_info >= (3, 12) else "onerror": again}
    shutil.rmtree(folder, **on_error)
    if folder.exists():  # a folder that could be opened only now is walked again
        shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path) -> int:
    """Raises BlockingIOError while another holds it."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened
