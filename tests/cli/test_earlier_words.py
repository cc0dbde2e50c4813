"""The words of earlier Bodywork: each is there with the options that its generation had, and docs/compatibility.md says of each what it does here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from bodywork_compiler.cli import bodywork, earlier, main
from bodywork_compiler.cli.earlier.options import one_value_per_flag

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "compatibility.md").read_text()
# what the programs of both generations took: v3.0.12 and v1.0.1
DEPLOYMENT = ("--branch", "--ssh", "--retries", "--async", "--async-job-name", "--bodywork-image")
GROUP = ("--group", "--secrets-group")
LOCAL = ("--local-workflow-controller", "--local", "-L")
ANCESTORS = {
    "configure-cluster": (),
    "create deployment": (*DEPLOYMENT, *GROUP),
    "update deployment": DEPLOYMENT,
    "get deployment": ("--namespace", "--async", "--logs"),
    "delete deployment": ("--async",),
    "create cronjob": ("--schedule", "--name", "--branch", "--retries", "--history-limit", "--ssh", *GROUP),
    "get cronjob": ("--history", "--logs"),
    "update cronjob": ("--schedule", "--name", "--branch", "--retries", "--history-limit"),
    "delete cronjob": (),
    "create secret": ("--group", "--data"),
    "get secret": ("--group",),
    "update secret": ("--group", "--data"),
    "delete secret": ("--group",),
    "setup-namespace": (),
    "workflow": ("--namespace", "--ns"),
    "deployment create": ("--namespace", "--ns", "--name", "--git-repo-url", "--git-repo-branch", "--retries", *LOCAL),
    "deployment display": ("--namespace", "--ns", "--name"),
    "deployment delete_job": ("--namespace", "--ns", "--name"),
    "deployment logs": ("--namespace", "--ns", "--name"),
    "cronjob create": (
        *("--namespace", "--ns", "--name", "--schedule", "--git-repo-url", "--git-repo-branch"),
        *("--retries", "--history-limit"),
    ),
    "cronjob display": ("--namespace", "--ns"),
    "cronjob history": ("--namespace", "--ns", "--name"),
    "cronjob logs": ("--namespace", "--ns", "--name"),
    "cronjob delete": ("--namespace", "--ns", "--name"),
    "secret create": ("--namespace", "--ns", "--name", "--data"),
    "secret display": ("--namespace", "--ns", "--name"),
    "secret delete": ("--namespace", "--ns", "--name"),
    "service display": ("--namespace", "--ns", "--name"),
    "service delete": ("--namespace", "--ns", "--name"),
}
# the page says once for all that this is another way to write --namespace
SAID_ONCE = {"--ns"}
# and of a command that takes what the one in the row before does
AS_BEFORE = "| the same | the same as"


def command_of(*words: str) -> click.Command:
    """As the command line finds it."""
    command: click.Command = bodywork
    rest = list(words)
    while rest:
        assert isinstance(command, click.Group)
        _, found, rest = command.resolve_command(click.Context(command), rest)
        assert found is not None
        command = found
    return command


def options_of(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def rows() -> dict[str, str]:
    """The page's rows by the words that they begin with, without arguments."""
    found = re.findall(r"^\| `([a-z][a-z _-]*[a-z])[^`]*`.*$", PAGE[PAGE.index("## Commands") :], re.MULTILINE)
    lines = [line for line in PAGE[PAGE.index("## Commands") :].splitlines() if re.match(r"\| `[a-z]", line)]
    return dict(zip(found, lines, strict=True))


def test_the_table_has_every_command_of_both_generations() -> None:
    assert {" ".join(word.words) for word in earlier.WORDS if word.generation != "new"} == set(ANCESTORS)


@pytest.mark.parametrize(("words", "options"), ANCESTORS.items(), ids=list(ANCESTORS))
def test_a_command_takes_what_it_took(words: str, options: tuple[str, ...]) -> None:
    assert set(options) <= options_of(command_of(*words.split()))


@pytest.mark.parametrize(("words", "options"), ANCESTORS.items(), ids=list(ANCESTORS))
def test_the_page_says_what_a_command_and_its_options_do_here(words: str, options: tuple[str, ...]) -> None:
    row = rows()[words]
    assert AS_BEFORE in row or [option for option in options if f"`{option}`" not in row and option not in SAID_ONCE] == []


@pytest.mark.parametrize("schema", ["bodywork-1.0", "bodywork-1.1", "bodywork-ini", "stage-config-ini"])
def test_the_page_names_every_config_key_of_both_generations(schema: str) -> None:
    described = json.loads((CHECKOUT / "schemas" / f"{schema}.schema.json").read_text())
    assert [key for key in keys_of(described) if not re.search(rf"\b{re.escape(key)}\b", PAGE)] == []


def keys_of(schema: Any) -> Iterator[str]:
    """The names of all properties, however deep."""
    if isinstance(schema, list):
        for each in schema:
            yield from keys_of(each)
    elif isinstance(schema, dict):
        yield from schema.get("properties") or ()
        for each in schema.values():
            yield from keys_of(each)


@pytest.mark.parametrize("word", earlier.GONE)
def test_what_is_gone_is_told_on_the_page_and_on_the_command_line(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"`{word}`" in PAGE
    assert main([word, "600"]) == 2
    assert f"No such command '{word}' any more" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("verb", ["create", "get", "update", "delete"])
@pytest.mark.parametrize("noun", ["deployment", "cronjob", "secret"])
def test_nouns_may_be_plurals(verb: str, noun: str) -> None:
    assert command_of(verb, f"{noun}s").name == command_of(verb, noun).name


def test_delete_before_a_noun_is_v3s_and_else_todays() -> None:
    assert "--pipeline" not in options_of(command_of("delete", "deployment"))
    for argv in (["delete", "./deployment"], ["delete", "--pipeline", "iris"], ["delete"]):
        _, command, _ = bodywork.resolve_command(click.Context(bodywork), argv)
        assert command is not None
        assert "--pipeline" in options_of(command)


@pytest.mark.parametrize(
    ("argv", "known"),
    [
        (["create", "depoyment"], "No such command 'depoyment'. Did you mean 'deployment'?"),
        (["secret", "list"], "No such command 'list'. Known: create, display, delete."),
    ],
)
def test_a_mistyped_second_word_is_told(argv: list[str], known: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert known in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--data A=1 B=2 --ns lab", "--data A=1 --data B=2 --ns lab"),
        ("--data=A=1 B=2", "--data=A=1 --data B=2"),
        ("--data A=1 --data B=2 C=3", "--data A=1 --data B=2 --data C=3"),
        ("--data A B", "--data A --data B"),
        ("--data A=-1 B-", "--data A=-1 --data B-"),
        ("--data A=1 -- B=2", "--data A=1 -- B=2"),
        ("store --ns lab", "store --ns lab"),
    ],
)
def test_several_values_may_follow_one_flag(typed: str, meant: str) -> None:
    assert " ".join(one_value_per_flag("--data", typed.split(), only_pairs=False)) == meant


def test_a_name_behind_the_values_is_the_commands_own() -> None:
    typed = "--data A=1 B=2 store --group prod"
    assert " ".join(one_value_per_flag("--data", typed.split(), only_pairs=True)) == "--data A=1 --data B=2 store --group prod"


@pytest.mark.parametrize("word", ["delete_job", "delete-job"])
def test_v2s_delete_job_is_written_as_its_program_and_as_its_documents_have_it(word: str) -> None:
    assert command_of("deployment", word).name == "delete_job"


def test_an_option_that_only_the_documents_had_leads_to_the_one_that_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create", "deployment", "https://git.example.com/acme/iris", "--ssh-key-path", "/key"]) == 2
    assert "--ssh-key-path" in (said := capsys.readouterr().err)
    assert "Did you mean --ssh?" in said


def test_one_service_is_not_deleted_with_its_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delete", "deployment", "iris", "scoring_service"]) == 2
    assert "bodywork service delete --namespace NS --name scoring_service" in " ".join(capsys.readouterr().err.split())


def test_a_run_in_the_cluster_needs_a_name_and_one_from_here_none(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["deployment", "create", "--ns", "lab", "--git-repo-url", "https://git.example.com/acme/iris"]
    assert main(words) == 2
    assert "please specify --name for the deployment" in capsys.readouterr().err
    assert main([*words, "--name", "first", "--timeout", "1m"]) == 2
    assert "the options of a run go with --local only" in capsys.readouterr().err
