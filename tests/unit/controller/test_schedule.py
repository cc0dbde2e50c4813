"""Schedules by the rules of Kubernetes, and the times that they mean."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from schedule_texts import ACCEPTED, REFUSED, TAKEN_IN_VAIN

from bodywork_compiler.controller.schedule import check, next_times, parse
from bodywork_compiler.errors import BodyworkError

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 10, 24, 12, 0, 30, tzinfo=UTC)  # in the night to Sunday Berlin's clocks go back


@pytest.mark.parametrize("text", ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_kubernetes_takes_is_taken(text):
    assert parse(text).text == check(text).text == text


@pytest.mark.parametrize("text", TAKEN_IN_VAIN)
def test_what_never_comes_or_every_few_seconds_is_refused_although_kubernetes_takes_it(text):
    assert parse(text)
    with pytest.raises(BodyworkError, match=r"It never comes|more than once a minute"):
        check(text)


def test_a_long_schedule_is_not_said_whole():
    with pytest.raises(BodyworkError) as refused:
        parse("9" * 5_000 + " * * * *")
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_kubernetes_refuses_is_refused(text):
    with pytest.raises(BodyworkError, match="Invalid cronjob schedule: ") as refused:
        parse(text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 0 * * 7", "day of the week 7: must be 0 to 6; Sunday is 0."),
        ("60 * * * *", "minute 60: must be 0 to 59."),
        ("* * * *", "It has 4 fields, not 5."),
        ("0 0 * tz *", "month tz: is no number and no name."),
        ("CRON_TZ=UTC 0 * * * *", "The time zone is no part of it: give it with --time-zone."),
        ("@every day", "@every day: is no length of time, such as 90m or 1h30m."),
    ],
)
def test_the_error_says_which_part_is_wrong(text, said):
    with pytest.raises(BodyworkError) as refused:
        parse(text)
    assert refused.value.message == f"Invalid cronjob schedule: {text}. {said}"


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0,15,30,45 * * * *", ["10-24 12:15", "10-24 12:30", "10-24 12:45"]),
        ("@hourly", ["10-24 13:00", "10-24 14:00", "10-24 15:00"]),
        ("5/25 * * * *", ["10-24 12:05", "10-24 12:30", "10-24 12:55"]),
        ("0 20-23 1,31 * *", ["10-31 20:00", "10-31 21:00", "10-31 22:00"]),
        ("0 6 * * mon-fri", ["10-26 06:00", "10-27 06:00", "10-28 06:00"]),
        ("0 0 13 * 5", ["10-30 00:00", "11-06 00:00", "11-13 00:00"]),  # both fields of days are given: either of them
        ("0 0 ? * 5", ["10-30 00:00", "11-06 00:00", "11-13 00:00"]),
        ("1 1 1-7 * */7", ["10-25 01:01", "11-01 01:01", "11-02 01:01"]),  # a step makes `*` a choice of days; Debian's cron says both here
        ("@every 90m", ["10-24 13:30", "10-24 15:00", "10-24 16:30"]),
    ],
)
def test_the_next_times(text, times):
    assert [f"{each:%m-%d %H:%M}" for each in next_times(parse(text), SATURDAY, UTC)] == times


def test_an_hour_that_comes_twice_is_twice_there_and_one_that_is_left_out_is_not():
    autumn = next_times(parse("30 2 * * *"), SATURDAY, BERLIN)
    assert [each.isoformat() for each in autumn] == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"]
    spring = next_times(parse("30 2 * * *"), datetime(2026, 3, 28, 12, tzinfo=UTC), BERLIN)
    assert spring[0].isoformat() == "2026-03-30T02:30:00+02:00"


def test_a_day_that_never_comes_has_no_times():
    assert next_times(parse("0 0 30 2 *"), SATURDAY, UTC) == []
    assert [f"{each:%Y-%m-%d}" for each in next_times(parse("0 0 29 2 *"), SATURDAY, UTC)] == ["2028-02-29"]
