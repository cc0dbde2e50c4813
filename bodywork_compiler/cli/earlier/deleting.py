"""v3's `delete deployment` and v1's `service display|delete`: pipelines and services, wherever they are, whoever deployed them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.earlier.options import (
    EVERYWHERE,
    Column,
    Form,
    Way,
    asking,
    gathered,
    kubectl_of,
    output_option,
    show_rows,
    timeout_option,
    v1_namespace,
    way_options,
)
from bodywork_compiler.cli.options import checked_name
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value

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
def service_delete(namespace: str, name: str, timeout_seconds: int, way: Way) -> None:
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
        f"deployment={name} not found in namespace={namespace}",
        hint=f"See what is there: {to_copy('bodywork', 'service', 'display', ns=namespace)}",
    )


@value
class Deleting:
    """What `delete deployment` is about, and how long it waits."""

    name: str
    namespace: str | None
    namespace_too: bool
    yes: bool
    break_lock: bool
    timeout_seconds: int


@click.command("delete")
@click.argument("name", metavar="NAME", shell_complete=complete.pipelines)
@click.argument("service", required=False, metavar="")
@click.option("--namespace", metavar="NS", callback=checked_name, help="Where it is; default: the only namespace that holds it.")
@click.option("--namespace-too", is_flag=True, help="Delete the namespace as well, if Bodywork made it and no other pipeline is in it.")
@click.option("--yes", is_flag=True, help="With --namespace-too: also where more is in it than the pipeline.")
@click.option("--break-lock", is_flag=True, help="Delete it although a run holds it.")
@click.option("--async", "in_cluster", is_flag=True, help="NAME is a run in the cluster that --async made: end it, and delete it.")
@timeout_option
@way_options
@gathered("deleting", Deleting)
def delete(deleting: Deleting, way: Way, *, service: str | None, in_cluster: bool) -> None:
    """Delete a pipeline, and wait until it is gone.

    NAME is the pipeline's. It is `bodywork delete --pipeline NAME --namespace NS`, and never asks. Its namespace stays, and what is left there
    is said. One service alone: `bodywork service delete`.

    \b
    Example:
      bodywork delete deployment iris
    """
    if service:
        alone = to_copy("bodywork", "service", "delete", namespace=deleting.namespace or "NS", name=service)
        raise click.UsageError(f"delete deployment deletes the whole of {deleting.name}. For its service {service} alone: {alone}")
    not_there = BodyworkError(
        f"deployment={deleting.name} could not be found on k8s cluster.", hint="See what is there: bodywork get deployments"
    )
    if in_cluster:
        from bodywork_compiler.cli.earlier.async_runs import delete_async

        if not delete_async(way, None, deleting.name):
            raise not_there
    else:
        with asking(way, deleting.namespace or EVERYWHERE) as api:
            emptied = _delete(api, way, deleting)
            if not emptied:
                raise not_there
            click.echo(f"deployment={deleting.name} deleted.")
            for namespace in [] if deleting.namespace_too else emptied:
                _tell_of_namespace(api.elsewhere(namespace))
        return
    click.echo(f"deployment={deleting.name} deleted.")


def _tell_of_namespace(api: Api) -> None:
    """What is left where the pipeline was. The ancestor deleted the namespace, with all that was in it."""
    from bodywork_compiler.deployed.deleting import left_in_namespace

    left = left_in_namespace(api)
    all_of_it = to_copy("kubectl", "delete", "namespace", names=[api.namespace])
    shown = f"holds {', '.join(left)}" if left else "is empty"
    click.echo(f"  namespace={api.namespace} stays, and {shown}. To delete it and all in it: {all_of_it}", err=True)


def _delete(api: Api, way: Way, deleting: Deleting) -> list[str]:
    """The namespaces that held it. None: there is none of that name, ours or the ancestor's, which left nothing but services."""
    from bodywork_compiler.deployed.reading import listed, of
    from bodywork_compiler.deployed.services import running_services
    from bodywork_compiler.names import pipeline_object_name, spellings

    pipeline = pipeline_object_name(deleting.name)
    where = sorted({str(each["metadata"]["namespace"]) for each in listed(api, of(pipeline))})
    if len(where) > 1:
        raise BodyworkError(
            f"deployment={deleting.name} is in several namespaces: {', '.join(where)}", hint="Say which with --namespace NS."
        )
    if where:
        _delete_ours(api.elsewhere(where[0]), way, pipeline, deleting)
        return where
    theirs = [each for each in running_services(api) if each.deployment in spellings(deleting.name)]
    for each in theirs:
        delete_and_wait(api.elsewhere(each.namespace), way, each, deleting.timeout_seconds)
    return sorted({each.namespace for each in theirs})


def _delete_ours(api: Api, way: Way, pipeline: str, asked: Deleting) -> None:
    from bodywork_compiler.cli.delete import left_beside, with_copies
    from bodywork_compiler.cli.pipeline import Opened
    from bodywork_compiler.deployed import deleting
    from bodywork_compiler.deployed.deleting import refuse_while_held
    from bodywork_compiler.deployed.reading import read

    if not asked.break_lock:
        refuse_while_held(api, pipeline)
    if asked.namespace_too:
        deleting.refuse_foreign_namespace(api, pipeline)
    kubectl, patience = kubectl_of(way, api.namespace), deleting.Patience(seconds=asked.timeout_seconds)
    found = with_copies(Opened(deployed=read(api, pipeline), api=api, kubectl=kubectl, context=""))
    if asked.namespace_too and not asked.yes:
        deleting.refuse_what_else_is_there(api, pipeline, left_beside(found))
    deleting.delete(api, kubectl, found.deployed, patience)
    if asked.namespace_too:
        deleting.delete_namespace(api, kubectl, patience)
