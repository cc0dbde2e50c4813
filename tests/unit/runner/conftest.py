"""Runs of paper clusters: nothing in them takes time of its own."""

from __future__ import annotations

import pytest

from bodywork_compiler.runner import look_back


@pytest.fixture(autouse=True)
def services_settle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_back, "SETTLE_SECONDS", 0.0)
