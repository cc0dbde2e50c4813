"""Whole processes, timed in pairs: machines are noisy, but what slows one run mostly slows the run beside it too."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OUTPUT, ERRORS = ".bench-output", ".bench-errors"
# spoils the figures: without .pyc files Python compiles its modules at every start
SPOILERS = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED")


@dataclass(frozen=True, slots=True)
class Usage:
    seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Ratios are medians over pairs of runs; seconds and megabytes are medians over runs."""

    pairs: int
    time_ratio: float
    memory_ratio: float
    ours: Usage
    theirs: Usage


def run_once(argv: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a program to its end, its output to a file. Its peak memory includes that of children it waited for.

    A small process of its own starts it: Linux counts the memory of whoever forked as the program's until it begins, and a benchmark that has
    parsed megabytes of YAML is larger than what it measures.
    """
    env = {name: value for name, value in (environment or os.environ).items() if name not in SPOILERS}
    words = [sys.executable, "-I", __file__, *(str(word) for word in argv)]
    done = subprocess.run(words, cwd=cwd, env=env, check=False, stdout=subprocess.PIPE, text=True)
    seconds, peak, code = done.stdout.split()
    if code != "0":
        sys.exit(f"{' '.join(words[3:])}: {code}\n{(cwd / ERRORS).read_text()[-2000:]}")
    per_mb = 1024 if sys.platform != "darwin" else 1024 * 1024  # kilobytes, but bytes on macOS
    return Usage(float(seconds), int(peak) / per_mb)


def _run_here(words: Sequence[str]) -> None:
    """Fork, execute, wait; print seconds, peak memory and exit code."""
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.dup2(os.open(ERRORS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            os.execvp(words[0], words)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    print(time.perf_counter() - began, usage.ru_maxrss, os.waitstatus_to_exitcode(status))


def compare(ours: Callable[[], Usage], theirs: Callable[[], Usage], *, pairs: int) -> Comparison:
    """Run both in turn, whoever is first changing from pair to pair; one pair before is not counted (it fills the caches)."""
    ours(), theirs()
    measured = []
    for pair in range(pairs):
        if pair % 2:
            theirs_now = theirs()
            measured.append((ours(), theirs_now))
        else:
            measured.append((ours(), theirs()))
    return Comparison(
        pairs=pairs,
        time_ratio=statistics.median(a.seconds / b.seconds for a, b in measured),
        memory_ratio=statistics.median(a.peak_mb / b.peak_mb for a, b in measured),
        ours=_median([a for a, _ in measured]),
        theirs=_median([b for _, b in measured]),
    )


def _median(usages: Sequence[Usage]) -> Usage:
    return Usage(statistics.median(usage.seconds for usage in usages), statistics.median(usage.peak_mb for usage in usages))


def row(what: str, comparison: Comparison, bar: float) -> str:
    verdict = "within" if comparison.time_ratio <= bar else "OVER"
    times = f"{comparison.ours.seconds * 1000:.0f} ms | {comparison.theirs.seconds * 1000:.0f} ms"
    return f"| {what} | {times} | {comparison.time_ratio:.2f} | {bar} | {verdict} |"


if __name__ == "__main__":
    _run_here(sys.argv[1:])
