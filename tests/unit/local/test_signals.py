"""A signal may come while the run takes a message: its handler must not wait for what the interrupted code holds."""

from __future__ import annotations

import os
import queue
import signal
import threading
from contextlib import suppress
from typing import get_type_hints

import pytest

from bodywork_compiler.local import run, start


class Running:
    def __init__(self) -> None:
        self.last_signal, self.signals = 0, 0
        self.messages: queue.SimpleQueue[None] = queue.SimpleQueue()


def test_the_queue_of_a_run_is_one_that_a_signal_handler_may_put_into() -> None:
    assert get_type_hints(run.Run)["messages"].__origin__ is queue.SimpleQueue


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_heard_at_any_moment(number: signal.Signals) -> None:
    running = Running()
    sender = threading.Thread(target=lambda: [os.kill(os.getpid(), number) for _ in range(2000)])
    with start._signals(running):  # type: ignore[arg-type]
        sender.start()
        while sender.is_alive():
            with suppress(queue.Empty):
                running.messages.get(timeout=0.001)
    assert running.signals > 0
    assert running.last_signal == number
