"""How git is started: a known environment, no prompt, and its complaints in one line."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from builders import a_repository

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import process
from bodywork_compiler.git.process import Answer, Asked, Place, ask, complaint, environment, tell
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_another_users_repository_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    repository = a_repository(tmp_path / "theirs").path
    for path in (repository, repository / ".git"):
        os.chown(path, 65534, 65534)
    with pytest.raises(BodyworkError, match="dubious ownership") as refused:
        tell(Place(folder=repository), "status")
    assert refused.value.hint == f"If you trust who made it: git config --global --add safe.directory {repository}"


def test_secrets_are_masked_in_what_git_says(tmp_path: Path) -> None:
    place = Place(folder=tmp_path, secrets=("s3cr3t",))
    assert ask(place, "s3cr3t").error.startswith("git: '***' is not a git command")


def test_much_on_both_pipes_is_read_whole(tmp_path: Path) -> None:
    """And nobody is told of a broken pipe: git and what it starts end at one, as everywhere, though Python ignores that signal."""
    flood = "alias.flood=!yes error | head -c 600000 >&2; yes output | head -c 700000"
    answer = ask(Place(folder=tmp_path), "-c", flood, "flood")
    assert answer.code == 0
    assert answer.output == b"output\n" * 100_000
    assert answer.error == "error\n" * 100_000


def test_what_git_is_given_to_read(tmp_path: Path) -> None:
    content = os.urandom(500_000)
    hashed = tell(Place(folder=tmp_path), "hash-object", "--stdin", stdin=content).text
    assert hashed == hashlib.sha1(b"blob 500000\0" + content).hexdigest()


def test_a_question_that_is_dropped_ends(tmp_path: Path) -> None:
    question = Asked(Place(folder=tmp_path), "-c", "alias.endless=!cat /dev/zero", "endless")
    question.drop()
    question.drop()


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


@pytest.mark.parametrize(("limit", "question"), [("SILENT_SECONDS", "config"), ("WALK_SECONDS", "log")])
def test_git_that_reads_a_named_pipe_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, question: str) -> None:
    monkeypatch.setattr(process, limit, 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BodyworkError, match=rf"^git does not answer: git {question} in "):
        ask(Place(folder=tmp_path, env={"GIT_CONFIG_GLOBAL": str(tmp_path / "pipe")}), question, "--list")
