"""v3's `create|update|get deployment`: runs from a repository, here or (with `--async`) in the cluster, and the services that they left running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    fields,
    gathered,
    output_option,
    show_data,
    show_rows,
    way_options,
)
from bodywork_compiler.cli.earlier.workflow import Running, run_here, running_options
from bodywork_compiler.cli.options import checked_name
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.run_options import DEFAULT_RUN
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from bodywork_compiler.deployed.services import RunningService


@value
class Deploying:
    """All that may be said beside the repository; the last five are of runs in the cluster."""

    running: Running
    branch: str | None
    namespace: str | None
    in_cluster: bool
    async_job_name: str | None
    group: str | None
    retries: int | None
    image: str | None
    project_templates: bool


_OPTIONS = (
    click.option("--branch", metavar="B", help="The branch to take; default: the repository's own when the run starts, and said."),
    click.option("--namespace", metavar="NS", callback=checked_name, help="The pipeline's namespace; default: the config's."),
    click.option("--async", "in_cluster", is_flag=True, help="Run it in the cluster, and do not wait for it."),
    click.option("--async-job-name", metavar="NAME", help="What a run in the cluster is called; default: async-workflow- and the time."),
    click.option(
        "--group",
        "--secrets-group",
        "group",
        shell_complete=complete.groups,
        metavar="G",
        help="For a run in the cluster: the secrets group of its SSH key; default: the config's, else the pipeline's name.",
    ),
    click.option(
        "--retries", type=click.IntRange(min=0), metavar="N", help="For a run in the cluster: how often one that failed begins again."
    ),
    click.option(
        "--image",
        "--bodywork-image",
        "image",
        metavar="IMAGE",
        help="For a run in the cluster: the controller's image; default: BODYWORK_IMAGE, else what configure-cluster remembered.",
    ),
    click.option(
        "--project-templates",
        is_flag=True,
        help="For a run in the cluster: take the templates that the project overrides; default: refuse them.",
    ),
)


def deploying_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds all options; the command gets them as one value, `deploying`."""
    decorated = running_options(gathered("deploying", Deploying)(command))
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def deploy(git_url: str, deploying: Deploying) -> int:
    from bodywork_compiler.git.url import without_credentials

    if deploying.in_cluster:
        return _deploy_in_cluster(git_url, deploying)
    if not deploying.running.is_printed:
        click.echo("Using local workflow controller - retries inactive.")
        click.echo(f"deploying {deploying.branch or 'default branch'} from {without_credentials(git_url)}")
    if deploying.project_templates:
        raise click.UsageError("--project-templates: only with --async; a run from here takes them")
    return run_here(deploying.running, git_url, deploying.branch, deploying.namespace)


def _deploy_in_cluster(git_url: str, deploying: Deploying) -> int:
    from dataclasses import replace

    from bodywork_compiler.cli.earlier.async_runs import create_async
    from bodywork_compiler.cli.earlier.remote import Remote

    running = deploying.running
    schedule_timeout = running.run.schedule_timeout_seconds
    timeout = running.run.timeout_seconds
    others = replace(
        running.run, schedule_timeout_seconds=DEFAULT_RUN.schedule_timeout_seconds, timeout_seconds=DEFAULT_RUN.timeout_seconds
    )
    if others != DEFAULT_RUN:
        raise click.UsageError(
            "the options of a run, but --timeout and --schedule-timeout, go with a run from here only: leave --async out"
        )
    remote = Remote(
        way=running.way,
        git_url=git_url,
        branch=deploying.branch or None,
        folder=running.folder,
        namespace=deploying.namespace,
        group=deploying.group,
        ssh=running.ssh,
        known_hosts=running.known_hosts,
        retries=deploying.retries,
        image=deploying.image,
        timeout=f"{timeout:g}s" if timeout else None,
        manifests=running.manifests,
        project_templates=deploying.project_templates,
        allow_privileges=running.allow_privileges,
        schedule_timeout=None if schedule_timeout == DEFAULT_RUN.schedule_timeout_seconds else f"{schedule_timeout or 0:g}s",
    )
    if not running.dry_run:
        click.echo("Using asynchronous workflow controller.")
        if not deploying.branch:
            click.echo("no --branch given: the repository's own default branch is taken when the run starts", err=True)
    name = create_async(remote, deploying.async_job_name, dry_run=running.dry_run)  # type: ignore[arg-type]  # one of click's choices
    if not running.dry_run:
        click.echo(f"Created workflow-job={name}.")
        click.echo(f"  its log: {to_copy('bodywork', 'get', 'deployments', '--async', logs=name)}", err=True)
    return 0


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
        raise BodyworkError(
            f"Could not find service={asked.service}.",
            hint=f"See what is there: {to_copy('bodywork', 'get', 'deployments', names=[asked.name or ''])}",
        )
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
