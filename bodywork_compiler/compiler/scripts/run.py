"""Main container of a stage's pod: runs the stage's script or notebook in its own folder, and bounds its time.

Its arguments are the executable, relative to the project's folder, and the stage's own arguments. Reads the environment:
BODYWORK_WORKSPACE, BODYWORK_FOLDER, BODYWORK_TIME_LIMIT_SECONDS (none or 0: no limit) and BODYWORK_TERMINATION_LOG. It is the
first process of its container: as such it hands signals on (SIGTERM would do nothing there) and reaps what is orphaned. Where variables hold
secrets (BODYWORK_SECRET_VARIABLES names them), what the stage prints comes through this process, which masks their values.
Exits as the stage does, 128 + N when signal N ended it, and 124 when its time was over. Python 3.8 and the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))  # an image may set PYTHONSAFEPATH
import masking  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

EXIT_TIMED_OUT = 124
EXIT_NOT_FOUND = 2
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
MOST_LEFT_BYTES = 1 << 20  # of what a pipe holds when the stage has ended; what writes on after that is not waited for
SECONDS_TO_STOP = 10  # between asking a stage whose time is over to end, and ending it


def main(executable: str, arguments: list[str]) -> int:
    workspace = Path(os.environ["BODYWORK_WORKSPACE"])
    repository = workspace / "project"
    project = repository / os.environ.get("BODYWORK_FOLDER", "")
    file = project / executable
    if not file.is_file():
        print(f"bodywork: there is no file {executable} in the project", file=sys.stderr, flush=True)
        return EXIT_NOT_FOUND
    environment = environment_of_stage(workspace, [project, repository])
    command = [python_of(workspace), file.name, *arguments]
    if file.suffix == ".ipynb":
        command = [python_of(workspace), str(Path(__file__).parent / "notebook.py"), file.name]
        environment["BODYWORK_ARGS"] = json.dumps(arguments)
    limit_seconds = int(os.environ.get("BODYWORK_TIME_LIMIT_SECONDS") or 0)
    return Supervisor(limit_seconds).run(command, cwd=file.parent, env=environment)


def environment_of_stage(workspace: Path, paths: Sequence[Path]) -> dict[str, str]:
    """The container's environment, with the project's modules and what `install` installed."""
    environment = dict(os.environ)
    commands = []
    if (workspace / "venv").is_dir():
        commands = [workspace / "venv" / "bin"]
        environment["VIRTUAL_ENV"] = str(workspace / "venv")
    elif (workspace / "site").is_dir():
        commands = [workspace / "site" / "bin"]
        paths = [*paths, workspace / "site"]
    for variable, folders in (("PYTHONPATH", paths), ("PATH", commands)):
        before = [environment[variable]] if environment.get(variable) else []
        environment[variable] = os.pathsep.join(dict.fromkeys([*map(str, folders), *before]))
    return environment


def python_of(workspace: Path) -> str:
    python = workspace / "venv" / "bin" / "python"
    return str(python) if python.exists() else sys.executable


class Supervisor:
    """One child process with its own group, from its start to its end."""

    def __init__(self, limit_seconds: int) -> None:
        self.limit_seconds = limit_seconds
        self.timed_out = False
        self.process: subprocess.Popen[bytes] | None = None
        self.output: Output | None = None

    def run(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
        for number in HANDED_ON:
            signal.signal(number, self.hand_on)
        signal.signal(signal.SIGALRM, self.end_time)
        # one stream, as on a terminal: the kubelet reads two of them apart, and a traceback would be cut in two by lines printed before it
        stream = masking.stream_for(env)
        self.output = Output(stream) if stream.knows_some else None
        printed = self.output.written if self.output else None
        self.process = subprocess.Popen(command, cwd=str(cwd), env=env, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True)
        if self.output:
            os.close(self.output.written)
        if self.limit_seconds:
            signal.alarm(self.limit_seconds)
        status = self.wait(self.process)
        signal.alarm(0)
        self.send(signal.SIGKILL)  # what the stage left behind ends with it
        if self.output:
            self.output.finish()
        return self.exit_code(status)

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Reap every child, ours and orphans alike, until ours ends. Signals are handled while waiting."""
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG if self.output else 0)
            if ended == process.pid:
                process.returncode = status
                return status
            if ended == 0 and self.output:
                self.output.pass_on_until_a_signal()

    def exit_code(self, status: int) -> int:
        if self.timed_out:
            self.tell(f"took longer than {self.limit_seconds} s")
            return EXIT_TIMED_OUT
        if os.WIFSIGNALED(status):
            return 128 + os.WTERMSIG(status)  # 137 stays 137: it is how running out of memory looks
        return os.WEXITSTATUS(status)

    def hand_on(self, number: int, _frame: FrameType | None) -> None:
        if self.process is None:
            sys.exit(128 + number)
        self.send(number)

    def end_time(self, _number: int, _frame: FrameType | None) -> None:
        self.send(signal.SIGKILL if self.timed_out else signal.SIGTERM)
        self.timed_out = True
        signal.alarm(SECONDS_TO_STOP)

    def send(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    @staticmethod
    def tell(message: str) -> None:
        """Say what no log says. Where the stage failed by itself nothing is written here: Kubernetes then takes the log's end."""
        print(f"bodywork: the stage {message}", file=sys.stderr, flush=True)
        with contextlib.suppress(OSError):  # the log has it too
            Path(os.environ.get("BODYWORK_TERMINATION_LOG", "/dev/termination-log")).write_text(message)


class Output:
    """What the stage prints, on its way to the container's log. One thread does it all: a signal's handler runs between two pieces."""

    def __init__(self, stream: masking.Stream) -> None:
        self.stream = stream
        self.read, self.written = os.pipe()
        self.woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler it wakes nobody
        self.is_open = True

    def pass_on_until_a_signal(self) -> None:
        while True:
            ready, _, _ = select.select([self.woken, *([self.read] if self.is_open else [])], [], [])
            if self.read in ready:
                self.pass_on()
            if self.woken in ready:
                os.read(self.woken, masking.READ_BYTES)
                return

    def pass_on(self) -> int:
        """The next piece; how long it was, 0 at the end of all."""
        piece = os.read(self.read, masking.READ_BYTES)
        try:
            masking.write(sys.stdout.fileno(), self.stream.feed(piece) if piece else self.stream.end())
        except BrokenPipeError:
            piece = b""
        if not piece:  # all have closed it; or nobody takes it any more, which the stage gets to know
            self.is_open = False
            os.close(self.read)
        return len(piece)

    def finish(self) -> None:
        """What the stage had still written; a program that has left its group may keep the pipe open for ever."""
        left = MOST_LEFT_BYTES
        while self.is_open and left > 0 and select.select([self.read], [], [], 0)[0]:
            left -= self.pass_on()
        if self.is_open:
            masking.write(sys.stdout.fileno(), self.stream.end())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
