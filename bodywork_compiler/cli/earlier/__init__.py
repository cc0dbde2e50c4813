"""Earlier Bodywork's words: all of them in one table, from which the groups of commands are made. A command is imported when it is called.

v3 says a verb, then a noun (`create deployment`); v1 and v2 a noun, then a verb (`deployment create`). What each does here is the same functions that
today's verbs call. docs/compatibility.md shows this table with all options; a test holds the two together.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

import click

from bodywork_compiler.cli import no_such_command

HEADING = "Earlier Bodywork's words"


class Word(NamedTuple):
    """One command. `generation`: `new` is what neither had. `at` is MODULE:ATTRIBUTE below `cli`, `today` what does the same in today's words."""

    generation: str
    words: tuple[str, ...]
    at: str
    does: str
    today: str


def _of(generation: str, words: str, at: str, does: str, today: str = "") -> Word:
    return Word(generation, tuple(words.split()), at, does, today or words)


WORDS = (
    _of("v3", "configure-cluster", "configure_cluster:command", "Let a cluster run pipelines by itself, on a schedule or at once."),
    _of("v3", "create deployment", "earlier.deployments:create", "Run a pipeline from its Git repository.", "apply GIT_URL"),
    _of("v3", "create cronjob", "earlier.cronjobs:create", "Run a pipeline in the cluster on a schedule."),
    _of("v3", "create secret", "earlier.secrets:create", "Store credentials for stages in a secrets group."),
    _of("v3", "get deployment", "earlier.deployments:get", "List the services that run on the cluster.", "status"),
    _of("v3", "get cronjob", "earlier.cronjobs:get", "List the schedules, and a schedule's runs and their logs."),
    _of("v3", "get secret", "earlier.secrets:get", "List the secrets of the groups."),
    _of("v3", "update deployment", "earlier.deployments:update", "Run a pipeline again, with what is newest.", "apply GIT_URL"),
    _of("v3", "update cronjob", "earlier.cronjobs:update", "Change what was given of a schedule, and only that."),
    _of("v3", "update secret", "earlier.secrets:update", "Change, add and remove keys of a secret."),
    _of("v3", "delete deployment", "earlier.deleting:delete", "Delete a pipeline.", "delete --pipeline NAME"),
    _of("v3", "delete cronjob", "earlier.cronjobs:delete", "Delete a schedule."),
    _of("v3", "delete secret", "earlier.secrets:delete", "Delete a secret, or a whole group."),
    _of("new", "trigger cronjob", "earlier.cronjobs:trigger", "Run what a schedule runs, now."),
    _of("v1", "setup-namespace", "setup_namespace:command", "Set up a namespace in which pipelines may run by themselves."),
    _of("v1", "workflow", "earlier.workflow:command", "Run a project's workflow in a namespace.", "apply GIT_URL --namespace NS"),
    _of("v1", "deployment create", "earlier.async_runs:create", "Run a workflow once, in the cluster or (--local) from here."),
    _of("v1", "deployment display", "earlier.async_runs:display", "List such runs.", "get deployments --async"),
    _of("v1", "deployment logs", "earlier.async_runs:logs", "Print the log of such a run.", "get deployments --async --logs RUN"),
    _of("v2", "deployment delete_job", "earlier.async_runs:delete_job", "Delete such a run.", "delete deployment RUN --async"),
    _of("v1", "cronjob create", "earlier.v1_cronjobs:v1_create", "Run a workflow on a schedule.", "create cronjob"),
    _of("v1", "cronjob display", "earlier.v1_cronjobs:v1_display", "List the schedules of a namespace.", "get cronjobs"),
    _of("v1", "cronjob history", "earlier.v1_cronjobs:v1_history", "List the runs of a schedule.", "get cronjob NAME --history"),
    _of("v1", "cronjob logs", "earlier.v1_cronjobs:v1_logs", "Print the log of a run.", "get cronjob --logs RUN"),
    _of("v1", "cronjob delete", "earlier.v1_cronjobs:v1_delete", "Delete a schedule.", "delete cronjob NAME"),
    _of("v1", "secret create", "earlier.v1_secrets:create", "Store credentials in a namespace.", "create secret"),
    _of("v1", "secret display", "earlier.v1_secrets:display", "List the secrets of a namespace.", "get secrets"),
    _of("v1", "secret delete", "earlier.v1_secrets:delete", "Delete a secret of a namespace.", "delete secret"),
    _of("v1", "service display", "earlier.deleting:display", "List the services of a namespace.", "status"),
    _of("v1", "service delete", "earlier.deleting:service_delete", "Delete one service of a namespace."),
)
# what is typed no more, and why
GONE = {
    "stage": "it ran inside the container; the start scripts in a ConfigMap do that now, and an image needs nothing of Bodywork",
    "debug": "it slept, to keep a container open; `kubectl debug` opens one in a pod of yours",
}
_WHOSE = {
    "v3": "Earlier Bodywork's `{name}`, as its v3 had it.",
    "v1": "Earlier Bodywork's `{name}`, as its v1 had it.",
    "new": "`{name}` goes with what earlier Bodywork had.",
}
# v3 takes both forms of its nouns
PLURALS = {f"{word.words[-1]}s": word.words[-1] for word in WORDS if word.generation in {"v3", "new"} and len(word.words) > 1}
NAMES = tuple(dict.fromkeys(word.words[0] for word in WORDS))


def overview() -> list[tuple[str, str]]:
    """What `bodywork --help` says of them: a line for each first word. `delete` is told by today's verb of that name."""
    return [(name, _in_short(name)) for name in NAMES if name != "delete"]


def command(name: str) -> click.Command | None:
    """The command or group of commands that a first word means."""
    words = _beginning_with(name)
    if not words:
        return None
    return _imported(words[0]) if len(words[0].words) == 1 else _Group(name)


def is_v3_delete(after: list[str]) -> bool:
    """Whether what follows `delete` makes it v3's: one of its nouns. A folder of such a name is reached as `./deployment`."""
    return bool(after) and after[0] in {*PLURALS, *PLURALS.values()}


class _Group(click.Group):
    """`create`, `secret` …: what may follow stands in the table."""

    def __init__(self, name: str) -> None:
        words = _beginning_with(name)
        example = f"\b\nExample:\n  bodywork {' '.join(words[0].words)} --help"
        super().__init__(name, help=f"{_WHOSE[words[0].generation].format(name=name)}\n\n{example}")
        self._words = {word.words[1]: word for word in words}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(self._words)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 click's signature
        word = self._words.get(self._singular(cmd_name))
        return _imported(word) if word else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self._singular(args[0]) not in self._words:
            raise click.UsageError(no_such_command(args[0], list(self._words)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, _does(word)) for name, word in self._words.items()])

    def _singular(self, name: str) -> str:
        """As the table has it: v3 takes plurals too, and v2's documents say `delete-job`, its program `delete_job`."""
        known = (name, PLURALS.get(name, name), name.replace("-", "_"))
        return next((each for each in known if each in self._words), name)


def _beginning_with(name: str) -> list[Word]:
    return [word for word in WORDS if word.words[0] == name]


def _in_short(name: str) -> str:
    words = _beginning_with(name)
    what = words[0].does if len(words[0].words) == 1 else ", ".join(word.words[1] for word in words)
    return f"{words[0].generation}: {what}"


def _does(word: Word) -> str:
    return word.does if word.today == " ".join(word.words) else f"{word.does} Today: bodywork {word.today}"


def _imported(word: Word) -> click.Command:
    module, _, attribute = word.at.partition(":")
    found: click.Command = getattr(importlib.import_module(f"bodywork_compiler.cli.{module}"), attribute)
    return found
