"""Projects that are run on this machine for real, and what is left of them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from builders import Repository, a_batch_stage, a_pipeline, a_service_stage, write

SERVER = """\
import http.server, os
print("serving", flush=True)
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("0.0.0.0", {port}), Quiet).serve_forever()
"""
# a stage that ignores SIGTERM, with a child in a session of its own that does so too, both named in a file
STUBBORN = """\
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"], start_new_session=True)
pathlib.Path({pids!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
print("stubborn", flush=True)
time.sleep(600)
"""


def a_free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("", 0))
        return int(trial.getsockname()[1])


def batch(script: str, *, retries: int = 0, seconds: int = 60, **changed: Any) -> dict[str, Any]:
    return a_batch_stage(script, batch={"max_completion_time_seconds": seconds, "retries": retries}, **changed)


def service(script: str, port: int, *, seconds: int = 20, replicas: int = 1, **changed: Any) -> dict[str, Any]:
    work = {"max_startup_time_seconds": seconds, "replicas": replicas, "port": port, "ingress": False}
    return a_service_stage(script, service=work, **changed)


def a_repository_with(folder: Path, scripts: dict[str, str], **config: Any) -> Repository:
    """Committed, without a remote; a script for each file that is given."""
    for name, text in scripts.items():
        write(folder / name, text)
    return a_pipeline(folder, remote=None, **config)


def words(verb: str, *argv: str | Path) -> list[str]:
    return [sys.executable, "-m", "bodywork_compiler", verb, *map(str, argv)]


def bodywork(verb: str, *argv: str | Path, cwd: Path | None = None, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words(verb, *argv), cwd=cwd, input=stdin, env={**os.environ, **env}, text=True, capture_output=True, check=False)


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def named(told: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [each for each in told if each["event"] == name]


@contextmanager
def running(verb: str, *argv: str | Path, until: str, cwd: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command, once it has printed `until`, and its lines so far; killed at the end where it still runs."""
    lines: list[str] = []
    with subprocess.Popen(words(verb, *argv), cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                if re.search(until, line):
                    break
            else:
                raise AssertionError("\n".join(lines))
            yield process, lines
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[int, str]:
    """Its exit code and what it said after that signal."""
    process.send_signal(number)
    rest, _ = process.communicate()
    return process.returncode, rest


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
