"""What was started ends, with all that came of it."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from pathlib import Path

import pytest
from local_projects import lives

from bodywork_compiler.local import process
from bodywork_compiler.local.process import Running
from bodywork_compiler.local.workloads import Process

# a server that forks workers, one of which leaves its session and its parent: all print their process ids and wait
FORKING = """\
import os, sys, time
def worker(leaves):
    if os.fork() == 0:
        if leaves:
            os.setsid()
            if os.fork():
                os._exit(0)
        os.write(1, f"{os.getpid()}\\n".encode())
        time.sleep(600)
worker(False); worker(True)
os.write(1, f"{os.getpid()}\\n".encode())
time.sleep(float(sys.argv[1]))
"""


def start(*argv: str, grace_seconds: float = 5.0) -> Running:
    return Running(Process(argv=argv, env=dict(os.environ), cwd=Path("/")), grace_seconds=grace_seconds)


def test_its_lines_and_its_exit_code() -> None:
    running = start(sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr, flush=True); sys.exit(7)")
    assert sorted(running.lines()) == ["err", "out"]
    assert running.wait() == 7


def test_a_signal_is_128_and_its_number() -> None:
    running = start("sh", "-c", "kill -KILL $$")
    assert list(running.lines()) == []
    assert running.wait() == 128 + signal.SIGKILL


def test_a_program_that_is_not_there() -> None:
    running = start("/no/such/program")
    assert list(running.lines()) == ["bodywork: /no/such/program cannot be started: No such file or directory"]
    assert running.wait() == 127


def test_it_has_an_input_that_ends_and_the_usual_signals() -> None:
    running = start(
        sys.executable, "-c", "import signal, sys; print(repr(sys.stdin.read()), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    )
    assert list(running.lines()) == ["'' True"]
    assert running.wait() == 0


@pytest.mark.parametrize("how", ["stop", "kill", "by itself"])
def test_forked_workers_end_with_it(how: str) -> None:
    running = start(sys.executable, "-c", FORKING, "0.2" if how == "by itself" else "600")
    lines = running.lines()
    pids = [int(next(lines)) for _ in range(3)]
    if how != "by itself":
        getattr(running, how)()
    assert list(lines) == []
    running.wait()
    assert [pid for pid in pids if lives(pid)] == []


def test_who_ignores_sigterm_is_killed_after_the_grace() -> None:
    running = start(
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
        grace_seconds=0.2,
    )
    lines = running.lines()
    assert next(lines) == "up"
    running.stop()
    assert list(lines) == []
    assert running.wait() == 128 + signal.SIGKILL


def test_who_heeds_sigterm_ends_in_its_own_way() -> None:
    script = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit(3))); print('up', flush=True); time.sleep(600)"
    running = start(sys.executable, "-c", script)
    lines = running.lines()
    assert next(lines) == "up"
    running.stop()
    assert list(lines) == ["bye"]
    assert running.wait() == 3


class TestScratch:
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(process.tempfile, "gettempdir", lambda: str(tmp_path))
        return tmp_path

    def test_it_is_this_users_alone_and_gone_afterwards(self, place: Path) -> None:
        with process.run_folder() as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            locked = folder / "locked"
            locked.mkdir()
            (locked / "file").touch()
            locked.chmod(0)
        assert list(place.iterdir()) == []

    def test_one_that_is_in_use_is_left_to_its_run(self, place: Path) -> None:
        with process.run_folder() as folder:
            done = threading.Thread(target=process.remove_left_over, args=(place,))
            done.start()
            done.join()
            assert folder.exists()

    def test_one_that_nobody_holds_is_removed(self, place: Path) -> None:
        (place / f"{process.PREFIX}left" / "deep").mkdir(parents=True)
        process.remove_left_over(place)
        assert list(place.iterdir()) == []
