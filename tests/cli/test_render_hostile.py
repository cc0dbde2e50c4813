"""`bodywork render` of a repository that somebody made who wishes us ill: nothing of this machine runs, is read or is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from builders import Repository, a_pipeline, write

from bodywork_compiler import bounded
from bodywork_compiler.cli import main

SECRET = "of-this-machine"


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "iris", remote=None)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside of the repository."""
    write(
        tmp_path / "elsewhere" / "service.yaml.j2",
        f"apiVersion: v1\nkind: Service\n# {SECRET}\nmetadata:\n{{% include 'metadata.yaml.j2' %}}\n",
    )
    return a_pipeline(tmp_path / "elsewhere", name=SECRET).path


def ways_to(iris: Repository) -> list[list[str]]:
    """As it lies here, as committed, and by its URL."""
    return [[str(iris.path)], [str(iris.path), "--commit", "HEAD"], [f"file://{iris.path}"]]


@pytest.mark.parametrize("way", [0, 1, 2], ids=["folder", "commit", "url"])
def test_a_link_out_of_the_repository_is_no_template(
    iris: Repository, elsewhere: Path, way: int, capfd: pytest.CaptureFixture[str]
) -> None:
    (iris.path / "templates").symlink_to(elsewhere)
    iris.commit("Templates")
    assert main(["render", *ways_to(iris)[way]]) == 1
    said = capfd.readouterr()
    assert "is a link that leads out of it" in said.err
    assert SECRET not in said.out + said.err


@pytest.mark.parametrize("way", [0, 1, 2], ids=["folder", "commit", "url"])
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for i in range(9999) %}" * 3 + "{% endfor %}" * 3, "computed for more than 1 s"),
        ("{{ 'a' * 10**10 }}", "service.yaml.j2:1: needs too much memory"),
        (
            "{% set l = ['a'] %}{% for i in range(99) %}{{ l.append(l[-1] ~ l[-1]) }}{% endfor %}",
            "service.yaml.j2:1: needs too much memory",
        ),
    ],
    ids=["time", "memory", "memory bit by bit"],
)
def test_a_template_takes_no_more_than_its_share(
    iris: Repository, way: int, template: str, message: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "PROCESSOR_SECONDS", 1 if "1 s" in message else 60)
    write(iris.path / "templates" / "service.yaml.j2", template)
    iris.commit("Templates")
    assert main(["render", *ways_to(iris)[way]]) == 1
    said = capfd.readouterr()
    assert message in said.err
    assert said.out == ""


@pytest.mark.parametrize("way", [0, 1, 2], ids=["folder", "commit", "url"])
@pytest.mark.parametrize("config", ["bodywork.yaml", "train/config.ini", "train/requirements.txt"])
def test_a_link_out_of_the_repository_is_no_config(
    iris: Repository, tmp_path: Path, way: int, config: str, capfd: pytest.CaptureFixture[str]
) -> None:
    theirs = write(tmp_path / "theirs", f"{SECRET}: 1\n[default]\n{SECRET}=1\n")
    if config != "bodywork.yaml":
        iris.git("rm", "--quiet", "bodywork.yaml")
        write(
            iris.path / "bodywork.ini",
            "[default]\nPROJECT_NAME=p\nDOCKER_IMAGE=python:3.11\n[workflow]\nDAG=train\n[logging]\nLOG_LEVEL=INFO\n",
        )
    (iris.path / config).unlink(missing_ok=True)
    (iris.path / config).symlink_to(theirs)
    iris.commit("A link")
    assert main(["render", *ways_to(iris)[way]]) == 1
    said = capfd.readouterr()
    assert f"{config}: is not in the project, or is a link that leads out of it" in said.err
    assert SECRET not in said.out + said.err


@pytest.mark.parametrize("way", [1, 2], ids=["commit", "url"])
@pytest.mark.parametrize("file", ["../theirs", "/etc/passwd", "no[.yaml"])
def test_another_file_is_one_of_the_repository(iris: Repository, way: int, file: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["render", *ways_to(iris)[way], "--file", file]) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_link_out_of_the_repository_is_no_folder_of_it(iris: Repository, elsewhere: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (iris.path / "linked").symlink_to(elsewhere)
    iris.commit("A link")
    assert main(["render", f"file://{iris.path}", "--folder", "linked"]) == 1
    assert "has no folder linked at commit" in capfd.readouterr().err


@pytest.mark.parametrize("way", [0, 1, 2], ids=["folder", "commit", "url"])
@pytest.mark.parametrize(
    "setting", ["core.fsmonitor", "core.pager", "gpg.program", "diff.external", "core.sshCommand", "core.editor", "alias.status"]
)
def test_no_program_of_the_repositorys_settings_is_started(iris: Repository, tmp_path: Path, way: int, setting: str) -> None:
    program = write(tmp_path / "evil.sh", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    iris.git("config", "log.showSignature", "true")
    iris.git("config", setting, f"!{program}" if setting.startswith("alias") else str(program))
    write(iris.path / "train" / "main.py", "changed\n")
    assert main(["render", *ways_to(iris)[way]]) == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("where", ["ext::sh -c touch% ran", "ssh://-oProxyCommand=touch$IFS/ran/x", "git@-oProxyCommand=touch:x", "fd::0"])
def test_an_address_is_never_a_command(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["render", where]) == 1
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "option", ["--branch=--upload-pack=touch ran", "--commit=--output=ran", "--branch=../../x", "--commit=HEAD;touch ran"]
)
def test_neither_is_a_branch_or_a_commit(iris: Repository, tmp_path: Path, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["render", str(iris.path), option]) == 1
    assert main(["render", f"file://{iris.path}", option]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_branch_that_is_not_utf8_is_told(iris: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    (iris.path / ".git" / "HEAD").write_bytes(b"ref: refs/heads/br\xff\n")
    main_branch = (iris.path / ".git" / "refs" / "heads" / "main").read_bytes()
    Path(os.fsdecode(os.fsencode(iris.path) + b"/.git/refs/heads/br\xff")).write_bytes(main_branch)
    assert main(["render", str(iris.path)]) == 1
    assert "the name of branch br\\xff is not UTF-8" in capfd.readouterr().err
