"""How a command ends whose output nobody reads, or that is interrupted: without a traceback, and with the exit code that other programs have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_batch_stage, a_pipeline, write

BODYWORK = f'"{sys.executable}" -m bodywork_compiler'
NO_READER = 141  # 128 + SIGPIPE


def in_a_shell(line: str, cwd: Path) -> tuple[int, str]:
    """The exit code and what is said on stderr."""
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], cwd=cwd, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stages = {f"stage-{number}": a_batch_stage() for number in range(60)}
    return a_pipeline(tmp_path_factory.mktemp("project"), stages=stages).path


COMMANDS = [
    "version",
    "--help",
    "render --help",
    "render",
    "graph",
    "graph -o json",
    "schema 1.1",
    "validate -o json",
    "completion bash",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_goes_away(command: str, project: Path) -> None:
    assert in_a_shell(f"{BODYWORK} {command} | true", project) == (NO_READER, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_stdout(command: str, project: Path) -> None:
    assert in_a_shell(f"{BODYWORK} {command} >&-", project) == (1, "bodywork: cannot write: Bad file descriptor\n")


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", "2>/dev/full"])
def test_a_closed_stderr_takes_nothing_from_what_was_asked_for(closed: str, project: Path) -> None:
    whole = subprocess.run([sys.executable, "-m", "bodywork_compiler", "render"], cwd=project, capture_output=True, check=True)
    done = subprocess.run(["bash", "-c", f"{BODYWORK} render {closed}"], cwd=project, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, whole.stdout)


def test_a_closed_stderr_hides_no_refusal(project: Path) -> None:
    assert in_a_shell(f"{BODYWORK} render --nonsense 2>&-", project)[0] == 2
    assert in_a_shell(f"{BODYWORK} render nowhere <&- >&- 2>&-", project)[0] == 1


def test_a_run_is_not_ended_by_a_closed_stdout(tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", stages={"train": a_batch_stage()})
    write(repository.path / "train" / "main.py", "import pathlib\npathlib.Path('../trained').write_text('')\nprint('a line\\n' * 1000)\n")
    repository.commit()
    code, said = in_a_shell(f"{BODYWORK} apply --local --yes >&-", repository.path)
    assert code == 0, said
    assert "the log is written no further: Bad file descriptor" in said
    assert in_a_shell(f"{BODYWORK} apply --local --yes | true", repository.path)[0] == 0


def test_a_file_is_never_taken_for_a_closed_stream(tmp_path: Path) -> None:
    """The next file that is opened would be number 1."""
    project = a_pipeline(tmp_path / "iris").path
    assert in_a_shell(f"{BODYWORK} render -o out >&- 2>&- <&-", project)[0] == 0
    assert in_a_shell(f"{BODYWORK} render -o same", project)[0] == 0
    written, same = (
        {file.relative_to(project / name): file.read_text() for file in (project / name).rglob("*.yaml")} for name in ("out", "same")
    )
    assert written == same


WAITING = """\
#!{python}
import pathlib, sys, time
pathlib.Path({mark!r}).write_text("")
time.sleep(300)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    "command", [["diff"], ["status", "--pipeline", "iris"], ["apply", "--yes"], ["delete", "--pipeline", "iris", "--yes"]], ids=" ".join
)
def test_a_signal_while_kubectl_is_waited_for(command: list[str], number: signal.Signals, code: int, tmp_path: Path) -> None:
    project = a_pipeline(tmp_path / "iris", remote=None).path
    mark = tmp_path / "kubectl-runs"
    write(tmp_path / "programs" / "kubectl", WAITING.format(python=sys.executable, mark=str(mark))).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path / 'programs'}:{os.environ['PATH']}", "TMPDIR": str(tmp_path / "left")}
    (tmp_path / "left").mkdir()
    words = [sys.executable, "-m", "bodywork_compiler", *command]
    with subprocess.Popen(words, cwd=project, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert until(mark.exists), process.communicate(timeout=10)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert list((tmp_path / "left").iterdir()) == []


def until(is_so: Callable[[], bool]) -> bool:
    """Whether it comes to be."""
    for _ in range(3000):
        if is_so():
            return True
        threading.Event().wait(0.01)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_any_moment_of_the_start_prints_no_traceback(number: signal.Signals, project: Path) -> None:
    """By the time at which we are told that Python has begun (its own start is not ours), in steps of the start-up."""
    usual = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    quiet = "signal.signal(signal.SIGINT, signal.SIG_DFL)"
    program = f"import signal, sys; {quiet}; from bodywork_compiler.__main__ import run; print(flush=True); {usual}; sys.exit(run())"
    for milliseconds in range(0, 200, 10):
        words = [sys.executable, "-c", program, "render", "--stage", "stage-1"]
        with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout
            process.stdout.read(1)
            threading.Event().wait(milliseconds / 1000)
            process.send_signal(number)
            _, said = process.communicate(timeout=30)
        assert process.returncode in {0, -number, 128 + number}, (milliseconds, said)
        assert "Traceback" not in said, milliseconds
        assert "Exception ignored" not in said, milliseconds
