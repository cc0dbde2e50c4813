"""Runs in the cluster, once: `create deployment --async`, `get deployments --async`, and v1's and v2's `deployment` commands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from bodywork_compiler.cli.earlier.options import Column, Form, Way, kubectl_of, output_option, show_rows, v1_namespace, way_options
from bodywork_compiler.cli.earlier.remote import Remote, at_home, home_of, store_key, work_of
from bodywork_compiler.cli.earlier.workflow import Running, run_workflow, running_options
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.run_options import DEFAULT_RUN
from bodywork_compiler.to_copy import to_copy

if TYPE_CHECKING:
    from bodywork_compiler.controller.runs import ControllerRun


DryRun = Literal["client", "server"]
RUN_COLUMNS = (
    Column(heading="Run", key="name"),
    Column(heading="State", key="state"),
    Column(heading="Started", key="started"),
    Column(heading="Completed", key="completed"),
    Column(heading="Git Repository URL", key="url", wide=True),
    Column(heading="Git Branch", key="branch", wide=True),
    Column(heading="What it waits for, or why it failed", key="message", wide=True),
)


def create_async(remote: Remote, name: str | None = None, *, dry_run: DryRun | None = None) -> str:
    """Makes the Job and returns its name; None: a name that no other has. What may go wrong with it is told on stderr; a dry run prints the Job.

    A BodyworkError says that it was refused, or that a Job of that name is there.
    """
    from bodywork_compiler.controller.runs import AsyncRun, create_run

    name = _checked(name, remote) if name else _new_name()
    if dry_run == "client":
        click.echo(AsyncRun(name=name, work=work_of(remote, None)).manifest, nl=False)
        return name
    with at_home(remote.way, remote.home) as api:
        run = AsyncRun(name=name, work=work_of(remote, api))
    kubectl = kubectl_of(remote.way, run.work.namespace)
    if dry_run:
        click.echo(kubectl.run("create", "-f", "-", "--dry-run=server", "--output=yaml", stdin=run.manifest).out, nl=False)
        return name
    store_key(remote, run.work)
    if not create_run(kubectl, run):
        option = "--name" if remote.home else "--async-job-name"
        raise BodyworkError(f"Cannot create workflow-job={name} as it already exists.", hint=f"Give another with {option} NAME.")
    return name


def show_async(way: Way, home: str | None, output: Form, *, only: str | None = None) -> bool:
    """A table of such runs, or all that is known of them as data. False: there is none of the name `only`."""
    from bodywork_compiler.controller.runs import list_runs

    with at_home(way, home) as api:
        runs = [each for each in list_runs(api) if only in (None, each.name)]
    if only and not runs:
        return False
    if not runs and output in ("text", "wide"):
        click.echo("No deployments found", err=True)
        return True
    show_rows([as_row(each) for each in runs], RUN_COLUMNS, output)
    return True


def print_logs(way: Way, home: str | None, run: str, *, follow: bool = False) -> None:
    """What a run in the cluster has printed: of `--async` or of a CronJob, whose runs have names too."""
    from bodywork_compiler.controller.runs import run_logs

    with at_home(way, home) as api:
        run_logs(api, run, click.echo, follow=follow)


def delete_async(way: Way, home: str | None, run: str) -> bool:
    """Deletes the Job, which ends a run that goes on in good order. False: there is none of that name."""
    from bodywork_compiler.controller.runs import delete_run, is_there

    with at_home(way, home) as api:
        if not is_there(api, run):
            return False
    delete_run(kubectl_of(way, home_of(home)), run)
    return True


def as_row(run: ControllerRun) -> dict[str, Any]:
    return asdict(run)


def _new_name() -> str:
    import secrets
    import time

    from bodywork_compiler.controller.runs import NAME_PREFIX

    return f"{NAME_PREFIX}{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"


def _checked(name: str, remote: Remote) -> str:
    """v3 puts its prefix before a name that is given, v1 takes it as it is. Kubernetes takes no capital letters."""
    from bodywork_compiler.controller.runs import NAME_PREFIX
    from bodywork_compiler.names import LONGEST, clean, is_dns_label, shortened

    prefix = "" if remote.home or name.startswith(NAME_PREFIX) else NAME_PREFIX
    whole = f"{prefix}{clean(name)}"
    if not is_dns_label(whole) or not clean(name):
        raise BodyworkError(
            f"the run's name {name}: must have 1 to {LONGEST - len(prefix)} letters and digits", hint=f"{shortened(whole)} would do."
        )
    return whole


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

    if not show_async(way, namespace, output, only=name):
        raise BodyworkError(f"job={name} not found in namespace={namespace}", hint=f"See what is there: {_display(namespace)}")


def _display(namespace: str) -> str:
    return to_copy("bodywork", "deployment", "display", ns=namespace)


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

    print_logs(way, namespace, name, follow=follow)
