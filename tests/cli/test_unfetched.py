"""What a repository has and pods will not find is said: submodules, files of Git LFS."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import Repository, a_bare_copy, a_pipeline, write

from bodywork_compiler.cli import main


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    repository = a_pipeline(tmp_path / "iris", inside="models")
    write(repository.path / ".gitmodules", '[submodule "common"]\n\tpath = libs/common\n\turl = ../common.git\n')
    write(repository.path / ".gitattributes", "*.md text\n# *.csv filter=lfs\n*.pkl filter=lfs diff=lfs merge=lfs -text\n")
    repository.commit("More than files")
    return repository


@pytest.mark.parametrize("way", ["as it stands", "a branch", "a url"])
def test_what_is_not_fetched_is_said_once(way: str, iris: Repository, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if way == "a url":
        where = [a_bare_copy(iris, tmp_path / "iris.git").as_uri(), "--folder", "models"]
    else:
        where = [str(iris.path / "models"), *(["--branch", "main"] if way == "a branch" else [])]
    assert main(["render", *where]) == 0
    stderr = capfd.readouterr().err
    assert stderr.count("submodules are not fetched, so stages do not find libs/common") == 1
    assert stderr.count("of files that Git LFS keeps (*.pkl) stages find pointers only") == 1


def test_a_plain_repository_has_nothing_to_say(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["render", str(a_pipeline(tmp_path / "iris").path)]) == 0
    assert capfd.readouterr().err == ""
