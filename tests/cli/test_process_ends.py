"""How a command ends whose output nobody reads, or that is interrupted: without a traceback, and with the exit code that other programs have."""

from __future__ import annotations

import subprocess
import sys
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
