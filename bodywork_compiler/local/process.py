"""One process of a pod, from its start to its end: it and all that comes of it die with it, and with us (`keeper.py`)."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bodywork_compiler.local.values import Process

LONGEST_LINE = 65536  # what is longer comes in pieces: a stage that never ends its line must not fill our memory
_KEEPER = Path(__file__).with_name("keeper.py")


class Running:
    def __init__(self, process: Process, *, grace_seconds: float) -> None:
        keeper = [sys.executable, "-I", "-S", str(_KEEPER), str(grace_seconds)]
        # a session of its own: a Ctrl-C at the terminal is for us, who then end it in good order
        self._keeper = subprocess.Popen(
            [*keeper, *process.argv],
            cwd=process.cwd,
            env=dict(process.env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def lines(self) -> Iterator[str]:
        """What it prints, until everything that could print is gone."""
        assert self._keeper.stdout is not None  # noqa: S101 - it is a pipe
        while piece := self._keeper.stdout.readline(LONGEST_LINE):
            yield piece.decode(errors="replace").rstrip("\r\n")
        self._keeper.stdout.close()

    def wait(self) -> int:
        code = self._keeper.wait()
        self.stop()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """Ask it to end: SIGTERM, and after the grace everything is killed. Returns at once."""
        with contextlib.suppress(OSError):
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._keeper.terminate()
