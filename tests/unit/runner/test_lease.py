"""Who may take a pipeline's Lease, as a table; what is written into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bodywork_compiler.runner import lease
from bodywork_compiler.runner.lease import UNKNOWN, Claim, Process, Record

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone.utc)
HERE = Process(boot="boot-1", pid_namespace="pid:[1]", pid=200, start="9000")
HOLDER = Process(boot="boot-1", pid_namespace="pid:[1]", pid=100, start="5000")
HELD = Record(
    version="7",
    holder="ada@laptop 1a2b",
    since="2026-11-21T11:50:00.000000Z",
    renewed="2026-11-21T11:59:50.000000Z",
    seconds=60,
    transitions=3,
    annotations={lease.RUN: "1a2b", lease.BY: "ada@laptop", lease.PROCESS: HOLDER.text(), "team": "blue"},
)
RELEASED = replace(HELD, holder=None, annotations={**HELD.annotations, lease.ENDED: "succeeded"})


@pytest.mark.parametrize(
    ("record", "is_dead", "unheard_seconds", "break_lock", "decision"),
    [
        (None, False, 0.0, False, "free"),
        (RELEASED, False, 0.0, False, "free"),
        (RELEASED, False, 0.0, True, "free"),
        (HELD, False, 0.0, False, "held"),
        (HELD, False, 59.9, False, "held"),
        (HELD, False, 60.0, False, "expired"),
        (HELD, True, 0.0, False, "dead"),
        (HELD, True, 0.0, True, "dead"),
        (HELD, False, 0.0, True, "broken"),
        (replace(HELD, seconds=3), False, 3.0, False, "expired"),
    ],
)
def test_who_may_take_it(record: Record | None, *, is_dead: bool, unheard_seconds: float, break_lock: bool, decision: str) -> None:
    assert lease.taking(record, is_dead=is_dead, unheard_seconds=unheard_seconds, break_lock=break_lock) == decision


@pytest.mark.parametrize(
    ("holder", "here", "start_of_its_pid", "is_dead"),
    [
        (HOLDER, HERE, "5000", False),
        (HOLDER, HERE, None, True),
        (HOLDER, HERE, "7000", True),  # the pid is another process's now
        (HOLDER, HERE, UNKNOWN, False),
        (replace(HOLDER, boot="boot-2"), HERE, None, False),  # another host, or this one before it was booted again
        (replace(HOLDER, pid_namespace="pid:[2]"), HERE, None, False),  # in another container of this host
        (None, HERE, None, False),
        (HOLDER, None, None, False),  # where there is no /proc nobody is held for dead
    ],
)
def test_who_is_dead(holder: Process | None, here: Process | None, start_of_its_pid: str | None, *, is_dead: bool) -> None:
    assert lease.is_dead(holder, here, lambda _pid: start_of_its_pid) is is_dead


def test_a_lease_is_overdue_a_whole_lease_after_its_renewal() -> None:
    assert not lease.is_overdue(HELD, NOW)
    assert lease.is_overdue(HELD, NOW + timedelta(seconds=51))
    assert lease.is_overdue(replace(HELD, renewed=""), NOW)


def test_what_a_lease_says_is_read_back() -> None:
    made = lease.new("bodywork-iris", "iris", Claim(holder="ada@laptop 1a2b", annotations=HELD.annotations), NOW)
    record = lease.record_of({**made, "metadata": {**made["metadata"], "resourceVersion": "7"}})
    assert record is not None
    assert (record.version, record.holder, record.by, record.run, record.process) == ("7", HELD.holder, "ada@laptop", "1a2b", HOLDER)
    assert made["spec"]["renewTime"] == "2026-11-21T12:00:00.000000Z"
    assert record.was_cut_off
    assert lease.held_words(record) == "ada@laptop, since 2026-11-21 12:00:00 UTC"


def test_who_takes_it_says_which_version_was_seen_and_leaves_nothing_of_the_former_run() -> None:
    """Each key that the merge patch gives as null goes; a person's annotation stays."""
    patch = lease.taken(RELEASED, Claim(holder="bob@ci 3c4d", annotations={lease.RUN: "3c4d", lease.BY: "bob@ci"}), NOW, "iris")
    assert patch["metadata"]["resourceVersion"] == "7"
    assert patch["metadata"]["annotations"] == {lease.RUN: "3c4d", lease.BY: "bob@ci", lease.PROCESS: None, lease.ENDED: None}
    assert patch["spec"]["leaseTransitions"] == 4


def test_a_run_that_was_refused_puts_back_what_the_one_before_left() -> None:
    mine = replace(HELD, holder="bob@ci 3c4d", annotations={lease.RUN: "3c4d", lease.BEGUN: "x"})
    spec, annotations = lease.restored(mine, HELD)
    assert spec["holderIdentity"] == HELD.holder
    assert spec["renewTime"] == HELD.renewed
    assert annotations[lease.RUN] == "1a2b"
    assert annotations[lease.BEGUN] is None


@pytest.mark.parametrize("text", ["", "one two", "boot ns pid start"])
def test_what_is_no_process_is_none(text: str) -> None:
    assert replace(HELD, annotations={lease.PROCESS: text}).process is None
