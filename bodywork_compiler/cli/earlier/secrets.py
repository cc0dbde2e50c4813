"""Secrets: v3's in groups (`create secret NAME --group G`), v1's in a namespace (`secret create --namespace NS --name NAME`). Values are hidden unless asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli.earlier.cluster import Way, asking, kubectl_of, way_options
from bodywork_compiler.cli.earlier.listing import Column, Form, show_data, show_rows
from bodywork_compiler.cli.earlier.words import SeveralData, output_option, v1_namespace
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.api import Api, Object
    from bodywork_compiler.secret_groups.changing import DryRun
    from bodywork_compiler.secret_groups.sources import Change
    from bodywork_compiler.secret_groups.stored import Place, Stored

HIDDEN = "***"
COLUMNS = (
    Column(heading="Secret Name", key="name"),
    Column(heading="Bodywork Secret Group", key="group"),
    Column(heading="Keys", key="key_names", wide=True),
    Column(heading="Kubernetes Secret", key="object", wide=True),
    Column(heading="Type", key="type", wide=True),
)
KEY_COLUMNS = (
    Column(heading="Field", key="key"),
    Column(heading="Value", key="shown"),
    Column(heading="Bytes", key="bytes", wide=True),
)
Command = Callable[..., Any]


@value
class Asked:
    """The options that most of these commands have."""

    way: Way
    data: tuple[str, ...] = ()
    from_file: tuple[str, ...] = ()
    from_env_file: tuple[str, ...] = ()
    dry_run: DryRun | None = None
    output: Form = "text"
    show_values: bool = False


def _group(*, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--group",
        "--secrets-group",
        "group",
        required=required,
        metavar="G",
        help="The secrets group, as `secrets_group` in a config names it.",
    )


_SOURCES = (
    click.option(
        "--data",
        multiple=True,
        metavar="K=V",
        help="A key and its value, several after one flag too. K alone takes the environment variable K, else asks for it, unseen; K=- reads standard input.",
    ),
    click.option(
        "--from-file", multiple=True, metavar="K=PATH", help="A key and the file that is its value, byte by byte; K=- reads standard input."
    ),
    click.option("--from-env-file", multiple=True, metavar="PATH", help="A file with a line K=V for each key; - reads standard input."),
)
_REMOVAL = click.option(
    "--data",
    multiple=True,
    metavar="K=V",
    help="A key and its value, as for `create`; K- removes the key.",
)
_show_values = click.option("--show-values", is_flag=True, help="Print the values too; without it nobody who looks on sees them.")
_dry_run = click.option("--dry-run", type=click.Choice(["client", "server"]), help="Change nothing; server lets the API server check it.")
_manifest_output = click.option(
    "-o", "--output", type=click.Choice(["json", "yaml"]), help="With --dry-run: print the secret that would stand, its values hidden."
)


def _asked(*options: Command) -> Callable[[Command], Command]:
    """Adds these options, and the way to a cluster; the command gets them as one value, `asked`."""
    import functools

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_value(**kwargs: Any) -> Any:
            values = {each: kwargs.pop(each) for each in Asked.__annotations__ if kwargs.get(each) is not None or each in kwargs}
            values["output"] = values.get("output") or "text"
            if values["output"] != "text" and "dry_run" in values and not values["dry_run"]:
                raise click.UsageError("--output: only with --dry-run, since what is made is no list")
            return command(asked=Asked(**values), **kwargs)

        decorated: Command = way_options(with_value)
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


_changes = (_dry_run, _manifest_output, _show_values)


@click.command("secret", cls=SeveralData)
@click.argument("name", metavar="NAME")
@_group(required=True)
@_asked(*_SOURCES, *_changes)
def create(name: str, group: str, asked: Asked) -> None:
    """Store credentials for stages in a secrets group, from where each run copies what its stages name.

    NAME is how a stage's `secrets` call it; in the cluster it is GROUP-NAME, in the namespace bodywork-deployment-jobs. The values are kept
    out of the process list and of every manifest, if you do not type them into the command itself.

    \b
    Example:
      bodywork create secret aws-credentials --group prod \\
          --data AWS_ACCESS_KEY_ID --data AWS_SECRET_ACCESS_KEY
      bodywork create secret ssh-git-private-key --group prod \\
          --from-file BODYWORK_GIT_SSH_PRIVATE_KEY=deploy_key \\
          --from-file known_hosts=known_hosts
      bodywork create secret mlflow --group prod --from-env-file mlflow.env
    """
    from bodywork_compiler.secret_groups.stored import Place

    made = _create(Place(group=group), name, asked)
    if made:
        click.echo(f"Created secret={name} in group={group}{_dry(asked)}.")
        return
    raise BodyworkError(
        f"Cannot create secret={name} in group={group} as it already exists.",
        hint=f"Change it: bodywork update secret {name} --group {group} --data KEY=VALUE",
    )


@click.command("secret", cls=SeveralData)
@click.argument("name", metavar="NAME")
@_group(required=True)
@_asked(_REMOVAL, *_SOURCES[1:], *_changes)
def update(name: str, group: str, asked: Asked) -> None:
    """Change, add and remove keys of a secret; keys that are not named stay as they are.

    NAME is how a stage's `secrets` call it. The next run copies the new values; what runs now keeps those with which it began.

    \b
    Example:
      bodywork update secret aws-credentials --group prod --data AWS_DEFAULT_REGION=eu-west-2
      bodywork update secret aws-credentials --group prod --data AWS_SESSION_TOKEN-
    """
    from bodywork_compiler.secret_groups import changing
    from bodywork_compiler.secret_groups.stored import Place

    place, change = Place(group=group), _change(asked, may_remove=True)
    with _reading(asked.way, place) as api:
        body = changing.changed(_found(api, place, name), place, change)
    _say_notes(change)
    if asked.output != "text":
        _print_manifest(body, asked)
    if asked.dry_run != "client":
        changing.replace(kubectl_of(asked.way, None), place, body, dry_run=asked.dry_run)
    if asked.output == "text":
        click.echo(f"Updated secret={name} in group={group}{_dry(asked)}.")


@click.command("secret")
@click.argument("name", required=False, metavar="NAME")
@_group(required=False)
@_asked(output_option, _show_values)
def get(name: str | None, group: str | None, asked: Asked) -> None:
    """List the secrets of the groups, or the keys of one secret.

    NAME is one secret of the group that --group names; without it all are listed. How long a value is stands in its place, until --show-values
    asks for it.

    \b
    Example:
      bodywork get secrets
      bodywork get secret aws-credentials --group prod
      bodywork get secret --group prod -o json
    """
    from bodywork_compiler.secret_groups import stored as secrets
    from bodywork_compiler.secret_groups.stored import Place

    if name and not group:
        raise BodyworkError("Please specify which secrets group the secret belongs to.", hint=f"bodywork get secret {name} --group GROUP")
    place = Place(group=group)
    with _reading(asked.way, place) as api:
        if name:
            _show_one(secrets.stored(_found(api, place, name)), asked)
            return
        found = [secrets.stored(each) for each in secrets.objects_in(api, place)]
    if group and not found:
        raise BodyworkError(f"Could not find secret group={group}.")
    rows = [_row(each, asked) for each in found]
    if not rows and asked.output in {"text", "wide"}:
        click.echo("No secrets found.", err=True)
        return
    show_rows(
        rows
        if asked.output in {"json", "yaml"}
        else [{**row, "key_names": ", ".join(each.data)} for row, each in zip(rows, found, strict=True)],
        COLUMNS,
        asked.output,
    )


@click.command("secret")
@click.argument("name", required=False, metavar="NAME")
@_group(required=False)
@_asked(_dry_run)
def delete(name: str | None, group: str | None, asked: Asked) -> None:
    """Delete a secret, or a whole group.

    NAME is one secret of the group; without it the group goes, with all its secrets. Copies that runs have made stay, until the next run of their pipeline.

    \b
    Example:
      bodywork delete secret aws-credentials --group prod
      bodywork delete secrets --group staging --dry-run=client
    """
    from bodywork_compiler.secret_groups import changing, stored
    from bodywork_compiler.secret_groups.stored import Place

    if not group:
        wanted = "which secrets group the secret belongs to" if name else "a secret or a secrets group to delete"
        raise BodyworkError(
            f"Please specify {wanted}.", hint="bodywork delete secret NAME --group GROUP, or without NAME for the whole group"
        )
    place = Place(group=group)
    with _reading(asked.way, place) as api:
        objects = [_found(api, place, name)] if name else stored.objects_in(api, place)
    if not objects:
        raise BodyworkError(f"Could not find secret group={group}.")
    names = [str(each["metadata"]["name"]) for each in objects]
    if asked.dry_run:
        click.echo("\n".join(f"would delete secret/{each}" for each in names))
    if asked.dry_run != "client":
        changing.delete(kubectl_of(asked.way, None), place, names, dry_run=asked.dry_run)
    if not asked.dry_run:
        click.echo(f"Deleted secret={name} from group={group}." if name else f"Deleted secret group={group}.")


_v1_name = click.option("--name", metavar="NAME", help="The secret's name, as a stage's [secrets] names it.")


@click.command("create", cls=SeveralData)
@v1_namespace
@_v1_name
@_asked(*_SOURCES, *_changes)
def v1_create(namespace: str, name: str | None, asked: Asked) -> None:
    """Store credentials in a namespace, for the stages that run there.

    \b
    Example:
      bodywork secret create --namespace=iris --name=storage \\
          --data USERNAME=bodywork PASSWORD
    """
    from bodywork_compiler.secret_groups.stored import Place

    if not name:
        raise BodyworkError("please specify --name for the secret")
    if not _create(Place(namespace=namespace), name, asked):
        raise BodyworkError(
            f"secret={name} already exists in namespace={namespace}",
            hint=f"Make it anew: bodywork secret delete --namespace={namespace} --name={name}",
        )
    click.echo(f"secret={name} created in namespace={namespace}{_dry(asked)}")


@click.command("display")
@v1_namespace
@_v1_name
@_asked(output_option, _show_values)
def v1_display(namespace: str, name: str | None, asked: Asked) -> None:
    """List the secrets of a namespace and their keys.

    \b
    Example:
      bodywork secret display --namespace=iris
      bodywork secret display --namespace=iris --name=storage
    """
    from bodywork_compiler.secret_groups import stored as secrets
    from bodywork_compiler.secret_groups.stored import Place

    place = Place(namespace=namespace)
    with asking(asked.way, namespace) as api:
        objects = [_found_v1(api, place, name)] if name else secrets.objects_in(api, place)
    found = [secrets.stored(each) for each in objects]
    if asked.output in {"json", "yaml"}:
        show_data([_row(each, asked) for each in found], asked.output)
        return
    for each in found:
        click.echo(f"-- {each.name}:")
        for key in _keys(each, asked):
            click.echo(f"-> {key['key']}={key.get('value', HIDDEN) if asked.show_values else HIDDEN}")


@click.command("delete")
@v1_namespace
@_v1_name
@_asked(_dry_run)
def v1_delete(namespace: str, name: str | None, asked: Asked) -> None:
    """Delete a secret of a namespace.

    \b
    Example:
      bodywork secret delete --namespace=iris --name=storage
    """
    from bodywork_compiler.secret_groups import changing
    from bodywork_compiler.secret_groups.stored import Place

    if not name:
        raise BodyworkError("please specify --name for the secret")
    place = Place(namespace=namespace)
    with asking(asked.way, namespace) as api:
        found = _found_v1(api, place, name)
    if asked.dry_run != "client":
        changing.delete(kubectl_of(asked.way, None), place, [str(found["metadata"]["name"])], dry_run=asked.dry_run)
    click.echo(f"secret={name} deleted from namespace={namespace}{_dry(asked)}")
