"""A secret that was typed in a wrong place is not said again: whatever the command, the option, and the program that complains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from builders import a_pipeline, write

from bodywork_compiler.cli import bodywork, main
from bodywork_compiler.cli.typed_secrets import hidden

LINE = "QyNTUxOQAAACBj4N4R1canary"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk{LINE}\nAAAAB3NzaC1yc2E{LINE}\n-----END OPENSSH PRIVATE KEY-----"
TOKEN = "hunter2-canary"
# says all that it was told, as kubectl may
KUBECTL = '#!/bin/sh\necho "error: $*" >&2\nenv | grep KUBE >&2\nexit 1\n'
# what each takes instead of a secret's value, or of the path of a file that holds one
OF_SECRETS = {"--ssh", "--known-hosts", "--kubeconfig", "--secrets", "--from-file", "--from-env-file", "--data"}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from commands(command, (*path, name))
            elif command is not None:
                yield (*path, name), command


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a project's folder, with a kubectl that is no help."""
    write(tmp_path / "bin" / "kubectl", KUBECTL).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    write(tmp_path / "kubeconfig", "")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.chdir(a_pipeline(tmp_path / "iris").path)


def calls(path: tuple[str, ...], command: click.Command, secret: str, *, only: set[str] | None = None) -> Iterator[list[str]]:
    """The command with the secret in place of each of its parameters, and as a word too many; the others have some value."""
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    required = [word for each in command.params if isinstance(each, click.Option) and each.required for word in (each.opts[-1], "iris")]
    plain = ["iris" for each in arguments if each.required]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.is_flag and (only is None or parameter.opts[-1] in only):
            yield [*path, *plain, *required, parameter.opts[-1], secret]
            yield [*path, *plain, *required, f"{parameter.opts[-1]}={secret}"]
    if only is None:
        yield [*path, *plain, *required, secret]
        yield [*path, secret]
        yield [*path, *["iris" for _ in arguments], *required, *secret.split()]
        yield [*path, "--nonsense", secret]


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(("path", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in commands(bodywork)])
def test_no_command_says_a_secret_again(path: tuple[str, ...], command: click.Command, capfd: pytest.CaptureFixture[str]) -> None:
    tried = [*calls(path, command, KEY), *calls(path, command, TOKEN, only=OF_SECRETS - {"--data"})]
    tried += list(calls(path, command, f"PASSWORD={TOKEN}", only=OF_SECRETS))
    for argv in tried:
        code = main(argv)
        said = capfd.readouterr()
        assert LINE not in said.out + said.err, argv
        assert TOKEN not in said.out + said.err, argv
        assert "Traceback" not in said.err, argv
        assert code != 3, argv


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    "words", [("create", "deployment"), ("create", "cronjob", "--name=x", "--schedule=@daily"), ("apply",), ("render",)]
)
def test_a_key_in_place_of_its_file_is_answered_by_what_to_give(words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    """As the third generation's guide shows it: --ssh "$(cat key)"."""
    assert main([*words, "git@git.example.com:acme/iris.git", "--ssh", KEY]) == 1
    said = capfd.readouterr().err
    assert LINE not in said
    assert "--ssh: there is no such file" in said
    assert "Give the path of a file with the private key" in said


def test_words_of_a_key_without_quotes_are_hidden() -> None:
    assert LINE not in hidden(f"Got unexpected extra arguments ({' '.join(KEY.split())})", ["apply", "--ssh", *KEY.split()])


def test_other_words_stay() -> None:
    argv = ["apply", "--ssh", KEY, "--branch", "main", "A=1", "--namespace=iris"]
    assert hidden("branch main of iris A=1 is 1 KEY", argv) == "branch main of iris A=*** is 1 KEY"


def test_the_name_of_a_file_that_is_there_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "deploy_key", "no key")
    assert main(["render", "git@git.example.com:a/b.git", "--ssh", str(file)]) == 1
    assert f"--ssh {file}: is not a private SSH key" in capfd.readouterr().err


def test_a_traceback_hides_it_too(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(f"odd: {KEY!r}")

    monkeypatch.setattr("bodywork_compiler.cli.location.checkout", fails)
    assert main(["render", ".", "--branch", KEY]) == 3
    said = capfd.readouterr().err
    assert "Traceback" in said
    assert LINE not in said
