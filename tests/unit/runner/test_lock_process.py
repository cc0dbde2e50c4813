"""Facts about processes of this host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bodywork_compiler.runner import lease, lock

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux has /proc; elsewhere nobody is held for dead")


def test_we_are_alive_and_a_child_that_was_killed_is_not() -> None:
    here = lock.this_process()
    assert here is not None
    assert lock.start_of(here.pid) == here.start
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = lock.start_of(child.pid)
        assert started not in {None, lease.UNKNOWN}
        child.kill()
        while lock.start_of(child.pid) == started:  # until it is a zombie, which nobody has reaped yet
            pass
        assert lock.start_of(child.pid) is None


def test_who_we_are_is_for_people() -> None:
    user, _, host = lock.who().partition("@")
    assert user
    assert host
