"""A temporary folder that is gone afterwards: after an error, Ctrl-C and SIGTERM too."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

_TERMINATED = 128 + signal.SIGTERM


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Only its owner can read it: a private repository's files may come to lie there."""
    with _terminated_as_an_exception(), tempfile.TemporaryDirectory(prefix="bodywork-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@contextmanager
def _terminated_as_an_exception() -> Iterator[None]:
    """SIGTERM would end the process without running what cleans up. Whoever handles it already keeps it."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(_TERMINATED)
