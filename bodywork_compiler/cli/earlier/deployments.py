"""v3's `create|update|get|delete deployment`: runs from a repository, and the services that they left running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli.earlier.cluster import EVERYWHERE, Way, asking, kubectl_of, way_options
from bodywork_compiler.cli.earlier.listing import Column, Form, fields, show_data, show_rows
from bodywork_compiler.cli.earlier.running import Running, run_here, running_options
from bodywork_compiler.cli.earlier.services import delete_and_wait
from bodywork_compiler.cli.earlier.words import output_option, timeout_option
from bodywork_compiler.cli.options import checked_name
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from bodywork_compiler.api import Api
    from bodywork_compiler.deployed.deleting import Patience
    from bodywork_compiler.deployed.services import RunningService

_namespace = click.option("--namespace", metavar="NS", callback=checked_name, help="The pipeline's namespace; default: the config's.")
_COLUMNS = (
    Column(heading="Deployment Name / Service Name", key="path"),
    Column(heading="Git Repository URL", key="git_url"),
    Column(heading="Namespace", key="namespace", wide=True),
    Column(heading="Available", key="available_replicas", wide=True),
    Column(heading="Unavailable", key="unavailable_replicas", wide=True),
    Column(heading="Git Branch", key="git_branch", wide=True),
    Column(heading="Git Commit", key="git_commit_hash", wide=True),
    Column(heading="Service URL", key="service_url", wide=True),
)


@click.command("create")
@click.argument("git_url", metavar="GIT_URL")
@click.option(
    "--branch", metavar="B", help="The branch to take; default: the repository's own default branch when the run starts, and said."
)
@_namespace
@running_options
def create(git_url: str, branch: str | None, namespace: str | None, running: Running) -> int:
    """Run a pipeline from its Git repository, step by step; its services stay.

    GIT_URL is the project's repository. It is `bodywork apply GIT_URL`, and never asks.

    \b
    Example:
      bodywork create deployment https://github.com/acme/iris.git --branch main
    """
    return _deploy(git_url, branch, namespace, running)


@click.command("update")
@click.argument("git_url", metavar="GIT_URL")
@click.option(
    "--branch", metavar="B", help="The branch to take; default: the repository's own default branch when the run starts, and said."
)
@_namespace
@running_options
def update(git_url: str, branch: str | None, namespace: str | None, running: Running) -> int:
    """Run a pipeline again from its Git repository: what changed is updated, services load what is newest.

    GIT_URL is the project's repository. It is the same as `create deployment`.

    \b
    Example:
      bodywork update deployment https://github.com/acme/iris.git
    """
    return _deploy(git_url, branch, namespace, running)


def _deploy(git_url: str, branch: str | None, namespace: str | None, running: Running) -> int:
    from bodywork_compiler.git.url import without_credentials

    click.echo("Using local workflow controller - retries inactive.")
    click.echo(f"deploying {branch or 'default branch'} from {without_credentials(git_url)}")
    return run_here(running, git_url, branch, namespace)


@click.command("get")
@click.argument("name", required=False, metavar="[NAME]")
@click.argument("service", required=False, metavar="[SERVICE]")
@click.option("--namespace", metavar="NS", callback=checked_name, help="Only what is in this namespace; default: in all of them.")
@output_option
@way_options
def get(name: str | None, service: str | None, namespace: str | None, output: Form, way: Way) -> None:
    """List the services that run on the cluster, whoever deployed them.

    NAME is a pipeline's, whose services alone are listed; SERVICE is one of these, of which all is told that is known.

    \b
    Example:
      bodywork get deployments
      bodywork get deployment iris scoring-service
      bodywork get deployments --namespace iris -o wide
    """
    found = _running(way, namespace, name)
    if service is None:
        _list(found, name, output)
        return
    one = next((each for each in found if each.name == service), None)
    if one is None:
        raise BodyworkError(f"Could not find service={service}.", hint=f"See what is there: bodywork get deployments {name}")
    if output in ("json", "yaml"):
        show_data(asdict(one), output)
    else:
        click.echo("\n".join(fields(asdict(one))))


def _running(way: Way, namespace: str | None, name: str | None) -> list[RunningService]:
    with asking(way, namespace or EVERYWHERE) as api:
        from bodywork_compiler.deployed.services import running_services
        from bodywork_compiler.names import pipeline_object_name

        names = {name, pipeline_object_name(name)} if name else set()
        return [each for each in running_services(api) if not names or each.deployment in names]


def _list(found: Sequence[RunningService], name: str | None, output: Form) -> None:
    if name and not found:
        raise BodyworkError(f"Could not find deployment={name}.", hint="See what is there: bodywork get deployments")
    if output in ("json", "yaml"):
        show_data([asdict(each) for each in found], output)
    elif found:
        show_rows([{"path": f"{each.deployment}/{each.stage}", **asdict(each)} for each in found], _COLUMNS, output)
    else:
        click.echo("No deployments found", err=True)


@click.command("delete")
@click.argument("name", metavar="NAME")
@click.option("--namespace", metavar="NS", callback=checked_name, help="Where it is; default: the only namespace that holds it.")
@click.option("--namespace-too", is_flag=True, help="Delete the namespace as well, if Bodywork made it and no other pipeline is in it.")
@timeout_option
@way_options
def delete(name: str, namespace: str | None, namespace_too: bool, timeout_seconds: int, way: Way) -> None:  # noqa: FBT001 - click calls it by name
    """Delete a pipeline, and wait until it is gone.

    NAME is the pipeline's. It is `bodywork delete --pipeline NAME`, and never asks.

    \b
    Example:
      bodywork delete deployment iris
    """
    from bodywork_compiler.deployed.deleting import Patience

    patience = Patience(seconds=timeout_seconds)
    with asking(way, namespace or EVERYWHERE) as api:
        where, theirs = _places(api, name)
        if len(where) > 1:
            raise BodyworkError(f"deployment={name} is in several namespaces: {', '.join(where)}", hint="Say which with --namespace NS.")
        if where:
            _delete_ours(api.elsewhere(where[0]), way, name, patience, namespace_too=namespace_too)
        elif theirs:
            for each in theirs:
                delete_and_wait(api.elsewhere(each.namespace), way, each, timeout_seconds)
        else:
            raise BodyworkError(f"deployment={name} could not be found on k8s cluster.", hint="See what is there: bodywork get deployments")
    click.echo(f"deployment={name} deleted.")


def _places(api: Api, name: str) -> tuple[list[str], list[RunningService]]:
    """The namespaces in which a pipeline of ours has that name; and the ancestor's services of that name, which has no other objects that last."""
    from bodywork_compiler.deployed.reading import listed, of
    from bodywork_compiler.deployed.services import running_services
    from bodywork_compiler.names import pipeline_object_name

    ours = {str(each["metadata"]["namespace"]) for each in listed(api, of(pipeline_object_name(name)))}
    return sorted(ours), [each for each in running_services(api) if each.deployment == name]


def _delete_ours(api: Api, way: Way, name: str, patience: Patience, *, namespace_too: bool) -> None:
    from bodywork_compiler.cli.delete import with_copies
    from bodywork_compiler.cli.pipeline import Opened
    from bodywork_compiler.deployed import deleting
    from bodywork_compiler.deployed.reading import read
    from bodywork_compiler.names import pipeline_object_name

    if namespace_too:
        deleting.refuse_foreign_namespace(api, pipeline_object_name(name))
    kubectl = kubectl_of(way, api.namespace)
    found = with_copies(Opened(deployed=read(api, pipeline_object_name(name)), api=api, kubectl=kubectl, context=""))
    deleting.delete(api, kubectl, found.deployed, patience)
    if namespace_too:
        deleting.delete_namespace(api, kubectl, patience)
