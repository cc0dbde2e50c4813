"""How git is started: a known environment, no prompt, and its complaints in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import a_repository

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Answer, Place, ask, complaint, environment, tell
from bodywork_compiler.git.scratch import scratch_folder


def test_what_says_where_a_repository_is_does_not_reach_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_CEILING_DIRECTORIES",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
    ):
        monkeypatch.setenv(name, "x")
    given = environment()
    assert {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES"}.isdisjoint(given)
    assert (given["GIT_SSH_COMMAND"], given["GIT_SSL_CAINFO"]) == ("x", "x")


def test_git_speaks_english_and_never_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert (environment()["LC_ALL"], environment()["GIT_TERMINAL_PROMPT"]) == ("C", "0")


def test_what_git_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    place = Place(folder=a_repository(tmp_path / "a").path)
    with pytest.raises(BodyworkError, match=r"^git log: your current branch 'main' does not have any commits yet$"):
        tell(place, "log")


def test_secrets_are_masked_in_what_git_says(tmp_path: Path) -> None:
    place = Place(folder=tmp_path, secrets=("s3cr3t",))
    assert ask(place, "s3cr3t").error.startswith("git: '***' is not a git command")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("Cloning into 'x'...\nfatal: repository 'y' not found\n", "repository 'y' not found"),
        ("error: one\nfatal: two\n", "one; two"),
        ("something else\nlast words\n", "last words"),
        ("", "exit code 7"),
    ],
)
def test_a_complaint_is_one_line(error: str, said: str) -> None:
    assert complaint(Answer(code=7, output=b"", error=error)) == said


def test_a_scratch_folder_is_gone_whatever_happens() -> None:
    def fail() -> None:
        with scratch_folder() as folder:
            seen.append(folder)
            (folder / "file").touch()
            raise KeyboardInterrupt

    seen: list[Path] = []
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not seen[0].exists()
