"""The proxy's process and its socket, with a kubectl of the test's own."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodywork_compiler import proxy
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.proxy import Proxy

SERVES = "#!/bin/sh\necho 'Starting to serve on a socket'\nexec sleep 60\n"
LONGEST_SOCKET_PATH = 103  # macOS: 104 with the closing zero


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    file = tmp_path / "kubectl"
    file.write_text(SERVES)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.fixture
def fresh_tempdir(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.mark.usefixtures("program")
def test_only_its_user_can_reach_the_socket() -> None:
    proxy = Proxy(Kubectl(), on_end=lambda: None)
    proxy.wait_until_ready()
    folder = Path(proxy.socket_path).parent
    mode = stat.S_IMODE(folder.stat().st_mode)
    proxy.stop()
    assert mode == 0o700
    assert not folder.exists()


@pytest.mark.usefixtures("program", "fresh_tempdir")
def test_a_long_temporary_folder_is_no_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    proxy = Proxy(Kubectl(), on_end=lambda: None)
    proxy.stop()
    assert len(os.fsencode(proxy.socket_path)) <= LONGEST_SOCKET_PATH


def test_one_that_cannot_start_says_why(program: Path) -> None:
    program.write_text("#!/bin/sh\necho 'error: context \"nowhere\" does not exist' >&2\nexit 1\n")
    ended: list[bool] = []
    proxy = Proxy(Kubectl(), on_end=lambda: ended.append(True))
    with pytest.raises(BodyworkError, match='context "nowhere" does not exist'):
        proxy.wait_until_ready()
    proxy.stop()
    assert ended == [], "it never was"


@pytest.mark.usefixtures("program")
def test_one_that_dies_is_told_and_can_be_started_again() -> None:
    ended = threading.Event()
    proxy = Proxy(Kubectl(), on_end=ended.set)
    proxy.wait_until_ready()
    first = proxy.pid
    os.kill(first, signal.SIGKILL)
    assert ended.wait(20)
    proxy.restart()
    proxy.wait_until_ready()
    second = proxy.pid
    proxy.stop()
    assert second != first


@pytest.mark.usefixtures("program")
def test_stopping_it_is_no_death() -> None:
    ended = threading.Event()
    proxy = Proxy(Kubectl(), on_end=ended.set)
    proxy.wait_until_ready()
    proxy.stop()
    assert not ended.is_set()


def test_what_a_killed_run_left_is_removed_by_the_next_and_only_that(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(proxy, "LONGEST_FOLDER", 1000)
    left, new, foreign = (tmp_path / name for name in ("bodywork-proxy-left", "bodywork-proxy-new", "bodywork-other"))
    for folder in (left, new, foreign):
        folder.mkdir()
    running = Proxy(Kubectl(), on_end=lambda: None)
    used = Path(running.socket_path).parent
    try:
        for folder in (left, foreign, used):
            os.utime(folder, (0, 0))
        Proxy(Kubectl(), on_end=lambda: None).stop()
        assert [folder.exists() for folder in (left, new, foreign, used)] == [False, True, True, True]
    finally:
        running.stop()
    assert not used.exists()
