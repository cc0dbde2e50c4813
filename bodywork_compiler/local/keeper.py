"""Stands between Bodywork and one process that it started, and ends all that came of it, whatever happens to either.

Started as `python -I -S keeper.py GRACE_SECONDS PROGRAM ARG…`, with a pipe as standard input that Bodywork holds open. When that pipe ends
(Bodywork wants it so, or was killed) the program's process group gets SIGTERM, and after the grace everything is killed. When the program ends, so does
what it left behind: on Linux orphans become children of this process, also those that made themselves a session of their own. SIGTERM kills
at once. Exits as the program does, 128 + N when signal N ended it. The standard library only: it imports nothing of ours, and little else, to be up in 20 ms.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

EXIT_CANNOT_START = 127
_PR_SET_CHILD_SUBREAPER = 36
_TICK_SECONDS = 0.05
_LIFELINE = 0  # standard input
# as a program expects them: Python ignores SIGPIPE, and what a shell started in the background ignores SIGINT
_USUAL_AGAIN = (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def main(grace_seconds: float, argv: list[str]) -> int:
    adopt_orphans()
    at_once: list[int] = []
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda number, _: at_once.append(number))
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to everybody; Bodywork decides
        signal.signal(number, signal.SIG_IGN)
    child = start(argv)
    status, kill_at = None, 0.0
    watched = [_LIFELINE, woken]
    while status is None and not at_once and not (kill_at and time.monotonic() >= kill_at):
        ready, _, _ = select.select(watched, [], [], _TICK_SECONDS if kill_at else None)
        if woken in ready:
            os.read(woken, 512)
        if _LIFELINE in ready and not os.read(_LIFELINE, 512):
            watched.remove(_LIFELINE)
            kill_at = time.monotonic() + grace_seconds
            send(child, signal.SIGTERM)
        status = reap(child)
    status = kill_all(child, status)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def start(argv: list[str]) -> int:
    try:
        return os.posix_spawnp(
            argv[0],
            argv,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            setpgroup=0,
            setsigdef=_USUAL_AGAIN,
        )
    except OSError as error:
        print(f"bodywork: {argv[0]} cannot be started: {error.strerror}", flush=True)
        os._exit(EXIT_CANNOT_START)


def adopt_orphans() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def send(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def reap(child: int) -> int | None:
    """Take in all that has ended; the child's status when it is among them."""
    found = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if ended == 0:
            return found
        if ended == child:
            found = status


def kill_all(child: int, status: int | None) -> int:
    """Until there is nobody left: each that dies hands its own children to us."""
    while True:
        send(child, signal.SIGKILL)
        for process in descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            ended, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return signal.SIGKILL if status is None else status
        if ended == child:
            status = how


def descendants() -> list[int]:
    """All that came of this process and still has a line of parents to it."""
    children: dict[int, list[int]] = {}
    for process, parent in parents():
        children.setdefault(parent, []).append(process)
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        mine = children.get(waiting.pop(), [])
        found += mine
        waiting += mine
    return found


def parents() -> list[tuple[int, int]]:
    """Every process of this machine with its parent."""
    if sys.platform != "linux":
        lines = subprocess.run(["ps", "-A", "-o", "pid=", "-o", "ppid="], stdout=subprocess.PIPE, check=False).stdout.splitlines()
        return [(int(process), int(parent)) for process, parent in map(bytes.split, lines)]
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                text = (folder / "stat").read_bytes()
                found.append((int(folder.name), int(text[text.rindex(b")") + 1 :].split()[1])))
    return found


if __name__ == "__main__":
    os._exit(main(float(sys.argv[1]), sys.argv[2:]))
