"""Shells complete commands, stages of the project here, and names of the cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_project, write

from bodywork_compiler.cli import main


def completed(*words: str, cwd: Path, path: str = "") -> list[str]:
    """What bash would offer for the last word; it may be empty."""
    env = {
        "PATH": f"{path}:{os.environ['PATH']}",
        "HOME": str(cwd),
        "_BODYWORK_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([sys.executable, "-m", "bodywork_compiler"], cwd=cwd, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [line.removeprefix("plain,") for line in done.stdout.splitlines() if line]


@pytest.fixture
def cluster_on_path(tmp_path: Path) -> str:
    """A kubectl that lists what a cluster may hold, and notes what it was asked."""
    script = """#!/bin/sh
echo "$@" >> asked
case "$2" in
  secrets) echo "prod-aws Opaque 2 1d group=prod"; echo "prod-mlflow Opaque 1 1d group=prod,x=y";;
  *) echo "iris deployment.apps/serve 1/1 1d app.kubernetes.io/name=serve,bodywork/pipeline=iris,bodywork/stage=serve";;
esac
"""
    write(tmp_path / "bin" / "kubectl", script).chmod(0o755)
    return str(tmp_path / "bin")


def test_commands_and_options_are_completed(tmp_path: Path) -> None:
    assert completed("bodywork", "appl", cwd=tmp_path) == ["apply"]
    assert "--only" in completed("bodywork", "apply", "--on", cwd=tmp_path)
    assert completed("bodywork", "create", "cron", cwd=tmp_path) == ["cronjob"]


def test_stages_are_those_of_the_project_here(tmp_path: Path) -> None:
    a_project(tmp_path)
    assert completed("bodywork", "logs", "", cwd=tmp_path) == ["serve", "train"]
    assert completed("bodywork", "apply", "--only", "tr", cwd=tmp_path) == ["train"]


def test_run_completes_stages_too_and_places_are_left_to_the_shell(tmp_path: Path) -> None:
    a_project(tmp_path)
    assert completed("bodywork", "run", "tr", cwd=tmp_path) == ["train"]
    for words in (["run", "train"], ["apply"], ["render"], ["graph"], ["diff"], ["validate"], ["init"], ["migrate"]):
        assert completed("bodywork", *words, "exam", cwd=tmp_path)[0].partition(",")[0] in {"file", "dir"}, words


def test_names_of_the_cluster_are_asked_of_it_and_no_value_is(tmp_path: Path, cluster_on_path: str) -> None:
    assert completed("bodywork", "status", "--pipeline", "i", cwd=tmp_path, path=cluster_on_path) == ["iris"]
    assert completed("bodywork", "get", "secret", "--group", "", cwd=tmp_path, path=cluster_on_path) == ["prod"]
    assert completed("bodywork", "get", "secret", "--group", "prod", "", cwd=tmp_path, path=cluster_on_path) == ["aws", "mlflow"]
    assert "-o" not in (tmp_path / "asked").read_text().split()


def test_without_a_project_or_a_cluster_there_are_no_names_and_no_error(tmp_path: Path) -> None:
    write(tmp_path / "bodywork.yaml", "not: [a config\n")
    write(tmp_path / "bin" / "kubectl", "#!/bin/sh\necho no >&2; exit 1\n").chmod(0o755)
    assert completed("bodywork", "logs", "", cwd=tmp_path) == []
    assert completed("bodywork", "status", "--pipeline", "", cwd=tmp_path, path=str(tmp_path / "bin")) == []


def test_bash_takes_the_script_and_completes_both_names(tmp_path: Path) -> None:
    a_project(tmp_path)
    script = f"""
        PATH={Path(sys.executable).parent}:$PATH
        eval "$(bodywork completion bash)"
        complete -p bodywork bw
        COMP_WORDS=(bw logs s) COMP_CWORD=2
        _bw_completion bw s logs
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, text=True, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == "serve"
    assert len([line for line in done.stdout.splitlines() if line.startswith("complete ")]) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_says_where_it_goes(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capfd.readouterr().out
    assert script.startswith("# ")
    assert "_BODYWORK_COMPLETE" in script


def test_a_shell_that_click_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert main(["completion"]) == 2
    assert "tcsh is not one of bash, zsh, fish" in capfd.readouterr().err


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish/completions/bodywork.fish")])
def test_v3s_install_completion_puts_it_where_the_shell_reads_it_once(
    shell: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if shell == "bash":
        (tmp_path / file).write_text("alias ll='ls -l'")
    for words in ([f"--install-completion={shell}"], ["--install-completion", shell]):
        assert main(words) == 0
        assert str(tmp_path / file) in capfd.readouterr().out
    text = (tmp_path / file).read_text()
    if shell == "fish":
        assert "_BODYWORK_COMPLETE" in text
    else:
        assert text == ("alias ll='ls -l'\n" if shell == "bash" else "") + f'eval "$(bodywork completion {shell})"\n'


def test_v3s_show_completion_takes_the_shell_that_runs(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert main(["--show-completion"]) == 0
    assert "#compdef bodywork" in capfd.readouterr().out
