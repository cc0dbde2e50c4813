"""Schedules by the rules of Kubernetes, and the times that they mean.

Kubernetes reads them with robfig/cron v3 (https://github.com/robfig/cron/blob/v3/parser.go), and every reader differs in what it takes and in what
it means by it. So do Python's: cronsim and croniter take 7 for Sunday and refuse `?` or `5/10`, and they join `*/2` in one of the two fields of
days with the other by "and" as Debian does, where Kubernetes joins them by "or". A schedule that passes there and fails here, or comes on other
days, is what this check is to prevent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone, tzinfo

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

_LONGEST_SHOWN = 100  # characters of a schedule in a message
LONGEST_SEARCH_DAYS = 5 * 366  # as far as Kubernetes looks
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = {
    name: number
    for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1)
}
_WEEKDAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
# what Go's strings.Fields splits at (https://pkg.go.dev/unicode#IsSpace); Python's split knows \x1c to \x1f too
_SPACES = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_LARGEST_DIGITS = 18  # of a number in 64 bits
_LEAST_EVERY = timedelta(minutes=1)
_CALENDAR_DAYS = 28 * 366  # in 28 years every date comes on every day of the week
_LONGEST_SECONDS = 2**63 // 10**9  # nanoseconds in 64 bits
# the micro sign and the Greek letter: https://pkg.go.dev/time#ParseDuration
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@value
class Field:
    """One of the five. `is_any`: it was `*` or `?`, which leaves the choice of days to the other field of days."""

    numbers: frozenset[int]
    is_any: bool


@value
class Schedule:
    """`text` is as given. `every`: the distance of an `@every`, which has no fields."""

    text: str
    fields: tuple[Field, ...] = ()
    every: timedelta | None = None

    def comes_on(self, day: date) -> bool:
        _, _, days, months, weekdays = self.fields
        if day.month not in months.numbers:
            return False
        by_date, by_weekday = day.day in days.numbers, day.isoweekday() % 7 in weekdays.numbers
        return (by_date and by_weekday) if days.is_any or weekdays.is_any else (by_date or by_weekday)


@value
class _Bounds:
    name: str
    low: int
    high: int
    names: dict[str, int]


_BOUNDS = (
    _Bounds(name="minute", low=0, high=59, names={}),
    _Bounds(name="hour", low=0, high=23, names={}),
    _Bounds(name="day of the month", low=1, high=31, names={}),
    _Bounds(name="month", low=1, high=12, names=_MONTHS),
    _Bounds(name="day of the week", low=0, high=6, names=_WEEKDAYS),
)


class _Wrong(Exception):
    """Why it is none, as half a sentence."""


def parse(text: str) -> Schedule:
    """A BodyworkError says why Kubernetes would refuse it."""
    try:
        return _parsed(text)
    except _Wrong as why:
        raise _refused(text, why) from None


def check(text: str) -> Schedule:
    """As `parse`, and refuses what Kubernetes takes although it comes never, or more often than it can be meant."""
    schedule = parse(text)
    if schedule.every is not None and schedule.every < _LEAST_EVERY:
        raise _refused(text, "A run would begin more than once a minute, which no CronJob does.")
    if schedule.every is None and not _comes(schedule):
        raise _refused(text, "It never comes: there is no such day, or no such minute.")
    return schedule


def _refused(text: str, why: object) -> BodyworkError:
    return BodyworkError(f"Invalid cronjob schedule: {_short(text)}. {why}", hint=_HINT)


def _comes(schedule: Schedule) -> bool:
    if not schedule.fields[0].numbers or not schedule.fields[1].numbers:
        return False
    return any(schedule.comes_on(date(2000, 1, 1) + timedelta(days=number)) for number in range(_CALENDAR_DAYS))


_HINT = (
    'Five fields: minute, hour, day of the month, month, day of the week (0-6, Sunday is 0), as in "0 6 * * mon-fri"; or @hourly, @daily.'
)


def _parsed(text: str) -> Schedule:
    if "TZ" in text:
        raise _Wrong("The time zone is no part of it: give it with --time-zone.")
    if text.startswith("@every "):
        return Schedule(text=text, every=_distance(text.removeprefix("@every ")))
    if text.startswith("@") and text not in _DESCRIPTORS:
        raise _Wrong(f"Those that begin with @ are @every TIME and {', '.join(_DESCRIPTORS)}.")
    words = [word for word in _SPACES.split(_DESCRIPTORS.get(text, text)) if word]
    if len(words) != len(_BOUNDS):
        raise _Wrong(f"It has {len(words)} field{'' if len(words) == 1 else 's'}, not 5.")
    return Schedule(text=text, fields=tuple(_field(word, bounds) for word, bounds in zip(words, _BOUNDS, strict=True)))


def _field(text: str, bounds: _Bounds) -> Field:
    parts = [_part(part, bounds) for part in text.split(",") if part]  # empty ones are dropped there too
    return Field(numbers=frozenset().union(*(numbers for numbers, _ in parts)), is_any=any(is_any for _, is_any in parts))


def _part(text: str, bounds: _Bounds) -> tuple[range, bool]:
    """`*`, `n`, `n-m`, each perhaps with `/step`; `n/step` goes to the end. Only a step of 1 leaves a `*` what it is."""
    span, *steps = text.split("/")
    if len(steps) > 1:
        raise _Wrong(f"{bounds.name} {_short(text)}: too many slashes.")
    first, *lasts = span.split("-")
    is_any = first in {"*", "?"}
    low, high = (bounds.low, bounds.high) if is_any else _ends(text, first, lasts, bounds)
    if steps and not lasts:
        high = bounds.high
    step = _number(steps[0], bounds) if steps else 1
    _check(text, (low, high, step), bounds)
    return range(low, high + 1, step), is_any and step == 1


def _ends(text: str, first: str, lasts: list[str], bounds: _Bounds) -> tuple[int, int]:
    if len(lasts) > 1:
        raise _Wrong(f"{bounds.name} {_short(text)}: too many hyphens.")
    low = _number(first, bounds)
    return low, _number(lasts[0], bounds) if lasts else low


def _check(text: str, range_: tuple[int, int, int], bounds: _Bounds) -> None:
    low, high, step = range_
    if low < bounds.low or high > bounds.high:
        raise _Wrong(f"{bounds.name} {_short(text)}: must be {bounds.low} to {bounds.high}{_sunday(high, bounds)}.")
    if low > high:
        raise _Wrong(f"{bounds.name} {_short(text)}: ends before it begins.")
    if step == 0:
        raise _Wrong(f"{bounds.name} {_short(text)}: a step of 0.")


def _sunday(high: int, bounds: _Bounds) -> str:
    return "; Sunday is 0" if bounds.names is _WEEKDAYS and high == 7 else ""  # noqa: PLR2004 - what other crons take for it


def _number(text: str, bounds: _Bounds) -> int:
    named = bounds.names.get(text.lower())
    if named is not None:
        return named
    if not re.fullmatch(r"\+?[0-9]+", text):
        raise _Wrong(f"{bounds.name} {_short(text) or 'without a number'}: is no number{' and no name' if bounds.names else ''}.")
    digits = text.lstrip("+0") or "0"
    if len(digits) > _LARGEST_DIGITS:
        raise _Wrong(f"{bounds.name} {_short(text)}: is too large.")
    return int(digits)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _distance(text: str) -> timedelta:
    """As Go writes a length of time; whole seconds, at least one."""
    if not _DURATION.fullmatch(text):
        raise _Wrong(f"@every {_short(text)}: is no length of time, such as 90m or 1h30m.")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"(?<![\d.])([\d.]+)(ns|us|µs|μs|ms|s|m|h)", text))
    if seconds > _LONGEST_SECONDS:
        raise _Wrong(f"@every {_short(text)}: is too long.")
    return timedelta(seconds=1 if text.startswith("-") else max(1, int(seconds)))


def next_times(schedule: Schedule, after: datetime, zone: tzinfo, count: int = 3) -> list[datetime]:
    """The first times after that moment, in that zone; fewer where the next five years have no more. An hour that is left out has none."""
    if schedule.every:
        begin = after.astimezone(zone).replace(microsecond=0)
        return [begin + schedule.every * times for times in range(1, count + 1)]
    found: list[datetime] = []
    for moment in _moments(schedule, after, zone):
        found.append(moment)
        if len(found) == count:
            break
    return found


def _moments(schedule: Schedule, after: datetime, zone: tzinfo) -> Iterator[datetime]:
    minutes, hours = schedule.fields[0].numbers, schedule.fields[1].numbers
    first = after.astimezone(zone).date()
    for number in range(LONGEST_SEARCH_DAYS):
        day = first + timedelta(days=number)
        if schedule.comes_on(day):
            yield from (each for each in _minutes_of(day, zone) if each.minute in minutes and each.hour in hours and each > after)


def _minutes_of(day: date, zone: tzinfo) -> Iterator[datetime]:
    """By the clock of the world, so that an hour that comes twice is twice there, and one that is left out is not."""
    begin = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc) - timedelta(hours=3)
    for minute in range(30 * 60):
        moment = (begin + timedelta(minutes=minute)).astimezone(zone)
        if moment.date() == day:
            yield moment
