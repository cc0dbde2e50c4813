"""v1's `cronjob create|display|history|logs|delete`: schedules that stand in the namespace of their pipeline."""

from __future__ import annotations

from typing import Any

import click

from bodywork_compiler.cli.earlier.async_runs import DryRun, print_logs
from bodywork_compiler.cli.earlier.options import Column, Form, Way, output_option, show_rows, v1_namespace, way_options
from bodywork_compiler.cli.earlier.remote import Remote, remote_options
from bodywork_compiler.cli.earlier.schedules import (
    COLUMNS,
    Timing,
    as_v1,
    create_schedule,
    delete_schedule,
    dry_run_options,
    rows_of,
    say_next_times,
    show_history,
    timing_options,
)
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.to_copy import to_copy

_HISTORY = (
    Column(heading="JOB_NAME", key="name", width=40),
    Column(heading="START_TIME", key="started", width=30),
    Column(heading="COMPLETION_TIME", key="completed", width=30),
    Column(heading="ACTIVE", key="active", width=12),
    Column(heading="SUCCEEDED", key="succeeded", width=16),
    Column(heading="FAILED", key="failed"),
    Column(heading="STATE", key="state", wide=True),
    Column(heading="MESSAGE", key="message", wide=True),
)
_FRAME = "-" * 100
_LABEL_WIDTH = 22
_RETRIES = 2


@click.command("create")
@v1_namespace
@click.option("--name", required=True, metavar="NAME", help="The schedule's name.")
@click.option("--git-repo-url", "git_url", required=True, metavar="GIT_URL", help="The project's repository, as a pod reaches it.")
@click.option(
    "--git-repo-branch", "branch", metavar="B", help="The branch to take; default: the repository's own default branch when a run starts."
)
@timing_options
@remote_options
@dry_run_options
@way_options
def v1_create(name: str, namespace: str, timing: Timing, dry_run: DryRun | None, retries: int | None, **asked: Any) -> None:
    """Run a workflow on a schedule, in the namespace of its project.

    \b
    Example:
      bodywork cronjob create --namespace=iris --name=iris \\
          --schedule="0,15,30,45 * * * *" \\
          --git-repo-url=https://github.com/acme/iris --git-repo-branch=master
    """
    remote = Remote(home=namespace, retries=_RETRIES if retries is None else retries, **asked)
    new = create_schedule(name, timing, remote, dry_run)
    if dry_run:
        return
    if new is None:
        raise BodyworkError(
            f"cronjob={name} already exists in namespace={namespace}",
            hint=to_copy("bodywork", "cronjob", "delete", ns=namespace, name=name),
        )
    click.echo(f"workflow cronjob={new.name} created in namespace={namespace}")
    say_next_times(new.when)


@click.command("display")
@v1_namespace
@click.option("--name", metavar="NAME", help="Only this one; default: all.")
@output_option
@way_options
def v1_display(namespace: str, name: str | None, output: Form, way: Way) -> None:
    """List the schedules of a namespace.

    \b
    Example:
      bodywork cronjob display --namespace=iris
    """
    rows = [row for row in rows_of(way, namespace) if name in (None, row["name"])]
    if name and not rows:
        raise BodyworkError(
            f"could not find cronjob={name} in namespace={namespace}",
            hint=f"See what is there: {to_copy('bodywork', 'cronjob', 'display', ns=namespace)}",
        )
    if output != "text":
        show_rows(rows, COLUMNS, output)
        return
    for row in rows:
        click.echo("\n".join(_block(row)))


def _block(row: dict[str, Any]) -> list[str]:
    shown = {
        "NAME": row["name"],
        "SCHEDULE": row["schedule"],
        "RETRIES": row["retries"],
        "GIT_URL": row["git_url"],
        "GIT_BRANCH": row["git_branch"] or "",
        "LAST_EXECUTED": as_v1(row["last_scheduled_time"]),
    }
    return [_FRAME, *(f"|- {name.ljust(_LABEL_WIDTH)}{each}".rstrip() for name, each in shown.items()), _FRAME]


@click.command("history")
@v1_namespace
@click.option("--name", required=True, metavar="NAME", help="The schedule.")
@output_option
@way_options
def v1_history(namespace: str, name: str, output: Form, way: Way) -> None:
    """List the runs of a schedule that are still kept.

    \b
    Example:
      bodywork cronjob history --namespace=iris --name=iris
    """
    show_history(way, namespace, name, _HISTORY, output)


@click.command("logs")
@v1_namespace
@click.option("--name", "run", required=True, metavar="JOB_NAME", help="The run, as `cronjob history` names it.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come, until the run is over.")
@way_options
def v1_logs(namespace: str, run: str, follow: bool, way: Way) -> None:  # noqa: FBT001 - click calls it by name
    """Print the log of a run.

    \b
    Example:
      bodywork cronjob logs --namespace=iris --name=iris-1605214260 > log.txt
    """
    print_logs(way, namespace, run, follow=follow)


@click.command("delete")
@v1_namespace
@click.option("--name", required=True, metavar="NAME", help="The schedule.")
@way_options
def v1_delete(namespace: str, name: str, way: Way) -> None:
    """Delete a schedule, with its runs and their logs; what was deployed stays.

    \b
    Example:
      bodywork cronjob delete --namespace=iris --name=iris
    """
    delete_schedule(way, namespace, name)
    click.echo(f"cronjob={name} deleted from namespace={namespace}")
