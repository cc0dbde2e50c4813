"""Schedules and time zones as they are typed, and the times that they mean as they are said."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from bodywork_compiler.controller.cronjobs import When

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
