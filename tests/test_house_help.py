"""The help that every command owes: each parameter says its effect, each command shows an example, and 80 columns suffice."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from bodywork_compiler.cli import COMMANDS, bodywork, main


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield (*path, name), command
            if isinstance(command, click.Group):
                yield from commands(command, (*path, name))


def all_commands() -> list[object]:
    return [pytest.param(path, command, id=" ".join(path)) for path, command in commands(bodywork)]


def help_of(*path: str) -> str:
    result = CliRunner().invoke(bodywork, [*path, "--help"], terminal_width=80, max_content_width=80, prog_name="bodywork")
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(("path", "command"), all_commands())
def test_every_option_says_what_it_does(path: tuple[str, ...], command: click.Command) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{' '.join(path)}: {parameter.opts} has no help"
            assert parameter.help[0].isupper() or not parameter.help[0].isalpha(), parameter.help
            assert parameter.help.endswith((".", ")")), f"{' '.join(path)} {parameter.opts}: a sentence ends with a full stop"


@pytest.mark.parametrize(("path", "command"), all_commands())
def test_every_argument_is_explained_in_the_text(path: tuple[str, ...], command: click.Command) -> None:
    with click.Context(command) as context:
        names = [parameter.make_metavar(context) for parameter in command.params if isinstance(parameter, click.Argument)]
    for name in names:
        words = re.findall(r"[A-Z][A-Z_0-9]+", name)
        assert words, f"{' '.join(path)}: the argument {name} needs a metavar in capitals"
        text = command.help or ""
        assert any(word in text for word in words), f"{' '.join(path)}: the help text does not say what {name} is"


@pytest.mark.parametrize(("path", "command"), all_commands())
def test_every_command_begins_with_a_sentence_and_shows_an_example(path: tuple[str, ...], command: click.Command) -> None:
    text = command.help or ""
    first = text.strip().splitlines()[0]
    assert first.endswith("."), f"{' '.join(path)}: {first!r}"
    assert re.search(rf"Examples?:\n(\s*.*\n)*?\s+.*\bbodywork {' '.join(path)}\b", text + "\n"), f"{' '.join(path)}: no example"


@pytest.mark.parametrize("path", [(), *(path for path, _ in commands(bodywork))], ids=" ".join)
def test_help_fits_80_columns(path: tuple[str, ...]) -> None:
    too_long = [line for line in help_of(*path).splitlines() if len(line) > 80]
    assert not too_long


@pytest.mark.parametrize(("path", "command"), all_commands())
def test_examples_in_the_help_use_options_that_exist(path: tuple[str, ...], command: click.Command) -> None:
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "-h"}
    for line in re.findall(rf"\bbodywork {' '.join(path)}\b[^|&;>\n]*", command.help or ""):
        assert set(re.findall(r"(?<!\S)(--?[a-z][\w-]*)", line)) <= known, line


def test_the_overview_names_every_command_once_with_what_it_does() -> None:
    overview = help_of()
    for name, (_, text) in COMMANDS.items():
        assert len(re.findall(rf"^  {name}\s+{re.escape(text.split()[0])}", overview, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("rendr", "No such command 'rendr'. Did you mean 'render'?"),
        ("workflw", "No such command 'workflw'. Did you mean 'workflow'?"),
        ("stage", "No such command 'stage' any more: it ran inside the container"),
        ("xyzzy", "No such command 'xyzzy'. Known: init, migrate"),
    ],
)
def test_an_unknown_command_is_told_with_what_to_type_instead(word, told, capsys):
    assert main([word]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
