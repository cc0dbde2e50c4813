"""`bodywork render --check DIR`: a committed render that is stale, edited or from other sources is told, and nothing is written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from builders import Repository, a_batch_stage, a_pipeline, a_project, write

from bodywork_compiler.cli import main
from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY


@pytest.fixture
def iris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A project whose render is committed beside it."""
    repository = a_pipeline(tmp_path / "iris")
    monkeypatch.chdir(repository.path)
    assert main(["render", "-o", "manifests"]) == 0
    repository.commit("Manifests")
    repository.pushed()
    return repository


def check(*args: str) -> int:
    return main(["render", "--check", "manifests", *args])


def test_a_committed_render_is_what_its_commit_renders_to(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    assert check() == 0
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    first = iris.git("rev-parse", "HEAD~1")
    assert f"manifests: is what commit {first[:7]} renders to (10 files)" in stderr


def test_a_stage_that_was_edited_and_committed_makes_it_stale(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    first = iris.git("rev-parse", "HEAD~1")
    write(iris.path / "train" / "main.py", "print('better')\n")
    second = iris.commit("Better training")
    assert check() == 1
    stderr = capfd.readouterr().err
    assert f"manifests: is of commit {first[:7]}, and the project was changed since (commit {second[:7]})" in stderr
    assert "bodywork render -o manifests" in stderr
    assert "is not what commit" not in stderr
    assert check("--only-pinned") == 0, "a hook cannot know the commit that is about to be made"


def test_rendered_again_it_is_green_again(iris: Repository) -> None:
    write(iris.path / "train" / "main.py", "print('better')\n")
    iris.commit("Better training")
    assert main(["render", "-o", "manifests"]) == 0
    assert check() == 0


@pytest.mark.parametrize("only_pinned", [[], ["--only-pinned"]])
def test_each_file_that_is_not_as_rendered_is_named(iris: Repository, only_pinned: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    folder = iris.path / "manifests"
    job = folder / "01-train" / "job.yaml"
    job.write_text(job.read_text().replace('cpu: "500m"', 'cpu: "9"') + "# mine\n")
    (folder / "02-serve" / "service.yaml").unlink()
    assert check(*only_pinned) == 1
    stderr = capfd.readouterr().err
    assert "changed         01-train/job.yaml" in stderr
    assert "missing         02-serve/service.yaml" in stderr
    assert "deployment.yaml" not in stderr


def test_what_somebody_else_put_there_is_theirs(iris: Repository) -> None:
    write(iris.path / "manifests" / "notes.txt", "ours\n")
    write(iris.path / "manifests" / "README.md", "# Our own words\n")
    assert check() == 0


def test_the_options_of_the_render_are_taken_from_the_folder(iris: Repository, tmp_path: Path) -> None:
    out = str(tmp_path / "prod")
    assert main(["render", "-o", out, "--namespace", "prod", "--pod-security", "baseline", "--inline-source"]) == 0
    assert main(["render", "--check", out]) == 0
    assert main(["render", "-o", str(tmp_path / "any"), "--no-namespace", "--ingress-class", "traefik"]) == 0
    assert main(["render", "--check", str(tmp_path / "any")]) == 0


def test_the_command_that_renders_again_has_the_options_of_the_render(
    iris: Repository, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    templates = tmp_path / "our templates"
    templates.mkdir()
    argo = ["-o", "argo", "--argo-cd", "--no-namespace", "--ingress-class", "ours", "--templates", str(templates)]
    assert main(["render", *argo]) == 0
    iris.commit("Other manifests")
    write(iris.path / "train" / "main.py", "print('better')\n")
    iris.commit("Better training")
    assert main(["render", "--check", "argo", "--templates", str(templates)]) == 1
    again = capfd.readouterr().err.strip().rpartition("Render it again: ")[2]
    assert again == f"bodywork render --argo-cd --ingress-class ours --no-namespace --templates '{templates}' -o argo"
    assert main([*shlex.split(again)[1:]]) == 0
    assert main(["render", "--check", "argo", "--templates", str(templates)]) == 0


def test_a_shallow_clone_needs_only_the_pinned_commit(iris: Repository, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clone = a_shallow_clone(iris, tmp_path / "shallow")
    pinned = iris.git("rev-parse", "HEAD~1")
    assert main(["render", clone, "--check", f"{clone}/manifests"]) == 1
    stderr = capfd.readouterr().err
    assert f"git fetch origin {pinned}" in stderr
    assert "the project was changed since" not in stderr
    iris.git("-C", clone, "fetch", "--quiet", "--depth=1", "origin", pinned)
    assert main(["render", clone, "--check", f"{clone}/manifests"]) == 0


def test_a_shallow_clone_is_told_how_to_get_the_rest(iris: Repository, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(iris.path / "train" / "main.py", "print('better')\n")
    iris.commit("Better training")
    clone = a_shallow_clone(iris, tmp_path / "shallow")
    assert main(["render", clone, "--check", f"{clone}/manifests", "--only-pinned"]) == 1
    stderr = capfd.readouterr().err
    assert "git fetch --unshallow" in stderr
    assert "fetch-depth: 0" in stderr
    assert main(["render", clone, "--check", f"{clone}/manifests"]) == 1
    assert "the project was changed since" in capfd.readouterr().err


def a_shallow_clone(repository: Repository, to: Path) -> str:
    repository.git("clone", "-q", "--depth=1", repository.path.as_uri(), str(to))
    return str(to)


def test_a_clone_with_other_remotes_says_the_same(iris: Repository) -> None:
    iris.git("remote", "set-url", "origin", "git@git.example.com:fork/iris.git")
    iris.git("switch", "--quiet", "--create", "feature/x")
    assert check() == 0


def test_an_option_that_the_folder_decides_is_wrong_usage(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    assert check("--namespace", "other") == 2
    assert "--check takes --namespace from what DIR says of its own render" in capfd.readouterr().err
    assert check("-o", "elsewhere") == 2
    assert main(["render", "--only-pinned"]) == 2


def test_uncommitted_changes_are_said_since_they_are_not_checked(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    write(iris.path / "train" / "main.py", "print('not yet')\n")
    assert check() == 1
    assert "not committed, so neither rendered nor checked: train/main.py" in capfd.readouterr().err
    assert check("--only-pinned") == 0


def test_a_render_of_another_project_is_not_the_same(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(iris.path, stages={"train": a_batch_stage(args=["again"])})
    iris.commit("One stage")
    assert main(["render", "-o", "manifests"]) == 0
    write(iris.path / "manifests" / "02-serve" / "job.yaml", "kind: Job\n")
    assert check() == 0, "a file that no render wrote"
    assert "superfluous" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (RENDER_MARKER, "is no folder that `bodywork render -o` wrote"),
        ("00-setup/pipeline.yaml", "does not say which commit it was rendered from"),
    ],
)
def test_a_folder_that_says_too_little(iris: Repository, harm: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    (iris.path / "manifests" / harm).unlink()
    assert check() == 1
    assert said in capfd.readouterr().err


def test_a_folder_that_a_killed_render_left(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    (iris.path / "manifests" / RENDER_UNDER_WAY).mkdir()
    assert check() == 1
    assert "half written" in capfd.readouterr().err


def test_a_commit_that_this_clone_has_not_got(iris: Repository, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    other = a_pipeline(tmp_path / "other", name="other")
    assert main(["render", "--check", "manifests", str(other.path)]) == 1
    assert "the project was changed since" in capfd.readouterr().err
    assert main(["render", "--check", "manifests", "--only-pinned", str(other.path)]) == 1
    assert "which this clone does not have" in capfd.readouterr().err
