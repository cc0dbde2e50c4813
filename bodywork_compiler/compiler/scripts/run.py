"""Main container of a stage's pod: runs the stage's script or notebook in its own folder, and bounds its time.

Its arguments are the executable, relative to the project's folder, and the stage's own arguments. Reads the environment:
BODYWORK_WORKSPACE, BODYWORK_FOLDER, BODYWORK_TIME_LIMIT_SECONDS (none or 0: no limit) and BODYWORK_TERMINATION_LOG. It is the
first process of its container: as such it hands signals on (SIGTERM would do nothing there) and reaps what is orphaned.
Exits as the stage does, 128 + N when signal N ended it, and 124 when its time was over. Python 3.8 and the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

EXIT_TIMED_OUT = 124
EXIT_NOT_FOUND = 2
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
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

    def run(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
        for number in HANDED_ON:
            signal.signal(number, self.hand_on)
        signal.signal(signal.SIGALRM, self.end_time)
        # one stream, as on a terminal: the kubelet reads two of them apart, and a traceback would be cut in two by lines printed before it
        self.process = subprocess.Popen(command, cwd=str(cwd), env=env, stderr=subprocess.STDOUT, start_new_session=True)
        if self.limit_seconds:
            signal.alarm(self.limit_seconds)
        status = self.wait(self.process)
        signal.alarm(0)
        self.send(signal.SIGKILL)  # what the stage left behind ends with it
        return self.exit_code(status)

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Reap every child, ours and orphans alike, until ours ends. Signals are handled while waiting."""
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == process.pid:
                process.returncode = status
                return status

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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
