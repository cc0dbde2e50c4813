"""`python -m bodywork_compiler` is `bodywork`; `run` is what the installed commands call."""

import _signal  # type: ignore[import-not-found] # `signal` is twice as long to import as all else here
import gc
from typing import Any


def _terminate(_number: int, _frame: object) -> None:
    from bodywork_compiler.errors import Terminated

    raise Terminated


def run() -> int:
    """`cli.main` without garbage collection: in a short run there is no garbage, and looking for it, last at exit, takes a tenth of the time.

    A command that lasts switches it on. While we start and while we leave a Ctrl-C ends the process as it does other programs.
    """
    is_interruptible = _signal.getsignal(_signal.SIGINT) == _signal.default_int_handler
    if is_interruptible:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    gc.disable()
    from bodywork_compiler import streams
    from bodywork_compiler.errors import exit_code_of

    streams.guard()
    from bodywork_compiler.cli import main

    try:
        _answer_signals(_signal.default_int_handler if is_interruptible else None, _terminate)
        exit_code = main()
        _answer_signals(_signal.SIG_DFL if is_interruptible else None, _signal.SIG_DFL)
    except KeyboardInterrupt as interrupt:  # in the moment between two of these lines
        return exit_code_of(interrupt)
    gc.freeze()
    return exit_code


def _answer_signals(interrupt: Any, terminate: Any) -> None:
    if interrupt is not None:
        _signal.signal(_signal.SIGINT, interrupt)
    _signal.signal(_signal.SIGTERM, terminate)


if __name__ == "__main__":
    raise SystemExit(run())
