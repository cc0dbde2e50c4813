"""`python -m bodywork_compiler` is `bodywork`; `run` is what the installed commands call."""

import gc
import io
import sys


def run() -> int:
    """`cli.main` without garbage collection: in a short run there is no garbage, and looking for it, last at exit, takes a tenth of the time.

    A command that lasts switches it on.
    """
    gc.disable()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal of an older encoding gets what it can show, as it does on stderr
        sys.stdout.reconfigure(errors="backslashreplace")
    from bodywork_compiler.cli import main

    exit_code = main()
    gc.freeze()
    return exit_code


if __name__ == "__main__":
    raise SystemExit(run())
