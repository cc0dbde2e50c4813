"""Facts about processes of this host, for the rule of the dead holder. Where there is no /proc nothing is known, and nobody is ever held for dead."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from bodywork_compiler.runner.lease import UNKNOWN, Process

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def this_process() -> Process | None:
    """Ours; None where its four values are not to be had."""
    pid = os.getpid()
    try:
        boot, namespace = _BOOT_ID.read_text().strip(), str(_PID_NAMESPACE.readlink())
    except OSError:
        return None
    start = start_of(pid)
    return Process(boot=boot, pid_namespace=namespace, pid=pid, start=start) if start and start != UNKNOWN else None


def start_of(pid: int) -> str | None:
    """When a process of this pid namespace was started, in ticks since the boot; None: there is none, or it is dead already."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:  # another user's
        pass
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # hidden from us (hidepid): it is there, and that is all we know
        return UNKNOWN
    return None if state in {"Z", "X"} else fields[18]


def who() -> str:
    """user@host, for people; in a pod the user may have no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
