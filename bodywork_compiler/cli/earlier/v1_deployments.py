"""v1's and v2's `deployment create|display|logs|delete_job`: runs in the cluster, each in the namespace of its project."""

from __future__ import annotations

from typing import Any

import click

from bodywork_compiler.cli.earlier.cluster import Way, way_options
from bodywork_compiler.cli.earlier.listing import Form
from bodywork_compiler.cli.earlier.running import Running, run_workflow, running_options
from bodywork_compiler.cli.earlier.words import output_option, v1_namespace
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.run_options import DEFAULT_RUN

_NAME = "please specify --name for the deployment"


@click.command("create")
@v1_namespace
@click.option("--name", metavar="NAME", help="What the run in the cluster is called; needed without --local.")
@click.option("--git-repo-url", "git_url", required=True, metavar="GIT_URL", help="The project's repository.")
@click.option("--git-repo-branch", "branch", metavar="B", default="master", show_default=True, help="The branch to take.")
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    metavar="N",
    default=2,
    show_default=True,
    help="How often a run in the cluster begins again when it fails.",
)
@click.option("--image", metavar="IMAGE", help="The controller's image; default: BODYWORK_IMAGE, else what configure-cluster remembered.")
@click.option("--local-workflow-controller", "--local", "-L", "here", is_flag=True, help="Run it from here, and show its log.")
@running_options
def create(namespace: str, name: str | None, running: Running, *, here: bool, **remote: Any) -> int:
    """Run a project's workflow once, in the cluster, and do not wait for it; with --local from here, to its end.

    With --local it is `bodywork workflow`. The options of a run (--timeout, --adopt …) go with it alone.

    \b
    Example:
      bodywork deployment create --ns iris --name first \\
        --git-repo-url https://github.com/acme/iris --git-repo-branch main
      bodywork deployment create --ns iris --local \\
        --git-repo-url https://github.com/acme/iris --git-repo-branch main
    """
    if here:
        return run_workflow(running, remote["git_url"], remote["branch"], namespace)
    if not name:
        raise click.UsageError(_NAME)
    if running.run != DEFAULT_RUN or running.is_printed:
        raise click.UsageError("the options of a run go with --local only")
    from bodywork_compiler.cli.earlier.async_runs import create_async
    from bodywork_compiler.cli.earlier.remote import Remote

    given = {"folder": running.folder, "ssh": running.ssh, "known_hosts": running.known_hosts, **remote}
    made = create_async(Remote(way=running.way, home=namespace, **given), name, dry_run=running.dry_run)  # type: ignore[arg-type]  # click's choices
    if not running.dry_run:
        click.echo(f"workflow job={made} created in namespace={namespace}")
    return 0


@click.command("delete_job")
@v1_namespace
@click.option("--name", required=True, metavar="NAME", help="The run, as `deployment display` names it.")
@way_options
def delete_job(namespace: str, name: str, way: Way) -> None:
    """Delete a run in the cluster that `deployment create` made. One that goes on is ended in good order.

    \b
    Example:
      bodywork deployment delete_job --ns iris --name first
    """
    from bodywork_compiler.cli.earlier.async_runs import delete_async

    if not delete_async(way, namespace, name):
        raise BodyworkError(f"job={name} not found in namespace={namespace}", hint=f"See what is there: {_display(namespace)}")
    click.echo(f"workflow job={name} deleted from namespace={namespace}")


@click.command("display")
@v1_namespace
@click.option("--name", metavar="NAME", help="Only this run.")
@output_option
@way_options
def display(namespace: str, name: str | None, output: Form, way: Way) -> None:
    """List the runs in the cluster that `deployment create` made.

    \b
    Example:
      bodywork deployment display --ns iris
      bodywork deployment display --ns iris --name first
    """
    from bodywork_compiler.cli.earlier.async_runs import show_async

    if not show_async(way, namespace, output, only=name):
        raise BodyworkError(f"job={name} not found in namespace={namespace}", hint=f"See what is there: {_display(namespace)}")


def _display(namespace: str) -> str:
    return f"bodywork deployment display --ns {namespace}"


@click.command("logs")
@v1_namespace
@click.option("--name", required=True, metavar="NAME", help="The run, as `deployment display` names it.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come, until the run is over.")
@way_options
def logs(namespace: str, name: str, way: Way, *, follow: bool) -> None:
    """Print the log of a run in the cluster.

    \b
    Example:
      bodywork deployment logs --ns iris --name first
    """
    from bodywork_compiler.cli.earlier.async_runs import print_logs

    print_logs(way, namespace, name, follow=follow)
