"""v1's `service display` and `service delete`: the services of one namespace, whoever deployed them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli.earlier.cluster import Way, asking, kubectl_of, way_options
from bodywork_compiler.cli.earlier.listing import Column, Form, show_rows
from bodywork_compiler.cli.earlier.words import output_option, timeout_option, v1_namespace
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.deployed.services import RunningService

_GAP = 6  # between the longest address and what follows, as the guide shows it
_COLUMNS = (
    Column(heading="EXPOSED", key="service_exposed", width=10),
    Column(heading="AVAILABLE_REPLICAS", key="available_replicas", width=25),
    Column(heading="UNAVAILABLE_REPLICAS", key="unavailable_replicas", width=25),
    Column(heading="GIT_URL", key="git_url", width=45, wide=True),
    Column(heading="GIT_BRANCH", key="git_branch", width=20, wide=True),
    Column(heading="INGRESS_ROUTE", key="ingress_route", wide=True),
)


@click.command("display")
@v1_namespace
@click.option("--name", metavar="NAME", help="Only the service of this name; default: all.")
@output_option
@way_options
def display(namespace: str, name: str | None, output: Form, way: Way) -> None:
    """List the services of a namespace, with their addresses in the cluster.

    \b
    Example:
      bodywork service display --namespace=iris
      bodywork service display --ns iris -o json
    """
    with asking(way, namespace) as api:
        from bodywork_compiler.deployed.services import running_services
        from bodywork_compiler.names import spellings

        rows = [_row(each) for each in running_services(api) if name is None or each.name in spellings(name)]
    if name and not rows:
        raise _not_there(name, namespace)
    width = max([50, *(len(row["address"]) + _GAP for row in rows)])
    show_rows(rows, [Column(heading="SERVICE_URL", key="address", width=width), *_COLUMNS], output)


@click.command("delete")
@v1_namespace
@click.option("--name", required=True, metavar="NAME", help="The service, as `service display` names it after http://.")
@timeout_option
@way_options
def delete(namespace: str, name: str, timeout_seconds: int, way: Way) -> None:
    """Delete one service of a namespace, and wait until it is gone: its Deployment, Service and Ingress.

    \b
    Example:
      bodywork service delete --namespace=iris --name=iris--scoring-service
    """
    with asking(way, namespace) as api:
        from bodywork_compiler.deployed.services import running_services
        from bodywork_compiler.names import spellings

        service = next((each for each in running_services(api) if each.name in spellings(name)), None)
        if service is None:
            raise _not_there(name, namespace)
        delete_and_wait(api, way, service, timeout_seconds)
    click.echo(f"deployment={name} deleted from namespace={namespace}")
    if service.service_exposed:
        click.echo(f"service at {_address(service)} deleted from namespace={namespace}")
    if service.has_ingress:
        click.echo(f"ingress route {service.ingress_route} deleted from namespace={namespace}")


def delete_and_wait(api: Api, way: Way, service: RunningService, timeout_seconds: int) -> None:
    from bodywork_compiler.deployed.deleting import Patience, delete_service
    from bodywork_compiler.deployed.services import objects_of

    delete_service(api, kubectl_of(way, service.namespace), objects_of(api, service), Patience(seconds=timeout_seconds))


def _row(service: RunningService) -> dict[str, Any]:
    return {"address": _address(service), **asdict(service)}


def _address(service: RunningService) -> str:
    """As it is called from within the namespace."""
    return f"http://{service.name}:{service.service_port}" if service.service_port else f"http://{service.name}"


def _not_there(name: str, namespace: str) -> BodyworkError:
    return BodyworkError(
        f"deployment={name} not found in namespace={namespace}", hint=f"See what is there: bodywork service display --ns {namespace}"
    )
