"""The last runs: those that have written themselves down, and the one that holds the lock."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from bodywork_compiler.deployed.status import holding
from bodywork_compiler.runner import lease

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=timezone.utc)


def a_record(renewed: str, **annotations: str) -> lease.Record:
    marks = {lease.RUN: "1a2b", lease.BY: "alice@ci", lease.STARTED: "2026-11-28T11:50:00.000000Z", lease.BEGUN: "x", **annotations}
    spec: dict[str, Any] = {"holderIdentity": "alice@ci 1a2b", "renewTime": renewed, "leaseDurationSeconds": 60}
    found = lease.record_of({"metadata": {"annotations": marks}, "spec": spec})
    assert found
    return found


@pytest.mark.parametrize(
    ("renewed", "result", "seconds"),
    [("2026-11-28T11:59:50.000000Z", "running", 590.0), ("2026-11-28T11:55:00.000000Z", "cut off", 300.0)],
)
def test_a_holder_that_is_not_heard_of_any_more_was_cut_off(renewed: str, result: str, seconds: float) -> None:
    found = holding(a_record(renewed), NOW)
    assert found
    assert (found.id, found.by, found.started, found.result, found.seconds) == ("1a2b", "alice@ci", "2026-11-28T11:50:00Z", result, seconds)
    assert found.exit_code is None


def test_who_holds_nothing_or_has_changed_nothing_is_no_run() -> None:
    record = a_record("2026-11-28T11:55:00.000000Z")
    assert holding(None, NOW) is None
    unchanged = {key: text for key, text in record.annotations.items() if key != lease.BEGUN}
    assert lease.cut_off(lease.record_of({"metadata": {"annotations": unchanged}, "spec": {"holderIdentity": "x"}})) is None
