"""`python -m bodywork_compiler` is `bodywork`; `run` is what the installed commands call."""

import _signal  # type: ignore[import-not-found] # `signal` is twice as long to import as all else here
import gc

INTERRUPTED = 130


def run() -> int:
    """`cli.main` without garbage collection: in a short run there is no garbage, and looking for it, last at exit, takes a tenth of the time.

    A command that lasts switches it on. While we start and while we leave a Ctrl-C ends the process as it does other programs.
    """
    handler = _signal.signal(_signal.SIGINT, _signal.SIG_DFL) if _signal.getsignal(_signal.SIGINT) == _signal.default_int_handler else None
    gc.disable()
    from bodywork_compiler import streams

    streams.guard()
    from bodywork_compiler.cli import main

    try:
        if handler:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        exit_code = main()
        if handler:
            _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    except KeyboardInterrupt:  # in the moment between two of its lines
        return INTERRUPTED
    gc.freeze()
    return exit_code


if __name__ == "__main__":
    raise SystemExit(run())
