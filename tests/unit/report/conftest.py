import time

import pytest


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch):
    """The log shows local time: a golden log needs a zone."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
