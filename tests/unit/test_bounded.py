"""Work in a child with limits: what it gives is given, and what it must not take ends it alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest

from bodywork_compiler import bounded
from bodywork_compiler.bounded import within_limits
from bodywork_compiler.errors import BodyworkError


def fails(error: Exception) -> NoReturn:
    raise error


def for_ever() -> NoReturn:
    while True:
        pass


def test_what_the_work_gives_is_given() -> None:
    assert within_limits(lambda: ("a" * 2**20, 1), "they") == ("a" * 2**20, 1)


def test_an_error_of_the_work_is_raised_with_its_hint() -> None:
    with pytest.raises(BodyworkError, match=r"^no$") as refused:
        within_limits(lambda: fails(BodyworkError("no", hint="so")), "they")
    assert refused.value.hint == "so"


def test_a_bug_is_raised_with_its_place() -> None:
    with pytest.raises(RuntimeError, match=r"test_bounded.py(.|\n)*KeyError: 'x'"):
        within_limits(lambda: fails(KeyError("x")), "they")


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (for_ever, "they computed for more than 1 s"),
        (lambda: len(str(3**10**9)), "they computed for more than 1 s"),  # one step of Python's, however long
        (lambda: b"a" * 10**10, "they need more than 512 MiB of memory"),
        (lambda: [b"a" * 2**20 for _ in range(10_000)], "they need more than 512 MiB of memory"),
        (lambda: "a" * (80 * 2**20), "they give more than 64 MiB"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "they were ended by SIGKILL"),
    ],
    ids=["a loop", "one step", "memory at once", "memory bit by bit", "output", "a signal"],
)
def test_what_takes_too_much_is_ended(work: Callable[[], object], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "PROCESSOR_SECONDS", 1)
    with pytest.raises(BodyworkError, match=f"^{message}$"):
        within_limits(work, "they")


def test_an_interrupt_ends_the_child_too() -> None:
    reading, writing = os.pipe()

    def work() -> None:
        os.write(writing, str(os.getpid()).encode())
        for_ever()

    def interrupt_us() -> None:
        child.append(int(os.read(reading, 20)))
        os.kill(os.getpid(), signal.SIGINT)

    child: list[int] = []
    interrupting = threading.Thread(target=interrupt_us)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        within_limits(work, "they")
    interrupting.join()
    with pytest.raises(ProcessLookupError):
        os.kill(child[0], 0)
