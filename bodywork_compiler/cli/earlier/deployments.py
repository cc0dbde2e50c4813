"""v3's `create|update|get deployment`: runs from a repository, and the services that they left running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.earlier.cluster import EVERYWHERE, Way, asking, way_options
from bodywork_compiler.cli.earlier.deploying import Deploying, deploy, deploying_options
from bodywork_compiler.cli.earlier.gathered import gathered
from bodywork_compiler.cli.earlier.listing import Column, Form, fields, show_data, show_rows
from bodywork_compiler.cli.earlier.words import output_option
from bodywork_compiler.cli.options import checked_name
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.deployed.services import RunningService

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
@deploying_options
def create(git_url: str, deploying: Deploying) -> int:
    """Run a pipeline from its Git repository, step by step; its services stay.

    GIT_URL is the project's repository. It is `bodywork apply GIT_URL`, and never asks. With --async it is the cluster that runs it.

    \b
    Example:
      bodywork create deployment https://github.com/acme/iris.git --branch main
      bodywork create deployment https://github.com/acme/iris.git --async
    """
    return deploy(git_url, deploying)


@click.command("update")
@click.argument("git_url", metavar="GIT_URL")
@deploying_options
def update(git_url: str, deploying: Deploying) -> int:
    """Run a pipeline again: what changed is updated, services load what is newest.

    GIT_URL is the project's repository. It is the same as `create deployment`.

    \b
    Example:
      bodywork update deployment https://github.com/acme/iris.git
    """
    return deploy(git_url, deploying)


@value
class Asked:
    """What `get deployments` shall list."""

    name: str | None
    service: str | None
    namespace: str | None
    in_cluster: bool
    logs_of: str | None
    follow: bool


@click.command("get")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete.pipelines)
@click.argument("service", required=False, metavar="[SERVICE]")
@click.option("--namespace", metavar="NS", callback=checked_name, help="Only what is in this namespace; default: in all of them.")
@click.option("--async", "in_cluster", is_flag=True, help="List the runs in the cluster that --async made, in place of services.")
@click.option("--logs", "logs_of", metavar="RUN", help="With --async: print the log of this run.")
@click.option("-f", "--follow", is_flag=True, help="With --logs: go on as lines come, until the run is over.")
@output_option
@way_options
@gathered("asked", Asked)
def get(asked: Asked, output: Form, way: Way) -> None:
    """List the services that run on the cluster, whoever deployed them.

    NAME is a pipeline's, whose services alone are listed; SERVICE is one of these, of which all is told that is known.

    \b
    Example:
      bodywork get deployments
      bodywork get deployment iris scoring-service
      bodywork get deployments --namespace iris -o wide
      bodywork get deployments --async
    """
    _check_usage(asked)
    if asked.logs_of:
        from bodywork_compiler.cli.earlier.async_runs import print_logs

        print_logs(way, None, asked.logs_of, follow=asked.follow)
    elif asked.in_cluster:
        from bodywork_compiler.cli.earlier.async_runs import show_async

        show_async(way, None, output)
    else:
        _show_services(_running(way, asked.namespace, asked.name), asked, output)


def _check_usage(asked: Asked) -> None:
    if asked.logs_of and not asked.in_cluster:
        raise click.UsageError("--logs: only with --async; a stage's log: bodywork logs STAGE --pipeline NAME --namespace NS")
    if asked.follow and not asked.logs_of:
        raise click.UsageError("--follow: only with --logs")
    if asked.in_cluster and (asked.name or asked.namespace):
        raise click.UsageError("--async: runs in the cluster are in one namespace, and are listed all; one of them is --logs RUN")


def _show_services(found: Sequence[RunningService], asked: Asked, output: Form) -> None:
    if asked.service is None:
        _list(found, asked.name, output)
        return
    from bodywork_compiler.names import spellings

    one = next((each for each in found if {each.name, each.stage} & {*spellings(asked.service or "")}), None)
    if one is None:
        raise BodyworkError(f"Could not find service={asked.service}.", hint=f"See what is there: bodywork get deployments {asked.name}")
    if output in ("json", "yaml"):
        show_data(asdict(one), output)
    else:
        click.echo("\n".join(fields(asdict(one))))


def _running(way: Way, namespace: str | None, name: str | None) -> list[RunningService]:
    with asking(way, namespace or EVERYWHERE) as api:
        from bodywork_compiler.deployed.services import running_services
        from bodywork_compiler.names import pipeline_object_name, spellings

        names = {*spellings(name), pipeline_object_name(name)} if name else set()
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
