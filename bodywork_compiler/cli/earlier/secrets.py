"""v3's secrets, in groups: `create secret NAME --group G`. Values are hidden unless they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.earlier.options import Column, SeveralData, kubectl_of, output_option, show_data, show_rows
from bodywork_compiler.cli.earlier.secret_words import (
    CHANGES,
    SOURCES,
    SOURCES_AND_REMOVAL,
    Asked,
    as_text,
    asked_options,
    change_of,
    dry_run_option,
    make,
    row,
    show_manifest,
    show_values_option,
)
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.to_copy import to_copy

if TYPE_CHECKING:
    from bodywork_compiler.api import Api, Object
    from bodywork_compiler.secret_groups.in_cluster import Place, Stored

COLUMNS = (
    Column(heading="Secret Name", key="name"),
    Column(heading="Bodywork Secret Group", key="group"),
    Column(heading="Keys", key="keys", wide=True),
    Column(heading="Kubernetes Secret", key="object", wide=True),
    Column(heading="Type", key="type", wide=True),
)
KEY_COLUMNS = (
    Column(heading="Field", key="key"),
    Column(heading="Value", key="value"),
    Column(heading="Bytes", key="bytes", wide=True),
)


def _group(*, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--group",
        "--secrets-group",
        "group",
        shell_complete=complete.groups,
        required=required,
        metavar="G",
        help="The secrets group, as a config's `secrets_group` names it.",
    )


@click.command("secret", cls=SeveralData)
@click.argument("name", metavar="NAME", shell_complete=complete.secrets_of_group)
@_group(required=True)
@asked_options(*SOURCES, *CHANGES)
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
    from bodywork_compiler.secret_groups.in_cluster import Place

    if make(Place(group=group), name, asked):
        if not asked.is_for_programs:
            click.echo(f"Created secret={name} in group={group}.{asked.dry}")
        return
    raise BodyworkError(
        f"Cannot create secret={name} in group={group} as it already exists.",
        hint=f"Change it: {to_copy('bodywork', 'update', 'secret', names=[name], group=group, data='KEY=VALUE')}",
    )


@click.command("secret", cls=SeveralData)
@click.argument("name", metavar="NAME", shell_complete=complete.secrets_of_group)
@_group(required=True)
@asked_options(*SOURCES_AND_REMOVAL, *CHANGES)
def update(name: str, group: str, asked: Asked) -> None:
    """Change, add and remove keys of a secret; keys that are not named stay as they are.

    NAME is how a stage's `secrets` call it. The next run copies the new values; what runs now keeps those with which it began.

    \b
    Example:
      bodywork update secret aws --group prod --data AWS_REGION=eu-west-2
      bodywork update secret aws --group prod --data AWS_SESSION_TOKEN-
    """
    from bodywork_compiler.secret_groups import in_cluster
    from bodywork_compiler.secret_groups.in_cluster import Place

    place, change = Place(group=group), change_of(asked, may_remove=True)
    with _asking(asked) as api:
        body = in_cluster.changed(_found(api, place, name), place, change)
    if asked.dry_run != "client":
        in_cluster.replace(kubectl_of(asked.way, None), place, body, dry_run=asked.dry_run)
    if asked.is_for_programs:
        show_manifest(body, asked)
    else:
        click.echo(f"Updated secret={name} in group={group}.{asked.dry}")


@click.command("secret")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete.secrets_of_group)
@_group(required=False)
@asked_options(output_option, show_values_option)
def get(name: str | None, group: str | None, asked: Asked) -> None:
    """List the secrets of the groups, or the keys of one secret.

    NAME is one secret of the group that --group names; without it all are listed. A value is shown as *** until
    --show-values asks for it.

    \b
    Example:
      bodywork get secrets
      bodywork get secret aws-credentials --group prod
      bodywork get secret --group prod -o json
    """
    from bodywork_compiler.secret_groups import in_cluster as secrets
    from bodywork_compiler.secret_groups.in_cluster import Place

    if name and not group:
        raise BodyworkError(
            "Please specify which secrets group the secret belongs to.",
            hint=to_copy("bodywork", "get", "secret", names=[name], group="GROUP"),
        )
    place = Place(group=group)
    with _asking(asked) as api:
        objects = [_found(api, place, name)] if name else secrets.objects_in(api, place)
    found = [secrets.stored(each) for each in objects]
    if group and not found:
        raise BodyworkError(f"Could not find secret group={group}.")
    if name:
        _show_one(found[0], asked)
    elif asked.is_for_programs:
        show_data([row(each, asked) for each in found], asked.output)
    elif not found:
        click.echo("No secrets found.", err=True)
    elif asked.show_values:
        for each in found:
            _show_one(each, asked)
    else:
        show_rows([{**row(each, asked), "keys": ", ".join(each.data)} for each in found], COLUMNS, asked.output)


@click.command("secret")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete.secrets_of_group)
@_group(required=False)
@asked_options(dry_run_option)
def delete(name: str | None, group: str | None, asked: Asked) -> None:
    """Delete a secret, or a whole group.

    NAME is one secret of the group; without it the group goes, with all its secrets. Copies that runs have made stay, until the next run of their pipeline.

    \b
    Example:
      bodywork delete secret aws-credentials --group prod
      bodywork delete secrets --group staging --dry-run=client
    """
    from bodywork_compiler.secret_groups import in_cluster
    from bodywork_compiler.secret_groups.in_cluster import Place

    if not group:
        wanted = "which secrets group the secret belongs to" if name else "a secret or a secrets group to delete"
        raise BodyworkError(
            f"Please specify {wanted}.", hint="bodywork delete secret NAME --group GROUP, or without NAME for the whole group"
        )
    place = Place(group=group)
    with _asking(asked) as api:
        objects = [_found(api, place, name)] if name else in_cluster.objects_in(api, place)
    if not objects:
        raise BodyworkError(f"Could not find secret group={group}.")
    names = [str(each["metadata"]["name"]) for each in objects]
    if asked.dry_run:
        click.echo("\n".join(f"would delete secret/{each}" for each in names))
    if asked.dry_run != "client":
        in_cluster.delete(kubectl_of(asked.way, None), place, names, dry_run=asked.dry_run)
    if not asked.dry_run:
        click.echo(f"Deleted secret={name} from group={group}." if name else f"Deleted secret group={group}.")


@contextmanager
def _asking(asked: Asked) -> Iterator[Api]:
    """Also where the groups' namespace is not there yet: then there are no secrets in it."""
    from bodywork_compiler.deployed import reading
    from bodywork_compiler.runner.copies import NAMESPACE

    with reading.opened(kubectl_of(asked.way, NAMESPACE), NAMESPACE) as api:
        yield api


def _found(api: Api, place: Place, name: str) -> Object:
    from bodywork_compiler.secret_groups.in_cluster import find

    found = find(api, place, name)
    if found is None:
        raise BodyworkError(
            f"Could not find secret={name} in group={place.group}.",
            hint=f"There are: bodywork get secrets. Make it: {to_copy('bodywork', 'create', 'secret', names=[name], group=place.group, data='KEY=VALUE')}",
        )
    return found


def _show_one(secret: Stored, asked: Asked) -> None:
    known = row(secret, asked)
    if asked.is_for_programs:
        show_data(known, asked.output)
        return
    click.echo(f"{secret.name} in group {secret.group}")
    show_rows([{**key, "value": as_text(key)} for key in known["keys"]], KEY_COLUMNS, asked.output)
