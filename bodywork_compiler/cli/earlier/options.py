"""Options and lists that the commands of earlier Bodywork share, and which cluster they speak to: their documents know no contexts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from bodywork_compiler.cli.options import checked_name, show_command, target_options
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.kubectl import Kubectl


def gathered(name: str, into: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The command gets `into(…)`, made of all the options that its fields name, as its parameter `name`. Stands below the options."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_value(**kwargs: Any) -> Any:
            return command(**{name: into(**{each: kwargs.pop(each) for each in into.__annotations__})}, **kwargs)

        return with_value

    return decorate


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


Form = Literal["text", "wide", "json", "yaml"]
Row = Mapping[str, Any]
_GAP = "  "


@value
class Column:
    """`key` is the row's; `width` the least, where a document shows one; `wide`: only shown with `-o wide`."""

    heading: str
    key: str
    width: int = 0
    wide: bool = False


def show_rows(rows: Sequence[Row], columns: Sequence[Column], form: Form) -> None:
    """All rows with all that is known of them as JSON or YAML; else the columns, with their headings."""
    if form in ("json", "yaml"):
        show_data([dict(row) for row in rows], form)
        return
    for line in table(rows, [each for each in columns if form == "wide" or not each.wide]):
        click.echo(line)


def show_data(data: object, form: Form) -> None:
    from bodywork_compiler.report.output import as_json, as_yaml

    if form == "json":
        click.echo(as_json(data))
        return
    click.echo(as_yaml(data), nl=False)


def table(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """A line of headings, then one a row. What is longer than its column's least width makes it wider for all."""
    cells = [[each.heading for each in columns], *([_text(row.get(each.key)) for each in columns] for row in rows)]
    widths = [max(each.width, *(len(line[number]) + len(_GAP) for line in cells)) for number, each in enumerate(columns)]
    return ["".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def fields(row: Row, width: int = 22) -> list[str]:
    """One thing alone: a line for each of its fields."""
    return [f"{key.ljust(width)}{_text(value)}".rstrip() for key, value in row.items()]


def _text(value: object) -> str:
    from bodywork_compiler.printable import printable

    if value is None:
        return ""
    return printable(str(value).lower() if isinstance(value, bool) else str(value))


EVERYWHERE = ""


@value
class Way:
    """The way to a cluster, as it was given."""

    context: str | None
    kubeconfig: str | None
    print_commands: bool


def way_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--context`, `--kubeconfig`, `--print-commands`; the command gets them as one value, `way`."""
    return target_options(gathered("way", Way)(command))


def kubectl_of(way: Way, namespace: str | None) -> Kubectl:
    from bodywork_compiler.kubectl import Kubectl, Target

    target = Target(context=way.context, kubeconfig=way.kubeconfig, namespace=namespace or None)
    return Kubectl(target=target, show=show_command if way.print_commands else None)


@contextmanager
def asking(way: Way, namespace: str) -> Iterator[Api]:
    """Reads in a namespace that is there, or `EVERYWHERE`, as long as the block lasts."""
    from bodywork_compiler.api import Refused
    from bodywork_compiler.deployed import reading

    try:
        with reading.opened(kubectl_of(way, namespace), namespace) as api:
            if namespace:
                _refuse_absent(api)
            yield api
    except Refused as refused:
        if not namespace:
            refused.hint = "Who has rights in one namespace names it: --namespace NS."
        raise


def _refuse_absent(api: Api) -> None:
    from bodywork_compiler.api import Refused

    try:
        found = api.find("Namespace", api.namespace)
    except Refused:  # who may not read namespaces may have one all the same
        return
    if found is None:
        raise BodyworkError(f"Could not find namespace={api.namespace} on k8s cluster.")
