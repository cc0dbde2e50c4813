"""v1's secrets, which stand in the namespace where their pipeline runs: `secret create --namespace NS --name NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.earlier.options import SeveralData, asking, kubectl_of, output_option, show_data, v1_namespace
from bodywork_compiler.cli.earlier.secret_words import (
    CHANGES,
    SOURCES,
    Asked,
    as_text,
    asked_options,
    dry_run_option,
    make,
    row,
    show_values_option,
)
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.to_copy import to_copy

if TYPE_CHECKING:
    from bodywork_compiler.api import Api, Object
    from bodywork_compiler.secret_groups.in_cluster import Place

_name_option = click.option("--name", metavar="NAME", help="The secret's name, as a stage's [secrets] names it.")


@click.command("create", cls=SeveralData)
@v1_namespace
@_name_option
@asked_options(*SOURCES, *CHANGES)
def create(namespace: str, name: str | None, asked: Asked) -> None:
    """Store credentials in a namespace, for the stages that run there.

    \b
    Example:
      bodywork secret create --namespace=iris --name=storage \\
          --data USERNAME=bodywork PASSWORD
    """
    from bodywork_compiler.secret_groups.in_cluster import Place

    if not name:
        raise BodyworkError("please specify --name for the secret")
    if not make(Place(namespace=namespace), name, asked):
        raise BodyworkError(
            f"secret={name} already exists in namespace={namespace}",
            hint=f"Make it anew: {to_copy('bodywork', 'secret', 'delete', namespace=namespace, name=name)}",
        )
    if not asked.is_for_programs:
        click.echo(f"secret={name} created in namespace={namespace}{asked.dry}")


@click.command("display")
@v1_namespace
@_name_option
@asked_options(output_option, show_values_option)
def display(namespace: str, name: str | None, asked: Asked) -> None:
    """List the secrets of a namespace and their keys.

    \b
    Example:
      bodywork secret display --namespace=iris
      bodywork secret display --namespace=iris --name=storage
    """
    from bodywork_compiler.secret_groups import in_cluster as secrets
    from bodywork_compiler.secret_groups.in_cluster import Place

    place = Place(namespace=namespace)
    with asking(asked.way, namespace) as api:
        objects = [_found(api, place, name)] if name else secrets.objects_in(api, place)
    found = [secrets.stored(each) for each in objects]
    if asked.is_for_programs:
        show_data([row(each, asked) for each in found], asked.output)
        return
    for each in found:
        click.echo(f"-- {each.name}:")
        for key in row(each, asked)["keys"]:
            click.echo(f"-> {key['key']}={as_text(key)}")


@click.command("delete")
@v1_namespace
@_name_option
@asked_options(dry_run_option)
def delete(namespace: str, name: str | None, asked: Asked) -> None:
    """Delete a secret of a namespace.

    \b
    Example:
      bodywork secret delete --namespace=iris --name=storage
    """
    from bodywork_compiler.secret_groups import in_cluster
    from bodywork_compiler.secret_groups.in_cluster import Place

    if not name:
        raise BodyworkError("please specify --name for the secret")
    place = Place(namespace=namespace)
    with asking(asked.way, namespace) as api:
        found = _found(api, place, name)
    if asked.dry_run != "client":
        in_cluster.delete(kubectl_of(asked.way, None), place, [str(found["metadata"]["name"])], dry_run=asked.dry_run)
    click.echo(f"secret={name} deleted from namespace={namespace}{asked.dry}")


def _found(api: Api, place: Place, name: str) -> Object:
    from bodywork_compiler.secret_groups.in_cluster import find

    found = find(api, place, name)
    if found is None:
        raise BodyworkError(f"could not find secret={name} in namespace={place.namespace}")
    return found
