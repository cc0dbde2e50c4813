"""A child that dies when we do, also when we are killed with -9.

Linux only (prctl). On macOS a `kubectl proxy` outlives a `kill -9` of ours: it listens on a socket in a folder that only its user can enter.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """What the child must call between fork and exec. The parent is the thread that forks: start such children from the main thread."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_for_the_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # we died before the child could ask
            os._exit(1)

    return ask_for_the_signal
