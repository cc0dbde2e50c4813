"""A command that is said to be copied: what it names is one word in the shell, and no option, whatever it looks like."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from bodywork_compiler.cli.again import same_cluster, same_project
from bodywork_compiler.cli.earlier.secrets import create as create_secret
from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.git.ssh import _not_accepted, unknown_host
from bodywork_compiler.kubectl import Kubectl, Target
from bodywork_compiler.runner import secrets
from bodywork_compiler.runner.references import Key
from bodywork_compiler.to_copy import to_copy

PACKAGE = Path(__file__).parent.parent.parent / "bodywork_compiler"
HOSTILE = ["-x", "--yes", "--", "a b", "a'b", 'a"b', "$(id)", "`id`", "a;id", "a&&id", "a|id", "*", "~", "a\nb", "größe", "\\"]
CLUSTER = Kubectl(target=Target(namespace="lab"))


def written(word: str) -> list[str]:
    return shlex.split(to_copy("bodywork", "update", "secret", names=[word], options={"group": word, "data": [word, "B"], "o": word}))


@pytest.mark.parametrize("word", HOSTILE)
def test_names_and_values_are_one_word_each(word: str) -> None:
    @click.command()
    @click.argument("name")
    @click.option("--group")
    @click.option("--data", multiple=True)
    @click.option("-o", "output")
    def read(**given: object) -> dict[str, object]:
        return given

    found = read.main(written(word)[3:], standalone_mode=False)
    assert found == {"name": word, "group": word, "data": (word, "B"), "output": word}


def test_plain_ones_look_as_people_write_them() -> None:
    assert written("prod") == ["bodywork", "update", "secret", "prod", "--group", "prod", "--data", "prod", "--data", "B", "-o", "prod"]
    assert to_copy("bodywork", "get", "secret", names=["x"], group=None, yes=False, follow=True) == "bodywork get secret x --follow"


@pytest.mark.parametrize("key", ["-x", "--yes", "a b", "a'b", "$(id)"])
def test_the_command_that_makes_a_secret_is_read_as_it_is_meant(key: str) -> None:
    said = shlex.split(secrets.create(CLUSTER, "store", [Key(name=key, is_file=False), Key(name=f"{key}2", is_file=True)], "prod"))
    with create_secret.make_context("secret", said[3:], resilient_parsing=False) as context:
        assert (context.params["name"], context.params["group"]) == ("store", "prod")
        assert key in str(context.params)
        assert f"{key}2=FILE" in str(context.params)


HINTS: list[Callable[[str], str]] = [
    lambda word: secrets.create(CLUSTER, "store", [Key(name=word, is_file=False)], "prod"),
    lambda word: secrets.create(CLUSTER, "store", [Key(name=word, is_file=True)]),
    lambda word: secrets.create(Kubectl(target=Target(context=word)), "store", [Key(name="A", is_file=False)]),
    lambda word: CLUSTER.line("describe", f"pod/{word}"),
    lambda word: f"bodywork apply{same_cluster(word, None)}",
    lambda word: same_project(word, CompileOptions(branch=word, file=word)),
    lambda word: _not_accepted(word, None).partition("; ")[2].partition(" Or name a key")[0],
    lambda word: unknown_host(f"git@{word}:x", None).hint.partition("then: ")[2].partition(" >>")[0],
]


@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("word", [each for each in HOSTILE if each not in {"--", "\\"}])
def test_no_hint_lets_a_name_become_an_option_or_end_the_command(hint: Callable[[str], str], word: str) -> None:
    words = shlex.split(hint(word))
    assert any(word in each for each in words)
    before = words[: words.index("--")] if "--" in words else words
    assert word not in before or not word.startswith("-")


def test_a_patch_of_a_secret_is_json_whatever_its_keys_are() -> None:
    words = shlex.split(secrets.add(CLUSTER, "store", ['a"b', "it's"]))
    assert """--patch={"stringData": {"a\\"b": "VALUE", "it's": "VALUE"}}""" in words


COMMAND = re.compile(r"(?:^|[^\w.`/-])(?:bodywork|kubectl|git|ssh-keyscan)(?: -?-?[a-z][a-z-]*)+[ =]$")


def commands_by_hand() -> Iterator[str]:
    """f-strings in which a command's words are followed by a value that no function for commands has written."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                for text, value in zip(node.values, node.values[1:], strict=False):
                    if isinstance(text, ast.Constant) and COMMAND.search(str(text.value)) and isinstance(value, ast.FormattedValue):
                        yield f"{file.relative_to(PACKAGE)}: {ast.unparse(node)}"


def test_no_command_is_put_together_by_hand() -> None:
    # Kubernetes' kinds, the names of shells, names that were checked, and what is no command
    settled = ("kind.lower()", "bodywork completion", "# Manifests of the pipeline", "kubectl takes no")
    assert [each for each in commands_by_hand() if not any(words in each for words in settled)] == []
