"""What `apply` demands of a location beyond `render`: nothing uncommitted, and a remote that says itself that it has the commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import Repository, a_bare_copy, a_pipeline, write
from git_over_http import serving

from bodywork_compiler.cli.location import Compiled, Strictness, compile_location, is_project
from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.errors import BodyworkError

AS_APPLY = Strictness(refuse_uncommitted=True, ask_remote=True)


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "iris", remote=None)


@pytest.fixture
def host(iris: Repository, tmp_path: Path) -> Iterator[str]:
    bare = a_bare_copy(iris, tmp_path / "server" / "iris.git")
    with serving(bare.parent, login=False) as address:
        iris.has_remote(f"http://{address}/iris.git")
        yield address


def compiled(repository: Repository) -> Compiled:
    return compile_location(str(repository.path), CompileOptions(), AS_APPLY)


def test_a_commit_that_the_remote_has_is_fetched_from_there(iris: Repository, host: str) -> None:
    done = compiled(iris)
    assert (done.source.archive, done.source.url, done.notes) == (None, f"http://{host}/iris.git", ())


def test_an_older_commit_that_the_remote_has_too(iris: Repository, host: str, tmp_path: Path) -> None:
    write(iris.path / "manifests" / ".bodywork-render", "")
    iris.commit("Something rendered")
    iris.git("push", "--quiet", str(tmp_path / "server" / "iris.git"), "main")
    iris.pushed()
    done = compiled(iris)
    assert done.source.commit == iris.git("rev-parse", "HEAD~1")
    assert done.source.archive is None


def test_a_commit_that_only_the_tracking_ref_has_travels_inside(iris: Repository, host: str) -> None:
    """The remote's branch was taken back since."""
    write(iris.path / "train" / "main.py", "print('new')\n")
    iris.commit()
    iris.pushed()
    done = compiled(iris)
    assert done.source.archive is not None
    assert "has not got commit" in done.notes[0]


def test_a_remote_with_unknown_branches_is_taken_at_its_word(iris: Repository, host: str, tmp_path: Path) -> None:
    other = a_pipeline(tmp_path / "other", name="other", remote=None)
    other.git("push", "--quiet", "--force", str(tmp_path / "server" / "iris.git"), "main")
    done = compiled(iris)
    assert done.source.archive is None
    assert "taken for granted" in done.notes[0]


def test_a_remote_that_does_not_answer_is_told_with_the_way_without_it(iris: Repository, tmp_path: Path) -> None:
    iris.has_remote("http://127.0.0.1:1/iris.git")
    with pytest.raises(BodyworkError, match="remote origin could not be asked") as refused:
        compiled(iris)
    assert refused.value.hint
    assert "--inline-source" in refused.value.hint


def test_a_login_in_the_remotes_address_is_never_shown(iris: Repository) -> None:
    iris.has_remote("http://ada:s3cr3t@127.0.0.1:1/iris.git")
    with pytest.raises(BodyworkError) as refused:
        compiled(iris)
    assert "s3cr3t" not in refused.value.message


def test_uncommitted_changes_are_refused(iris: Repository, host: str) -> None:
    write(iris.path / "train" / "main.py", "print('not yet')\n")
    with pytest.raises(BodyworkError, match=r"not committed: train/main\.py") as refused:
        compiled(iris)
    assert refused.value.hint
    assert "git commit -a; git stash" in refused.value.hint


def test_uncommitted_changes_of_this_folder_are_told_without_its_name(iris: Repository, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(iris.path / "train" / "main.py", "print('not yet')\n")
    monkeypatch.chdir(iris.path)
    with pytest.raises(BodyworkError) as refused:
        compile_location(".", CompileOptions(), AS_APPLY)
    assert refused.value.message.startswith("not committed: train/main.py")


def test_a_file_that_was_never_added_is_refused_with_the_command_that_adds_it(iris: Repository, host: str) -> None:
    iris.git("rm", "--quiet", "--cached", "bodywork.yaml", "train/main.py")
    iris.git("commit", "--quiet", "--message=Forgotten")
    with pytest.raises(BodyworkError, match=r"not committed: bodywork\.yaml, train/") as refused:
        compiled(iris)
    assert refused.value.hint
    assert f"git add {iris.path}/bodywork.yaml {iris.path}/train && git commit -a" in refused.value.hint


def test_rendered_and_foreign_files_may_lie_about_uncommitted(iris: Repository, host: str) -> None:
    write(iris.path / "manifests.yaml", "whatever: true\n")
    write(iris.path / "out" / ".bodywork-render", "")
    assert compiled(iris).notes == ()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("iris", True),
        ("iris/train", False),
        ("nowhere", False),
        ("https://git.example.com/acme/iris.git", True),
        ("git@host:acme/iris", True),
    ],
)
def test_a_project_or_manifests(iris: Repository, where: str, expected: object) -> None:
    path = where if ":" in where else str(iris.path.parent / where)
    assert is_project(path, CompileOptions()) is expected


def test_a_config_of_another_name_makes_a_project(iris: Repository) -> None:
    assert is_project(str(iris.path / "train"), CompileOptions(file="main.py"))


def test_options_that_were_given_are_named_as_typed() -> None:
    given = CompileOptions(namespace="prod", inline_source=True, ingress_class="traefik").given()
    assert given == ("--namespace", "--inline-source", "--ingress-class")
