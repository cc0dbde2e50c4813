"""Commits with the same files are the same to `bodywork render --check`, whatever git made of the history; any change of a file is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import Repository, a_bare_copy, a_pipeline, write

from bodywork_compiler.cli import main
from bodywork_compiler.git.tree import have_same_files

OVERLAY = "resources: [../../manifests]\nnamespace: prod\n"


@pytest.fixture
def iris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A project on main, and a branch `better` of two commits: a better stage, and the manifests of that."""
    repository = a_pipeline(tmp_path / "iris")
    monkeypatch.chdir(repository.path)
    repository.git("switch", "--quiet", "--create", "better")
    write(repository.path / "train" / "main.py", "print('better')\n")
    repository.commit("Better training")
    repository.git("update-ref", "refs/remotes/origin/better", "HEAD")
    assert main(["render", "-o", "manifests"]) == 0
    repository.commit("Manifests")
    repository.git("update-ref", "refs/remotes/origin/better", "HEAD")
    assert check() == 0
    return repository


def check(*args: str) -> int:
    return main(["render", "--check", "manifests", *args])


def squash_merged(iris: Repository) -> str:
    """As a server does it: one new commit on main, and the branch is gone. Returns the commit that the manifests pin."""
    pinned = iris.git("rev-parse", "better~1")
    iris.git("switch", "--quiet", "main")
    iris.git("merge", "--quiet", "--squash", "better")
    iris.commit("Better training (#1)")
    iris.git("branch", "--delete", "--force", "better")
    iris.git("update-ref", "-d", "refs/remotes/origin/better")
    iris.pushed()
    return pinned


def test_a_squash_merge_leaves_the_manifests_up_to_date(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    pinned = squash_merged(iris)
    assert check() == 0
    stderr = capfd.readouterr().err
    assert f"manifests: is what commit {pinned[:7]} renders to (10 files)" in stderr
    assert f"commit {pinned[:7]} is on no branch of origin that this clone knows" in stderr
    assert "To pin one that stays: bodywork render -o manifests" in stderr


def test_rendered_again_after_a_squash_merge_they_pin_the_commit_that_stays(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    squash_merged(iris)
    assert main(["render", "-o", "manifests"]) == 0
    assert iris.git("rev-parse", "HEAD") in Path("manifests/00-setup/pipeline.yaml").read_text()
    capfd.readouterr()
    assert check() == 0
    assert "is on no branch" not in capfd.readouterr().err


def test_a_clone_made_after_a_squash_merge_is_told_how_to_get_the_pinned_commit(
    iris: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pinned = squash_merged(iris)
    server = a_bare_copy(iris, tmp_path / "server")
    iris.git("clone", "--quiet", server.as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    for args in ([], ["--only-pinned"]):
        assert check(*args) == 1
        stderr = capfd.readouterr().err
        assert f"manifests: pins commit {pinned[:7]}, which this clone does not have" in stderr
        assert f"Get the commit: git fetch origin {pinned}." in stderr
        assert "Or render it again: bodywork render -o manifests" in stderr
    iris.git("-C", str(tmp_path / "clone"), "fetch", "--quiet", iris.path.as_uri(), pinned)
    assert check() == 0


def test_files_that_travel_in_the_manifests_need_no_pinned_commit(
    iris: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["render", "--inline-source", "-o", "manifests"]) == 0
    iris.commit("Inline")
    squash_merged(iris)
    iris.git("clone", "--quiet", a_bare_copy(iris, tmp_path / "server").as_uri(), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert check() == 0


@pytest.mark.parametrize("args", [[], ["--only-pinned"]])
@pytest.mark.parametrize("inline", [[], ["--inline-source"]])
def test_manifests_that_pin_other_code_under_the_digest_of_this_one_are_refused(
    iris: Repository, inline: list[str], args: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """A change proposes manifests alone: of a commit that was not merged, but with the words of the project as it is."""
    assert main(["render", *inline, "-o", "manifests"]) == 0
    iris.commit("Manifests")
    ours = git_tree()
    iris.git("switch", "--quiet", "--create", "evil")
    write(iris.path / "train" / "main.py", "print('evil')\n")
    evil = iris.commit("Other code")
    assert main(["render", *inline, "-o", "manifests"]) == 0
    facts = Path("manifests/00-setup/pipeline.yaml")
    facts.write_text(facts.read_text().replace(git_tree(), ours))
    iris.git("stash", "--quiet")
    iris.git("switch", "--quiet", "better")
    iris.git("stash", "pop", "--quiet")
    iris.commit("Manifests")
    capfd.readouterr()
    assert check(*args) == 1
    stderr = capfd.readouterr().err
    assert f"manifests: its git-tree is not that of commit {evil[:7]}" in stderr
    assert ("the project was changed since" in stderr) is (not args)


def git_tree() -> str:
    return Path("manifests/00-setup/pipeline.yaml").read_text().partition("git-tree: ")[2].split()[0].strip('"')


def test_after_a_squash_merge_a_file_changed_by_hand_is_still_told(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    squash_merged(iris)
    job = iris.path / "manifests" / "01-train" / "job.yaml"
    job.write_text(job.read_text() + "# mine\n")
    assert check() == 1
    assert "changed         01-train/job.yaml" in capfd.readouterr().err


def test_files_that_travel_in_the_manifests_need_no_branch(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--inline-source", "-o", "manifests"]) == 0
    iris.commit("Inline")
    pinned = iris.git("rev-parse", "better~2")
    iris.git("switch", "--quiet", "main")
    iris.git("merge", "--quiet", "--squash", "better")
    write(iris.path / "overlays" / "prod" / "kustomization.yaml", OVERLAY)
    iris.commit("All of it")
    assert check() == 0
    stderr = capfd.readouterr().err
    assert f"is what commit {pinned[:7]} renders to" in stderr
    assert "is on no branch" not in stderr


def test_a_rebase_leaves_the_manifests_up_to_date_where_the_files_are_the_same(iris: Repository) -> None:
    iris.git("switch", "--quiet", "main")
    iris.git("commit", "--quiet", "--allow-empty", "--message=Meanwhile")
    iris.git("switch", "--quiet", "better")
    iris.git("rebase", "--quiet", "--force-rebase", "main")
    assert check() == 0


def test_a_rebase_onto_a_change_makes_them_stale(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    iris.git("switch", "--quiet", "main")
    write(iris.path / "serve" / "main.py", "print('other')\n")
    iris.commit("Meanwhile")
    iris.git("switch", "--quiet", "better")
    iris.git("rebase", "--quiet", "main")
    assert check() == 1
    assert "the project was changed since" in capfd.readouterr().err


def an_overlay(folder: Path) -> None:
    write(folder / "overlays" / "prod" / "kustomization.yaml", OVERLAY)
    write(folder / "overlays" / "prod" / "replicas.yaml", "[]\n")


def notes_among_the_manifests(folder: Path) -> None:
    write(folder / "manifests" / "notes.txt", "ours\n")


@pytest.mark.parametrize("change", [an_overlay, notes_among_the_manifests])
def test_a_commit_beside_the_project_changes_nothing(iris: Repository, change: Callable[[Path], None]) -> None:
    change(iris.path)
    assert check() == 0, "not committed"
    iris.git("add", "--all")
    assert check() == 0, "staged"
    iris.commit("Beside it")
    assert check() == 0
    assert main(["render", "-o", "manifests"]) == 0
    assert iris.git("status", "--porcelain") == "", "a render pins the same commit"


def a_script(folder: Path) -> None:
    write(folder / "train" / "main.py", "print('best')\n")


def the_config(folder: Path) -> None:
    config = folder / "bodywork.yaml"
    config.write_text(config.read_text() + "# a comment\n")


def a_template(folder: Path) -> None:
    write(folder / "templates" / "notes.yaml.j2", "{# ours #}\n")


def a_mode(folder: Path) -> None:
    (folder / "train" / "main.py").chmod(0o755)


def a_new_file(folder: Path) -> None:
    write(folder / "data" / "irises.csv", "1,2\n")


def a_new_name(folder: Path) -> None:
    (folder / "train" / "main.py").rename(folder / "train" / "model.py")


def a_script_in_an_overlay(folder: Path) -> None:
    an_overlay(folder)
    write(folder / "overlays" / "prod" / "train.py", "print('a stage may run this')\n")


@pytest.mark.parametrize("change", [a_script, the_config, a_template, a_mode, a_new_file, a_new_name, a_script_in_an_overlay])
def test_a_change_of_the_project_makes_them_stale(
    iris: Repository, change: Callable[[Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    change(iris.path)
    iris.commit("A change")
    assert check() == 1
    assert "the project was changed since" in capfd.readouterr().err


def rendered_among_the_scripts(_iris: Repository) -> None:
    assert main(["render", "-o", "train"]) == 0


def an_empty_marker(iris: Repository) -> None:
    write(iris.path / "train" / ".bodywork-render", "")


@pytest.mark.parametrize("name", ["main.py", "requirements.txt"])
@pytest.mark.parametrize("mark", [rendered_among_the_scripts, an_empty_marker])
def test_manifests_among_the_scripts_do_not_hide_them(iris: Repository, mark: Callable[[Repository], None], name: str) -> None:
    mark(iris)
    iris.commit("Manifests")
    write(iris.path / "train" / name, "# other\n")
    changed = iris.commit("A change")
    assert check() == 1
    iris.git("update-ref", "refs/remotes/origin/better", "HEAD")
    assert main(["render", "-o", "manifests"]) == 0
    assert changed in Path("manifests/00-setup/pipeline.yaml").read_text()
    assert main(["render", "-o", "train"]) == 0
    assert changed in Path("train/00-setup/pipeline.yaml").read_text()


def test_what_diff_takes_for_the_same_files_is_read_from_both_commits(iris: Repository, tmp_path: Path) -> None:
    better = iris.git("rev-parse", "better~1")
    squash_merged(iris)
    squashed, before = (iris.git("rev-parse", each) for each in ("HEAD", "HEAD~1"))
    assert have_same_files(iris.path / "train", better, squashed, "")
    assert have_same_files(iris.path, better, squashed, "serve")
    assert not have_same_files(iris.path, before, squashed, "")
    assert not have_same_files(iris.path, "a" * 40, squashed, "")
    assert not have_same_files(iris.path, "better~1", squashed, "")
    assert not have_same_files(iris.path, better, squashed, "nowhere")
    assert not have_same_files(tmp_path, better, squashed, "")


def test_taken_back_the_change_is_none(iris: Repository) -> None:
    a_script(iris.path)
    iris.commit("Best training")
    assert check() == 1
    iris.git("revert", "--no-edit", "HEAD")
    assert check() == 0
