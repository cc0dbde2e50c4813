"""v1's `deployment create|display|logs`: runs in the cluster, each in the namespace of its project."""

from __future__ import annotations

from typing import Any

import click

from bodywork_compiler.cli.earlier.cluster import Way, way_options
from bodywork_compiler.cli.earlier.listing import Form
from bodywork_compiler.cli.earlier.words import output_option, v1_namespace


@click.command("create")
@v1_namespace
@click.option("--name", required=True, metavar="NAME", help="What the run is called.")
@click.option("--git-repo-url", "git_url", required=True, metavar="GIT_URL", help="The project's repository.")
@click.option("--git-repo-branch", "branch", metavar="B", default="master", show_default=True, help="The branch to take.")
@click.option(
    "--retries", type=click.IntRange(min=0), metavar="N", default=2, show_default=True, help="How often it begins again when it fails."
)
@click.option("--image", metavar="IMAGE", help="The controller's image; default: BODYWORK_IMAGE, else what configure-cluster remembered.")
@click.option(
    "--dry-run", type=click.Choice(["client", "server"]), help="Change nothing: print the Job, as it is or as the server would have it."
)
@way_options
def create(namespace: str, name: str, way: Way, **remote: Any) -> None:
    """Run a project's workflow once, in the cluster, and do not wait for it.

    \b
    Example:
      bodywork deployment create --ns iris --name first \\
        --git-repo-url https://github.com/acme/iris --git-repo-branch main
    """
    from bodywork_compiler.cli.earlier.async_runs import create_async
    from bodywork_compiler.cli.earlier.remote import Remote

    dry_run = remote.pop("dry_run")
    made = create_async(Remote(way=way, home=namespace, **remote), name, dry_run=dry_run)
    if not dry_run:
        click.echo(f"workflow job={made} created in namespace={namespace}")


@click.command("display")
@v1_namespace
@output_option
@way_options
def display(namespace: str, output: Form, way: Way) -> None:
    """List the runs in the cluster that `deployment create` made.

    \b
    Example:
      bodywork deployment display --ns iris
    """
    from bodywork_compiler.cli.earlier.async_runs import show_async

    show_async(way, namespace, output)


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
