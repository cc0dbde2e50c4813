"""One `kubectl proxy` for a whole run, on a Unix socket that only this user can reach: authentication stays kubectl's.

Start and restart it in the main thread: on Linux it dies with the thread that started it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Background, Kubectl, KubectlFailed, Result

READY_SECONDS = 30.0
FOLDER_PREFIX = "bodywork-proxy-"
NEW_SECONDS = 60.0
LONGEST_FOLDER = 60  # a socket's whole path fits in 104 bytes on macOS, 108 on Linux


class Proxy:
    """The process and its socket. It is started at once and can be used when `wait_until_ready` returned."""

    def __init__(self, kubectl: Kubectl, *, on_end: Callable[[], None]) -> None:
        self._kubectl = kubectl
        self._on_end = on_end
        self._folder, self._lock = _private_folder()
        self.socket_path = str(self._folder / "s")
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self) -> None:
        if not self._ready.wait(READY_SECONDS):
            raise BodyworkError(f"kubectl proxy: not ready after {READY_SECONDS:g} s: {self._process.said}")
        if self._ended:
            raise KubectlFailed(Result(argv=("kubectl", "proxy"), err=self._process.said, exit_code=1))

    def restart(self) -> None:
        """After `on_end`: a new one in its place, on the same path."""
        self._process.stop()
        self._process = self._start()

    def stop(self) -> None:
        self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    def _start(self) -> Background:
        Path(self.socket_path).unlink(missing_ok=True)  # left over when its proxy was killed: the next could not bind
        self._ready, self._ended = threading.Event(), False
        return self._kubectl.start("proxy", f"--unix-socket={self.socket_path}", on_line=self._on_line, on_end=self._on_exit)

    def _on_line(self, line: str) -> None:
        """kubectl says one thing, and says it when it listens; in other words too, as its socket shows:
        https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/kubectl/pkg/cmd/proxy/proxy.go"""
        if line.startswith("Starting to serve") or Path(self.socket_path).exists():
            self._ready.set()

    def _on_exit(self) -> None:
        was_ready, self._ended = self._ready.is_set(), True
        self._ready.set()
        if was_ready:
            self._on_end()


def _private_folder() -> tuple[Path, int]:
    """A new folder of mode 0700, in a place that leaves room for the socket's name, and its lock, which we hold as long as we live."""
    usual = tempfile.gettempdir()
    place = usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else "/tmp"  # noqa: S108 - mkdtemp
    _remove_left_over(Path(place))
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=place))
    return folder, _locked(folder)


def _remove_left_over(place: Path) -> None:
    """Folders of runs that were killed: nobody holds their lock. A new one is not locked for a moment."""
    for folder in place.glob(f"{FOLDER_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > NEW_SECONDS:
                lock = _locked(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _locked(folder: Path) -> int:
    """Raises BlockingIOError when another holds it."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened
