"""Options that the commands of earlier Bodywork share, and the one thing that click cannot read: several values after one flag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from bodywork_compiler.cli.options import checked_name

Command = TypeVar("Command", bound=Callable[..., Any])


class SeveralData(click.Command):
    """A command whose `--data` takes several values (`--data A=1 B=2`), as v1 had it and the documents show; repeating the flag does too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_names = any(isinstance(each, click.Argument) for each in self.params)
        return super().parse_args(ctx, list(one_value_per_flag("--data", args, only_pairs=takes_names)))


def one_value_per_flag(flag: str, args: Sequence[str], *, only_pairs: bool) -> Iterator[str]:
    """`--data A=1 B=2` as `--data A=1 --data B=2`. `only_pairs`: a further word without `=` is not the flag's, but the command's own argument."""
    is_value = is_further = False
    for number, word in enumerate(args):
        if word == "--":
            yield from args[number:]
            return
        if is_further and not is_value and not word.startswith("-") and ("=" in word or not only_pairs):
            yield flag
        else:
            is_further = is_value or word.startswith(f"{flag}=")
        is_value = word == flag
        yield word


def v1_namespace(command: Command) -> Command:
    """`--namespace NS` or `--ns NS`, which v1's commands cannot do without."""
    return click.option(
        "--namespace", "--ns", "namespace", required=True, metavar="NS", callback=checked_name, help="The Kubernetes namespace."
    )(command)


def output_option(command: Command) -> Command:
    """`-o wide|json|yaml` of what lists; the command gets `output`, by default `text`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "wide", "json", "yaml"]),
        default="text",
        show_default=True,
        help="As lines, as lines with all columns, or for programs.",
    )(command)


def timeout_option(command: Command) -> Command:
    """How long a deletion is waited for; the command gets `timeout_seconds`."""
    return click.option(
        "--timeout",
        "timeout_seconds",
        type=click.IntRange(min=1),
        metavar="SECONDS",
        default=300,
        show_default=True,
        help="How long to wait until all is gone.",
    )(command)
