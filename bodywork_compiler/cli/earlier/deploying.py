"""`create deployment` and `update deployment`: one and the same, here or (with `--async`) in the cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.earlier.gathered import gathered
from bodywork_compiler.cli.earlier.running import Running, run_here, running_options
from bodywork_compiler.cli.options import checked_name
from bodywork_compiler.run_options import DEFAULT_RUN
from bodywork_compiler.values import value


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
        click.echo(f"  its log: bodywork get deployments --async --logs {name}", err=True)
    return 0
