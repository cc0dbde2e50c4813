"""Schedules on the command line: their options, times and time zones, and what v3's and v1's commands do alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from bodywork_compiler.cli.earlier.async_runs import DryRun, as_row
from bodywork_compiler.cli.earlier.options import Column, Form, Way, gathered, kubectl_of, show_rows
from bodywork_compiler.cli.earlier.remote import Remote, at_home, store_key, work_of
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from bodywork_compiler.api import Api
    from bodywork_compiler.controller.cronjobs import Cronjob, NewCronjob, When


_NO_MORE = "it comes never, within five years"


def check_time_zone(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    """Refuses what Kubernetes would refuse; where this machine has no list of time zones, nothing is."""
    if given is None or _zone(given) is not None:
        return given
    from zoneinfo import available_timezones

    known = available_timezones()
    if not known:
        return given
    from difflib import get_close_matches

    by_last_part = {each.rpartition("/")[2].lower(): each for each in sorted(known)}
    wanted = given.rpartition("/")[2].replace(" ", "_").lower()
    near = by_last_part.get(wanted) or next(iter(get_close_matches(given, known, n=1)), None)
    raise click.BadParameter(f"`{given}` is no time zone{f'; did you mean {near}?' if near else ', such as Europe/Berlin'}")


def say_next_times(when: When) -> None:
    """The next three, so that a schedule that was meant otherwise is seen now."""
    if when.suspend:
        click.echo("It is suspended: it runs by `bodywork trigger cronjob` only.")
        return
    zone = _zone(when.time_zone)
    if zone is None:
        click.echo(f"Next runs: not known here, since this machine does not know the time zone {when.time_zone}.", err=True)
        return
    from bodywork_compiler.controller.schedule import next_times, parse

    try:
        schedule = parse(when.schedule)
    except BodyworkError:  # somebody else's, from before Kubernetes refused it
        click.echo("Next runs: not known.", err=True)
        return
    times = next_times(schedule, datetime.now(timezone.utc), zone)
    said = ", ".join(each.strftime("%a %Y-%m-%d %H:%M") for each in times)
    click.echo(f"Next runs ({when.time_zone}): {said or _NO_MORE}.")


def as_v1(stamp: str | None) -> str:
    """`2020-11-12 20:51:04+00:00`, as v1's documents show times."""
    return stamp.replace("T", " ").replace("Z", "+00:00") if stamp else ""


def _zone(name: str) -> ZoneInfo | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        # "Local" would be the API server's own: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones
        return None if name in {"", "Local"} else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


_KEPT = ("branch", "folder", "namespace", "manifests", "schedule_timeout", "project_templates", "allow_privileges")
COLUMNS = (
    Column(heading="Name", key="name"),
    Column(heading="Git Repository URL", key="git_url"),
    Column(heading="Schedule", key="schedule"),
    Column(heading="Suspended", key="suspended"),
    Column(heading="Time Zone", key="time_zone", wide=True),
    Column(heading="Git Branch", key="git_branch", wide=True),
    Column(heading="Retries", key="retries", wide=True),
    Column(heading="Last Scheduled", key="last_scheduled_time", wide=True),
    Column(heading="Image", key="image", wide=True),
)


@value
class Timing:
    """When it runs, as given; None: not given."""

    schedule: str | None = None
    time_zone: str | None = None
    suspend: bool | None = None
    history_limit: int | None = None


_TIMING = (
    click.option("--schedule", metavar="CRON", help='When: five fields as in "0 6 * * mon-fri", or @hourly, @daily, @weekly, @monthly.'),
    click.option("--time-zone", metavar="ZONE", callback=check_time_zone, help="Whose clock, as Europe/Berlin; default: Etc/UTC."),
    click.option("--suspend/--no-suspend", default=None, help="Begin no run by itself any more, or again."),
    click.option(
        "--history-limit",
        type=click.IntRange(min=0),
        metavar="N",
        help="How many runs are kept of those that succeeded, and of those that failed; default: 1.",
    ),
)
_DRY_RUN = (
    click.option(
        "--dry-run",
        type=click.Choice(["client", "server"]),
        help="Change nothing: print what would stand, as YAML; server asks the API server too.",
    ),
    click.option("-o", "--output", "_output", type=click.Choice(["yaml"]), expose_value=False, help="With --dry-run; it is always YAML."),
)


def timing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a time; the command gets them as one value, `timing`."""
    command = gathered("timing", Timing)(command)
    for option in reversed(_TIMING):
        command = option(command)
    return command


def dry_run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--dry-run` and `-o yaml`; the command gets `dry_run`."""
    for option in reversed(_DRY_RUN):
        command = option(command)
    return command


def create_schedule(name: str, timing: Timing, remote: Remote, dry_run: DryRun | None) -> NewCronjob | None:
    """None: one of that name is there already. A dry run prints it."""
    if not timing.schedule:
        raise click.UsageError("Missing option '--schedule'.")
    from bodywork_compiler.controller.cronjobs import NewCronjob, create_cronjob, object_name

    cleaned, when = object_name(name), when_of(timing, None)
    if dry_run == "client":
        new = NewCronjob(name=cleaned, work=work_of(remote, None), when=when)
        click.echo(new.manifest, nl=False)
        return new
    with at_home(remote.way, remote.home) as api:
        new = NewCronjob(name=cleaned, work=work_of(remote, api), when=when)
    kubectl = kubectl_of(remote.way, new.work.namespace)
    if dry_run:
        click.echo(kubectl.run("create", "-f", "-", "--dry-run=server", "--output=yaml", stdin=new.manifest).out, nl=False)
        return new
    store_key(remote, new.work)
    return new if create_cronjob(kubectl, new) else None


def when_of(timing: Timing, stands: Cronjob | None) -> When:
    """What was given, else what stands, else as always. A schedule that Kubernetes would refuse is refused here."""
    from bodywork_compiler.controller.cronjobs import DEFAULT_TIME_ZONE, When
    from bodywork_compiler.controller.schedule import check

    before = (
        When(
            schedule=stands.schedule,
            time_zone=stands.time_zone or DEFAULT_TIME_ZONE,
            suspend=stands.suspended,
            history_limit=stands.history_limit,
        )
        if stands
        else When(schedule="")
    )
    if timing.schedule is not None:
        check(timing.schedule)
    given = {name: each for name, each in asdict(timing).items() if each is not None}
    return replace(before, **given)


def rows_of(way: Way, home: str | None) -> list[dict[str, Any]]:
    from bodywork_compiler.controller.cronjobs import list_cronjobs

    with at_home(way, home) as api:
        return [row_of(each) for each in list_cronjobs(api)]


def row_of(cronjob: Cronjob) -> dict[str, Any]:
    """In the ancestor's words, and what it did not have."""
    return {
        "name": cronjob.name,
        "schedule": cronjob.schedule,
        "time_zone": cronjob.time_zone,
        "suspended": cronjob.suspended,
        "last_scheduled_time": cronjob.last_scheduled,
        "last_successful_time": cronjob.last_successful,
        "retries": cronjob.retries,
        "history_limit": cronjob.history_limit,
        "git_url": cronjob.apply.url,
        "git_branch": cronjob.apply.branch,
        "folder": cronjob.apply.folder,
        "namespace": cronjob.apply.namespace,
        "manifests": cronjob.apply.manifests,
        "timeout": cronjob.apply.timeout,
        "schedule_timeout": cronjob.apply.schedule_timeout,
        "project_templates": cronjob.apply.project_templates,
        "allow_privileges": cronjob.apply.allow_privileges,
        "image": cronjob.image,
    }


def show_history(way: Way, home: str | None, name: str, columns: tuple[Column, ...], output: Form) -> None:
    from bodywork_compiler.controller.cronjobs import history

    with at_home(way, home) as api:
        runs = history(api, name)
    rows = [as_row(each) for each in runs]
    if home and output in ("text", "wide"):
        rows = [{**each, "started": as_v1(each["started"]), "completed": as_v1(each["completed"])} for each in rows]
    show_rows(rows, columns, output)


def find_schedule(way: Way, home: str | None, name: str) -> Cronjob:
    from bodywork_compiler.controller.cronjobs import find_cronjob

    with at_home(way, home) as api:
        return find_cronjob(api, name)


def as_it_is_to_stand(api: Api, name: str, timing: Timing, asked: dict[str, Any]) -> tuple[Cronjob, NewCronjob]:
    """As it stands, and with what was given in its place. What a changed repository or image brings with it is looked at anew."""
    from bodywork_compiler import labels
    from bodywork_compiler.controller.cronjobs import NewCronjob, find_cronjob
    from bodywork_compiler.controller.work import Work

    stands = find_cronjob(api, name)
    given = {key: each for key, each in asked.items() if each is not None and key != "way"}
    before: dict[str, Any] = {"git_url": stands.apply.url, "retries": stands.retries, "image": stands.image if stands.is_ours else None}
    before |= {key: getattr(stands.apply, key) for key in _KEPT}
    before["timeout"] = stands.apply.timeout or "0"
    if stands.ssh:
        before["group"] = stands.ssh.secret.removesuffix(f"-{labels.SSH_SECRET[0]}")
    elif stands.token:
        before["group"] = stands.token.removesuffix(f"-{labels.HTTPS_SECRET[0]}")
    remote = Remote(way=asked["way"], **{**before, **given})
    if stands.is_ours and not given.keys() - {"retries"}:
        work = Work(
            apply=stands.apply, image=stands.image, retries=remote.retries or 0, ssh=stands.ssh, token=stands.token, namespace=api.namespace
        )
    else:
        work = work_of(remote, api)
    return stands, NewCronjob(name=stands.name, work=work, when=when_of(timing, stands))


def trigger_schedule(way: Way, name: str) -> str:
    from bodywork_compiler.controller.cronjobs import run_name, trigger

    stands = find_schedule(way, None, name)
    run = run_name(stands.name, time.time())
    trigger(kubectl_of(way, stands.namespace), stands, run)
    return run


def delete_schedule(way: Way, home: str | None, name: str) -> None:
    from bodywork_compiler.controller.cronjobs import delete_cronjob

    stands = find_schedule(way, home, name)
    delete_cronjob(kubectl_of(way, stands.namespace), stands)
