"""Ports of this machine: whether one is free, another one in its place, and whether somebody listens."""

from __future__ import annotations

import errno
import socket
import sys

PROBE_SECONDS = 0.5
LOOPBACK = "127.0.0.1"
# a second address of the loopback: who listens at all addresses answers here too, who listens at `localhost` alone does not,
# as nobody would reach it in a cluster
_OTHER_LOOPBACK = "127.0.0.2" if sys.platform == "linux" else LOOPBACK


def is_free(port: int) -> bool:
    """Whether a service could listen there: nobody does, and this user may."""
    if _answers(LOOPBACK, port):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("", port))
        except OSError:
            return False
    return True


def another_free() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("", 0))
        port: int = trial.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """At all addresses, as a pod must."""
    return _answers(_OTHER_LOOPBACK, port)


def listens_only_locally(port: int) -> bool:
    return _OTHER_LOOPBACK != LOOPBACK and _answers(LOOPBACK, port) and not _answers(_OTHER_LOOPBACK, port)


def _answers(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        asking.settimeout(PROBE_SECONDS)
        return asking.connect_ex((host, port)) in (0, errno.EISCONN)
