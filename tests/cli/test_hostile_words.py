"""Names, branches, files and other programs' messages that would steer a terminal or a CI job: no command shows them so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from builders import Repository, a_batch_stage, a_config, a_pipeline, a_project, write
from hostile_words import HOSTILE, IN_ONE_LINE, unsafe_in
from terminal import opened_terminal, pieces

# what git takes for a branch, and file systems for a file
BRANCH = "\u202ebranch\u200f\u2066##vso\u2028\u061c"
FILE = "::error::" + IN_ONE_LINE.replace("/", "-").removeprefix("::error::")[:110] + "\n::error::x"
CI = {"CI": "true", "GITHUB_ACTIONS": "true"}

FOREIGN = """\
#!{python}
import sys
for stream in (sys.stdout, sys.stderr):
    stream.write({words!r} + "\\n")
    stream.flush()
sys.exit(1)
"""


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "iris", remote=None)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A kubectl that says nothing but hostile words, on the PATH by that folder."""
    program = write(tmp_path / "programs" / "kubectl", FOREIGN.format(python=sys.executable, words=HOSTILE))
    program.chmod(0o755)
    return program.parent


def shown(*argv: str | Path, cwd: Path, path: Path | None = None, **environ: str) -> str:
    """stdout and stderr of a command."""
    done = subprocess.run(**_started(argv, cwd, path, environ), capture_output=True, stdin=subprocess.DEVNULL, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode in {0, 1, 2, 4}, said
    return said


def shown_at_a_terminal(*argv: str | Path, cwd: Path, path: Path | None = None) -> str:
    started = _started(argv, cwd, path, {"TERM": "xterm"})
    with (
        opened_terminal() as (ours, its),
        subprocess.Popen(**started, stdin=its, stdout=its, stderr=its, start_new_session=True),  # type: ignore[call-overload]
    ):
        os.close(its)
        os.write(ours, b"n\n")
        return b"".join(pieces(ours)).decode()


def _started(argv: tuple[str | Path, ...], cwd: Path, path: Path | None, environ: dict[str, str]) -> dict[str, object]:
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "GITHUB_ACTIONS", "TF_BUILD", "KUBECONFIG", "NO_COLOR"}}
    kept |= {
        "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"],
        "KUBECONFIG": "/nonexistent",
        "PYTHONUTF8": "1",
        **environ,
    }
    return {"args": [sys.executable, "-m", "bodywork_compiler", *map(str, argv)], "cwd": cwd, "env": kept}


def assert_harmless(*argv: str | Path, cwd: Path, path: Path | None = None) -> None:
    """In a CI job, where most is taken away, and at a terminal."""
    said = shown(*argv, cwd=cwd, path=path, **CI)
    assert said.strip()
    assert unsafe_in(said, is_ci=True) == [], said
    said = shown_at_a_terminal(*argv, cwd=cwd, path=path)
    assert unsafe_in(said, is_terminal=True) == [], said


@pytest.mark.parametrize(
    "words",
    [
        [IN_ONE_LINE],
        ["render", f"--{IN_ONE_LINE}"],
        ["render", "--stage", IN_ONE_LINE],
        ["validate", "-o", IN_ONE_LINE],
        ["validate", IN_ONE_LINE],
        ["validate", "--file", IN_ONE_LINE],
        ["render", "--branch", IN_ONE_LINE],
        ["render", f"https://{IN_ONE_LINE}"],
        ["apply", IN_ONE_LINE],
        ["apply", "--local", "--stage", IN_ONE_LINE],
        ["graph", IN_ONE_LINE],
        ["status", "--kubeconfig", IN_ONE_LINE],
        ["create", "secret", IN_ONE_LINE],
        ["create", "cronjob", IN_ONE_LINE, "--schedule", IN_ONE_LINE],
        ["completion", IN_ONE_LINE],
        ["init", IN_ONE_LINE],
    ],
    ids=lambda words: " ".join(words).replace(IN_ONE_LINE, "X").replace("https", "url"),
)
def test_words_of_the_command_line(words: list[str], iris: Repository) -> None:
    assert_harmless(*words, cwd=iris.path)


WRONG_CONFIGS: dict[str, Callable[[], object]] = {
    "names": lambda: a_config(name=HOSTILE, stages={HOSTILE: a_batch_stage()}),
    "keys": lambda: {**a_config(), HOSTILE: 1},
    "values": lambda: {**a_config(docker_image=HOSTILE), "logging": {"log_level": HOSTILE}},
    "dag": lambda: a_config(dag=f"train >> {HOSTILE}"),
    "scripts": lambda: a_config(stages={"train": a_batch_stage(HOSTILE, requirements=[HOSTILE], args=[HOSTILE])}),
}


@pytest.mark.parametrize("wrong", WRONG_CONFIGS)
def test_configs(wrong: str, iris: Repository) -> None:
    write(iris.path / "bodywork.yaml", yaml.safe_dump(WRONG_CONFIGS[wrong](), sort_keys=False))
    assert_harmless("validate", "--check-files", cwd=iris.path)


@pytest.mark.parametrize("words", [["validate", "-o", "json"], ["render"], ["graph"], ["migrate"]], ids=" ".join)
@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, CI], ids=["plain", "ci", "github"])
def test_a_config_in_each_environment(words: list[str], environ: dict[str, str], iris: Repository) -> None:
    write(iris.path / "bodywork.yaml", yaml.safe_dump(WRONG_CONFIGS["scripts"](), sort_keys=False))
    said = shown(*words, cwd=iris.path, **environ)
    assert unsafe_in(said, is_ci=bool(environ)) == [], said


def test_annotations_for_github_are_the_only_commands(iris: Repository) -> None:
    write(iris.path / "bodywork.yaml", yaml.safe_dump({**a_config(), HOSTILE: 1, "::error::x": 2}))
    said = shown("validate", "--strict", "-o", "github", cwd=iris.path, **CI)
    lines = said.splitlines()
    assert unsafe_in("\n".join(lines)) == []
    assert all(line.startswith("::error file=bodywork.yaml,") for line in lines if line.lstrip().startswith("::"))
    assert len([line for line in lines if line.startswith("::error")]) == 2
    assert "##[" not in said


@pytest.mark.parametrize("output", ["text", "mermaid", "svg", "json"])
def test_pictures(output: str, iris: Repository) -> None:
    stages = {"train": a_batch_stage("train/\u202emain.py", args=[HOSTILE]), "s-##": a_batch_stage()}
    write(iris.path / "bodywork.yaml", yaml.safe_dump(a_config(name="i", stages={"train": stages["train"]})))
    assert_harmless("graph", "-o", output, cwd=iris.path)


@pytest.mark.parametrize(
    "words",
    [["validate", "--check-files"], ["render"], ["render", "--check", "out"], ["init"], ["migrate"], ["apply", "--dry-run=client"]],
    ids=" ".join,
)
def test_files_branches_and_messages(words: list[str], iris: Repository) -> None:
    iris.git("checkout", "--quiet", "-b", BRANCH)
    subprocess.run([sys.executable, "-m", "bodywork_compiler", "render", "-o", "out"], cwd=iris.path, check=True, capture_output=True)
    for folder in (".", "templates", "train", "out"):
        write(iris.path / folder / f"{FILE}.yaml.j2", "x\n")
        write(iris.path / folder / FILE, "x\n")
    write(iris.path / f"{FILE}.py", "print(1)\n")
    iris.commit(HOSTILE.replace("\x00", ""))
    write(iris.path / f"{FILE}.py", "print(2)\n")
    assert_harmless(*words, cwd=iris.path)


def test_submodules(iris: Repository, tmp_path: Path) -> None:
    other = a_pipeline(tmp_path / "other", remote=None)
    iris.git("submodule", "add", "--quiet", str(other.path), BRANCH)
    iris.commit()
    assert_harmless("render", f"file://{iris.path}", cwd=tmp_path)
    assert_harmless("render", iris.path, "--commit", "HEAD", cwd=tmp_path)


def test_a_project_of_hostile_scripts_to_start_from(tmp_path: Path) -> None:
    for name in (f"{FILE}.py", f"{BRANCH}.py"):
        write(tmp_path / "scripts" / name, "print(1)\n")
    assert_harmless("init", "scripts", "--from-scripts", cwd=tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ["apply", "--yes"],
        ["apply", "--print-commands", "--dry-run=server"],
        ["diff"],
        ["status", "--pipeline", "iris"],
        ["history", "--pipeline", "iris"],
        ["logs", "train", "--pipeline", "iris"],
        ["delete", "--pipeline", "iris"],
        ["get", "secrets"],
        ["create", "secret", "s", "--group", "g", "--data", "a=b"],
        ["get", "deployments"],
        ["configure-cluster"],
        ["create", "cronjob", "c", "--schedule", "@daily", "--git-url", "https://git.example.com/x.git"],
        ["setup-namespace", "n"],
        ["workflow", "--ns", "n", "https://git.example.com/x.git", "main"],
    ],
    ids=" ".join,
)
def test_what_kubectl_says(words: list[str], iris: Repository, programs: Path) -> None:
    iris.has_remote()
    assert_harmless(*words, cwd=iris.path, path=programs)


@pytest.mark.parametrize("words", [["render"], ["render", "https://git.example.com/x.git"], ["apply", "--local"]], ids=" ".join)
def test_what_git_says(words: list[str], iris: Repository, programs: Path) -> None:
    (programs / "kubectl").rename(programs / "git")
    assert_harmless(*words, cwd=iris.path, path=programs)


def test_json_holds_all_of_it(iris: Repository) -> None:
    write(iris.path / "bodywork.yaml", yaml.safe_dump({**a_config(), "\u202e##[x]\x07": 1}))
    for environ in ({}, CI):
        said = json.loads(shown("validate", "--strict", "-o", "json", cwd=iris.path, **environ))
        assert any("##[x]" in json.dumps(each) for each in said["problems"])


def test_a_project_of_harmless_words_is_shown_as_it_is(tmp_path: Path) -> None:
    said = shown("render", a_project(tmp_path / "größe"), cwd=tmp_path)
    assert "größe" in said
