"""`bodywork render GIT_URL`: over HTTP from a server with a login, and from clones without history."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from builders import Repository, a_bare_copy, a_batch_stage, a_pipeline, a_project, a_repository, write
from git_over_http import PASSWORD, USER, serving

from bodywork_compiler import labels
from bodywork_compiler.cli import main
from bodywork_compiler.manifests import Plan, load_stream


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    """Two commits on main, then one of another team; a branch `next` with another name."""
    repository = a_pipeline(tmp_path / "iris", inside="ml/iris", remote=None)
    repository.git("checkout", "--quiet", "-b", "next")
    a_project(repository.path / "ml/iris", name="iris-next")
    repository.commit("On next")
    repository.git("checkout", "--quiet", "main")
    write(repository.path / "web" / "index.html", "hello\n")
    repository.commit("Another team's")
    return repository


@pytest.fixture
def bare(iris: Repository, tmp_path: Path) -> Path:
    return a_bare_copy(iris, tmp_path / "server" / "iris.git")


@pytest.fixture
def host(bare: Path) -> Iterator[str]:
    with serving(bare.parent) as address:
        yield address


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made; to be empty afterwards."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def rendered(capfdbinary: pytest.CaptureFixture[bytes]) -> Rendered:
    return Rendered(capfdbinary)


class Rendered:
    def __init__(self, captured: pytest.CaptureFixture[bytes]) -> None:
        self.captured = captured
        self.out = self.err = ""

    def __call__(self, *args: Path | str) -> int:
        self.captured.readouterr()
        code = main(["render", *map(str, args)])
        out, err = self.captured.readouterr()
        self.out, self.err = out.decode(), err.decode()
        return code

    @property
    def plan(self) -> Plan:
        return load_stream(self.out, "stdout")

    @property
    def commit(self) -> str:
        return self.plan.facts[labels.FACT_GIT_COMMIT]


def with_login(host: str) -> str:
    return f"http://{USER}:{quote(PASSWORD, safe='')}@{host}/iris.git"


def test_a_url_gives_the_same_bytes_as_a_clone_of_it(iris: Repository, host: str, rendered: Rendered, scratch: Path) -> None:
    assert rendered(with_login(host), "--folder", "ml/iris") == 0
    by_url = rendered.out
    iris.has_remote(f"http://{host}/iris.git")
    assert rendered(iris.path / "ml/iris") == 0
    assert rendered.out == by_url
    assert list(scratch.iterdir()) == []


def test_the_branch_that_is_taken_is_said(host: str, rendered: Rendered) -> None:
    rendered(with_login(host), "--folder", "ml/iris")
    assert rendered.err == "bodywork: no --branch given: branch main is taken, the repository's default\n"
    assert rendered.plan.facts[labels.FACT_GIT_BRANCH] == "main"


def test_only_a_commit_of_the_projects_folder_is_pinned(iris: Repository, host: str, rendered: Rendered) -> None:
    rendered(with_login(host), "--folder", "ml/iris")
    assert rendered.commit == iris.git("rev-parse", "HEAD~1")


def test_a_branch_of_a_url(iris: Repository, host: str, rendered: Rendered) -> None:
    assert rendered(with_login(host), "--folder", "ml/iris", "--branch", "next") == 0
    assert rendered.err == ""
    assert rendered.plan.pipeline == "iris-next"
    assert rendered.commit == iris.git("rev-parse", "next")


@pytest.mark.parametrize("branch", [None, "main"])
def test_a_commit_of_any_branch_of_a_url(iris: Repository, host: str, rendered: Rendered, branch: str | None) -> None:
    commit = iris.git("rev-parse", "next")
    named = ("--branch", branch) if branch else ()
    assert rendered(with_login(host), "--folder", "ml/iris", "--commit", commit, *named) == 0
    assert (rendered.commit, rendered.plan.pipeline) == (commit, "iris-next")


def test_a_short_hash_of_another_branch_is_found_too(iris: Repository, host: str, rendered: Rendered) -> None:
    commit = iris.git("rev-parse", "next")
    assert rendered(with_login(host), "--folder", "ml/iris", "--commit", commit[:12]) == 0
    assert rendered.commit == commit


def test_no_part_of_a_login_is_shown_or_rendered(host: str, rendered: Rendered) -> None:
    rendered(with_login(host), "--folder", "ml/iris")
    assert rendered.plan.facts[labels.FACT_GIT_URL] == f"http://{host}/iris.git"
    for secret in (PASSWORD, quote(PASSWORD, safe=""), f"{USER}:"):
        assert secret not in rendered.out + rendered.err


def test_a_wrong_login_is_told_without_showing_it(host: str, rendered: Rendered, scratch: Path) -> None:
    assert rendered(f"http://{USER}:wr0ng-one@{host}/iris.git") == 1
    assert f"http://{host}/iris.git could not be cloned" in rendered.err
    assert "wr0ng-one" not in rendered.err
    assert list(scratch.iterdir()) == []


def test_without_a_login_nobody_is_asked(host: str, rendered: Rendered) -> None:
    assert rendered(f"http://{host}/iris.git") == 1
    assert "credential helper" in rendered.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--branch", "nope"], "nope"),
        (["--commit", "feed123"], "has no commit feed123"),
        (["--folder", "nope"], "has no folder nope"),
        (["--folder", "../x"], "must be a folder inside"),
        ([], "bodywork.yaml"),
    ],
    ids=["branch", "commit", "folder", "outside", "no config"],
)
def test_what_the_repository_has_not_got(host: str, rendered: Rendered, scratch: Path, args: list[str], said: str) -> None:
    assert rendered(with_login(host), *args) == 1
    assert said in rendered.err
    assert rendered.out == ""
    assert str(scratch) not in rendered.err
    assert list(scratch.iterdir()) == []


def test_an_empty_repository_is_told(tmp_path: Path, rendered: Rendered) -> None:
    bare = a_bare_copy(a_repository(tmp_path / "nothing"), tmp_path / "nothing.git")
    assert rendered(f"file://{bare}") == 1
    assert "has no commit yet" in rendered.err


def test_a_file_url_is_of_this_machine_so_the_files_travel_inside(bare: Path, rendered: Rendered) -> None:
    assert rendered(f"file://{bare}", "--folder", "ml/iris") == 0
    assert "travel inside the manifests" in rendered.err
    assert str(bare) not in rendered.out


def test_manifests_of_a_url_are_written_to_a_folder(host: str, rendered: Rendered, tmp_path: Path) -> None:
    assert rendered(with_login(host), "--folder", "ml/iris", "-o", tmp_path / "out") == 0
    assert (tmp_path / "out" / "kustomization.yaml").is_file()


# --- shallow clones, as CI services make them


def a_shallow_clone(bare: Path, to: Path) -> Path:
    a_repository(to.parent / "any").git("clone", "--quiet", "--depth=1", f"file://{bare}", str(to))
    return to


def test_a_shallow_clone_is_deepened_to_find_the_commit(iris: Repository, bare: Path, tmp_path: Path, rendered: Rendered) -> None:
    clone = a_shallow_clone(bare, tmp_path / "shallow")
    assert rendered(clone / "ml/iris") == 0
    assert rendered.commit == iris.git("rev-parse", "HEAD~1")


def test_a_shallow_clone_whose_remote_is_gone_is_told_with_the_remedy(bare: Path, tmp_path: Path, rendered: Rendered) -> None:
    clone = a_shallow_clone(bare, tmp_path / "shallow")
    bare.rename(bare.with_name("gone.git"))
    assert rendered(clone / "ml/iris") == 1
    assert "fetch-depth: 0" in rendered.err


def test_a_shallow_clone_whose_last_commit_changed_the_project_needs_no_network(tmp_path: Path, rendered: Rendered) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None)
    a_project(repository.path, stages={"train": a_batch_stage(args=["again"])})
    commit = repository.commit()
    bare = a_bare_copy(repository, tmp_path / "iris.git")
    clone = a_repository(tmp_path / "any").git("clone", "--quiet", "--depth=2", f"file://{bare}", str(tmp_path / "shallow"))
    assert clone == ""
    bare.rename(bare.with_name("gone.git"))
    assert rendered(tmp_path / "shallow") == 0
    assert rendered.commit == commit
