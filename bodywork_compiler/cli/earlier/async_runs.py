"""Runs in the cluster, once: what `create deployment --async`, `get deployments --async` and v1's `deployment` commands do and print."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from bodywork_compiler.cli.earlier.cluster import Way, kubectl_of
from bodywork_compiler.cli.earlier.listing import Column, Form, show_rows
from bodywork_compiler.cli.earlier.remote import Remote, at_home, home_of, store_key, work_of
from bodywork_compiler.errors import BodyworkError

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
