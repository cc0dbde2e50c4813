"""Work that the text of somebody else decides, in a child process with limits of time and memory: it cannot go on for ever, nor take all of a machine."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import NoReturn, TypeVar

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.problems import LARGEST_TEXT

PROCESSOR_SECONDS = 60
LARGEST_BYTES = 512 * 2**20  # of memory. macOS has no such limit

Result = TypeVar("Result")


def within_limits(work: Callable[[], Result], what: str) -> Result:
    """What `work` gives. Raises BodyworkError where it does, and when it takes too long or too much; `what` begins that message."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12's, of threads: the child waits for none
        child = os.fork()
    if not child:
        os.close(reading)
        _work_in_child(work, what, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read(LARGEST_TEXT + 1)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    _, status = os.waitpid(child, 0)
    if len(answer) > LARGEST_TEXT:
        raise BodyworkError(f"{what} give more than {LARGEST_TEXT >> 20} MiB")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        why = (
            f"computed for more than {PROCESSOR_SECONDS} s" if number == signal.SIGXCPU else f"were ended by {signal.Signals(number).name}"
        )
        raise BodyworkError(f"{what} {why}")
    result: Result | Exception = pickle.loads(answer)  # noqa: S301 - our own child wrote it
    if isinstance(result, Exception):
        raise result
    return result


def _work_in_child(work: Callable[[], object], what: str, writing: int) -> NoReturn:
    """Nothing of ours is flushed or cleaned up here: that is the parent's."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for kind, limit in ((resource.RLIMIT_CPU, PROCESSOR_SECONDS), (resource.RLIMIT_DATA, LARGEST_BYTES), (resource.RLIMIT_CORE, 0)):
            soft, hard = resource.getrlimit(kind)
            resource.setrlimit(kind, (min(limit, *(each for each in (soft, hard) if each != resource.RLIM_INFINITY), limit), hard))
        answer = _answer(work, what)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _answer(work: Callable[[], object], what: str) -> bytes:
    try:
        return pickle.dumps(work())
    except BodyworkError as error:
        return pickle.dumps(BodyworkError(error.message, hint=error.hint))
    except MemoryError:
        return pickle.dumps(BodyworkError(f"{what} need more than {LARGEST_BYTES >> 20} MiB of memory"))
    except Exception:  # noqa: BLE001 - a bug of ours: the parent tells it
        return pickle.dumps(RuntimeError(traceback.format_exc()))
