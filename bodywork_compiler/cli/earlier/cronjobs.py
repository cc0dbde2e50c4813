"""v3's `create|get|update|delete cronjob`, and `trigger cronjob`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from bodywork_compiler.cli import complete
from bodywork_compiler.cli.earlier.async_runs import DryRun, print_logs
from bodywork_compiler.cli.earlier.options import (
    Column,
    Form,
    Way,
    fields,
    gathered,
    kubectl_of,
    output_option,
    show_data,
    show_rows,
    way_options,
)
from bodywork_compiler.cli.earlier.remote import Remote, at_home, remote_options, store_key
from bodywork_compiler.cli.earlier.schedules import (
    COLUMNS,
    Timing,
    as_it_is_to_stand,
    create_schedule,
    delete_schedule,
    dry_run_options,
    find_schedule,
    row_of,
    rows_of,
    say_next_times,
    show_history,
    timing_options,
    trigger_schedule,
    when_of,
)
from bodywork_compiler.cli.options import checked_name
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value

HISTORY_COLUMNS = (
    Column(heading="Run ID", key="name"),
    Column(heading="State", key="state"),
    Column(heading="Start Time", key="started"),
    Column(heading="Completion Time", key="completed"),
    Column(heading="Active", key="active", wide=True),
    Column(heading="Succeeded", key="succeeded", wide=True),
    Column(heading="Failed", key="failed", wide=True),
    Column(heading="Message", key="message", wide=True),
)


_namespace = click.option("--namespace", metavar="NS", callback=checked_name, help="The pipeline's namespace; default: the config's.")
_branch = click.option("--branch", metavar="B", help="The branch to take; default: the repository's own default branch when a run starts.")
_name = click.option("--name", required=True, metavar="NAME", help="The schedule's name.")


@click.command("cronjob")
@click.argument("git_url", metavar="GIT_URL")
@_name
@_branch
@_namespace
@timing_options
@remote_options
@dry_run_options
@way_options
def create(name: str, timing: Timing, dry_run: DryRun | None, **asked: Any) -> None:
    """Run a pipeline in the cluster on a schedule: each run is `bodywork apply GIT_URL` in a pod.

    GIT_URL is the project's repository, as the pod reaches it. A run that is due while another one goes on is left out.

    \b
    Example:
      bodywork create cronjob https://github.com/acme/iris.git --name nightly \\
          --schedule "0 2 * * *" --time-zone Europe/Berlin
      bodywork create cronjob https://github.com/acme/iris.git --name nightly \\
          --schedule @daily --dry-run=client -o yaml
    """
    new = create_schedule(name, timing, Remote(**asked), dry_run)
    if dry_run:
        return
    if new is None:
        raise BodyworkError(
            f"Cannot create cronjob={name} as it already exists.", hint=f"Change it: {to_copy('bodywork', 'update', 'cronjob', name=name)}"
        )
    click.echo(f"Created cronjob={new.name}.")
    say_next_times(new.when)


@value
class Look:
    """What of a schedule is to be shown, and how."""

    history: bool
    run: str | None
    follow: bool
    output: Form


@click.command("cronjob")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete.cronjobs)
@click.option("--history", is_flag=True, help="List the runs of NAME that are still kept.")
@click.option("--logs", "run", metavar="RUN", help="Print the log of this run, as --history names it.")
@click.option("-f", "--follow", is_flag=True, help="With --logs: go on as lines come, until the run is over.")
@output_option
@gathered("look", Look)
@way_options
def get(name: str | None, look: Look, way: Way) -> None:
    """List the schedules; with NAME tell one of them whole, its runs, or a run's log.

    \b
    Example:
      bodywork get cronjobs
      bodywork get cronjob nightly --history
      bodywork get cronjob nightly --logs nightly-29394720
    """
    if look.history and look.run:
        raise BodyworkError("Cannot specify both --logs and --history.")
    if look.history and not name:
        raise click.UsageError("--history: of which schedule? bodywork get cronjob NAME --history")
    if look.run:
        print_logs(way, None, look.run, follow=look.follow)
    elif look.history and name:
        show_history(way, None, name, HISTORY_COLUMNS, look.output)
    elif name:
        _show_one(way, name, look.output)
    else:
        _show_all(way, look.output)


def _show_all(way: Way, output: Form) -> None:
    rows = rows_of(way, None)
    if rows or output in ("json", "yaml"):
        show_rows(rows, COLUMNS, output)
    else:
        click.echo("No cronjobs found", err=True)


def _show_one(way: Way, name: str, output: Form) -> None:
    stands = find_schedule(way, None, name)
    row = row_of(stands)
    if output in ("json", "yaml"):
        show_data(row, output)
        return
    click.echo("\n".join(fields(row)))
    say_next_times(when_of(Timing(), stands))


@click.command("cronjob")
@click.argument("git_url", required=False, metavar="[GIT_URL]")
@_name
@_branch
@_namespace
@timing_options
@remote_options
@dry_run_options
@way_options
def update(name: str, timing: Timing, dry_run: DryRun | None, **asked: Any) -> None:
    """Change what is given of a schedule, and only that.

    GIT_URL is the project's repository, where that is to change.

    \b
    Example:
      bodywork update cronjob --name nightly --schedule "0 4 * * *"
      bodywork update cronjob --name nightly --suspend
      bodywork update cronjob https://github.com/acme/iris.git \\
        --name nightly --branch main
    """
    given = [each for each in (*asdict(timing).values(), *(each for key, each in asked.items() if key != "way")) if each is not None]
    if not given:
        raise click.UsageError("nothing to change was given; see bodywork update cronjob --help")
    from bodywork_compiler.controller.cronjobs import update_cronjob

    with at_home(asked["way"], None) as api:
        new = as_it_is_to_stand(api, name, timing, asked)
    if not dry_run:
        work = new[1].work
        store_key(Remote(way=asked["way"], git_url=work.apply.url, ssh=asked["ssh"], known_hosts=asked["known_hosts"]), work)
    text = update_cronjob(kubectl_of(asked["way"], api.namespace), *new, dry_run=dry_run)
    if dry_run:
        click.echo(text, nl=False)
        return
    click.echo(f"Updated cronjob={name}.")
    say_next_times(new[1].when)


@click.command("cronjob")
@click.argument("name", metavar="NAME", shell_complete=complete.cronjobs)
@click.option("-f", "--follow", is_flag=True, help="Print the run's log as it comes, until the run is over.")
@way_options
def trigger(name: str, follow: bool, way: Way) -> None:  # noqa: FBT001 - click calls it by name
    """Run what a schedule runs, now.

    NAME is the schedule's, which may be suspended.

    \b
    Example:
      bodywork trigger cronjob nightly --follow
    """
    run = trigger_schedule(way, name)
    click.echo(f"Created workflow-job={run}.")
    if follow:
        print_logs(way, None, run, follow=True)
    else:
        click.echo(f"Its log: {to_copy('bodywork', 'get', 'cronjob', names=[name], logs=run, follow=True)}", err=True)


@click.command("cronjob")
@click.argument("name", metavar="NAME", shell_complete=complete.cronjobs)
@way_options
def delete(name: str, way: Way) -> None:
    """Delete a schedule, with its runs and their logs. A run that goes on is ended in good order; what was deployed stays.

    \b
    Example:
      bodywork delete cronjob nightly
    """
    delete_schedule(way, None, name)
    click.echo(f"Deleted cronjob={name}.")
