"""What the commands about secrets share, v3's and v1's: their options, where values come from, and how a secret is shown."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli.earlier.options import Form, Way, kubectl_of, show_data, way_options
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.secret_groups.in_cluster import DryRun, Place, Stored
    from bodywork_compiler.secret_groups.sources import Change

HIDDEN = "***"
Command = Callable[..., Any]


@value
class Asked:
    """The options that these commands have, each some of them."""

    way: Way
    data: tuple[str, ...] = ()
    from_file: tuple[str, ...] = ()
    from_env_file: tuple[str, ...] = ()
    dry_run: DryRun | None = None
    output: Form = "text"
    show_values: bool = False

    @property
    def is_for_programs(self) -> bool:
        return self.output in {"json", "yaml"}

    @property
    def dry(self) -> str:
        """What is said behind a change that was none."""
        return f" ({self.dry_run} dry run)" if self.dry_run else ""


_OPTIONS = tuple(each for each in Asked.__annotations__ if each != "way")
_FILES = (
    click.option(
        "--from-file", multiple=True, metavar="K=PATH", help="A key and the file that is its value, byte by byte; K=- reads standard input."
    ),
    click.option("--from-env-file", multiple=True, metavar="PATH", help="A file with a line K=V for each key; - reads standard input."),
)
SOURCES = (
    click.option(
        "--data",
        multiple=True,
        metavar="K=V",
        help="A key and its value; several after one flag, or the flag again. K alone takes the environment variable K, "
        "else asks for it, unseen; K=- reads standard input.",
    ),
    *_FILES,
)
SOURCES_AND_REMOVAL = (
    click.option(
        "--data",
        multiple=True,
        metavar="K=V",
        help="A key and its new value; several after one flag, or the flag again. K alone takes the environment variable K, "
        "else asks for it, unseen; K=- reads standard input; K- removes the key.",
    ),
    *_FILES,
)
show_values_option = click.option("--show-values", is_flag=True, help="Print the values too; without it nobody who looks on sees them.")
dry_run_option = click.option(
    "--dry-run", type=click.Choice(["client", "server"]), help="Change nothing; server lets the API server check it."
)
CHANGES = (
    dry_run_option,
    click.option(
        "-o",
        "--output",
        type=click.Choice(["json", "yaml"]),
        help="With --dry-run: print the Kubernetes Secret that would stand, its values hidden.",
    ),
    show_values_option,
)


def asked_options(*options: Command) -> Callable[[Command], Command]:
    """Adds these options, and the way to a cluster; the command gets them as one value, `asked`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_value(**kwargs: Any) -> Any:
            given = {each: kwargs.pop(each) for each in _OPTIONS if each in kwargs}
            if given.get("output") and "dry_run" in given and not given["dry_run"]:
                raise click.UsageError("--output: only with --dry-run")
            given["output"] = given.get("output") or "text"
            return command(asked=Asked(way=kwargs.pop("way"), **given), **kwargs)

        decorated: Command = way_options(with_value)
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def change_of(asked: Asked, *, may_remove: bool = False) -> Change:
    """The values that were typed, named or piped in. What was mended is said on stderr."""
    from bodywork_compiler.secret_groups.sources import HOW, Typed, World, read

    if not (asked.data or asked.from_file or asked.from_env_file):
        raise click.UsageError(f"no values. {HOW}")
    asks = sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")
    world = World(environ=os.environ, stdin=sys.stdin.buffer.read, prompt=_prompt if asks else None)
    change = read(Typed(data=asked.data, files=asked.from_file, env_files=asked.from_env_file), world, may_remove=may_remove)
    for note in change.notes:
        click.echo(note, err=True)
    return change


def make(place: Place, name: str, asked: Asked) -> bool:
    """Make the secret, or show what would be made. False: there is one of that name."""
    from bodywork_compiler.manifests.kube_yaml import values
    from bodywork_compiler.secret_groups import in_cluster

    in_cluster.check_name(place, name)
    change = change_of(asked)
    text = in_cluster.manifest(place, name, change.values)
    is_made = asked.dry_run == "client" or in_cluster.create(kubectl_of(asked.way, None), place, text, dry_run=asked.dry_run)
    if is_made and asked.is_for_programs:
        show_manifest(values(text)[0], asked)
    called = place.object_name(name).removeprefix(f"{place.group}-" if place.group else "")
    if is_made and called != name:
        click.echo(f"its name is made one that Kubernetes takes: call it {called} in the config", err=True)
    return is_made


def show_manifest(body: Mapping[str, Any], asked: Asked) -> None:
    """A whole Secret; only --show-values makes it one that can be applied."""
    if not asked.show_values and body.get("data"):
        click.echo("its values are hidden; with --show-values they are printed", err=True)
        body = {**body, "data": dict.fromkeys(body["data"], HIDDEN)}
    show_data(dict(body), asked.output)


def row(secret: Stored, asked: Asked) -> dict[str, Any]:
    """All that is known of a secret, and its values as far as they were asked for."""
    return {
        "name": secret.name,
        "group": secret.group,
        "namespace": secret.namespace,
        "object": secret.object_name,
        "type": secret.type,
        "keys": [{"key": key, "bytes": len(content), **_shown(content, asked)} for key, content in secret.data.items()],
    }


def _shown(content: bytes, asked: Asked) -> dict[str, str]:
    """What is no text is given as base64."""
    if not asked.show_values:
        return {"value": HIDDEN}
    try:
        return {"value": content.decode()}
    except UnicodeDecodeError:
        import base64

        return {"base64": base64.b64encode(content).decode()}


def as_text(key: Mapping[str, Any]) -> str:
    """A key's value in a line, as `row` shows it."""
    return str(key.get("value", f"(base64) {key.get('base64')}"))


def _prompt(key: str) -> str:
    answer: str = click.prompt(f"Value of {key}", hide_input=True, err=True)
    return answer
