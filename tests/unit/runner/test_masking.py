"""Values of secrets in what a run tells."""

from __future__ import annotations

import base64
import traceback

import pytest

from bodywork_compiler.printable import log_line, printable
from bodywork_compiler.runner.events import ContainerTail, Event, Evidence, LogLine, Notice, RunEnded, StageEnded
from bodywork_compiler.runner.masking import Mask

VALUE = "correct horse/battery+staple"
KEY = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5v\nbmUAAAAEbm9uZQAAAAAAAAABAAAA\n-----END KEY-----\n"


def knowing(*values: str) -> Mask:
    mask = Mask()
    mask.learn({"data": {f"KEY_{number}": in_base64(value) for number, value in enumerate(values)}})
    return mask


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"password={VALUE}!", "password=***!"),
        (f"{VALUE}{VALUE}", "******"),
        (in_base64(VALUE), "***="),
        (in_base64(VALUE).rstrip("="), "***"),
        (in_base64(f"{VALUE}\n"), "***="),
        (base64.urlsafe_b64encode(VALUE.encode()).decode(), "***="),
        ("nothing of it", "nothing of it"),
    ],
)
def test_a_value_and_its_base64(line: str, shown: str) -> None:
    assert knowing(VALUE).text(line).rstrip("=") == shown.rstrip("=")


def test_a_value_of_several_lines_is_known_by_each_of_them() -> None:
    assert [knowing(KEY).text(line) for line in KEY.splitlines()] == ["***"] * 4


def test_base64_that_is_wrapped_is_known_by_its_rows() -> None:
    rows = base64.encodebytes(KEY.encode()).decode().splitlines()  # 76 characters each
    assert [knowing(KEY).text(row) for row in rows[:-1]] == ["***"] * (len(rows) - 1)


def test_what_is_shorter_than_four_characters_stands_in_too_many_words() -> None:
    assert knowing("abc").text("abc YWJj") == "abc YWJj"


def test_the_longer_of_two_values_is_masked_whole() -> None:
    assert knowing("user", "username-4711").text("username-4711 user") == "*** ***"


def test_characters_that_a_pattern_would_read_are_only_characters() -> None:
    assert knowing("a.*b[c]").text("a.*b[c] axxb[c]") == "*** axxb[c]"


def test_a_manifests_own_values_count_too() -> None:
    mask = Mask()
    mask.learn({"stringData": {"KEY": "plain-text"}, "data": {"OTHER": "no base64: é"}})
    assert mask.text("plain-text, no base64: é") == "***, ***"


def test_a_key_without_a_value_hides_nothing() -> None:
    assert knowing("", "   ").text("all of this") == "all of this"


ENDED = StageEnded(step=1, stage=VALUE, kind="Job", name="train", result="failed", seconds=1.0, reason=f"it said {VALUE}")
TAIL = ContainerTail(pod="p", container="stage", attempt=1, exit_code=1, lines=("a", VALUE))


@pytest.mark.parametrize(
    "event",
    [
        LogLine(stage="train", pod="p", container="stage", attempt=1, line=VALUE),
        Notice(message=VALUE),
        Evidence(step=1, stage="train", reason=VALUE),
        Evidence(step=1, stage="train", reason="", tails=(TAIL,)),
        Evidence(step=1, stage="train", reason="", warnings=("a", VALUE)),
        RunEnded(result="failed", exit_code=4, seconds=1.0, pipeline="p", namespace="n", git_commit=None, reason=VALUE),
    ],
)
def test_what_others_said_is_masked_wherever_an_event_has_it(event: Event) -> None:
    masked = knowing(VALUE).event(event)
    assert VALUE not in repr(masked)
    assert "***" in repr(masked)
    assert knowing("another").event(event) is event


def test_identity_is_never_masked() -> None:
    """A secret whose value is a stage's name must not take the stage's name away."""
    ended = RunEnded(result="failed", exit_code=4, seconds=1.0, pipeline=VALUE, namespace="n", git_commit=None, stages=(ENDED,))
    masked = knowing(VALUE).event(ended)
    assert isinstance(masked, RunEnded)
    assert (masked.pipeline, masked.stages[0].stage, masked.stages[0].reason) == (VALUE, VALUE, "it said ***")


def test_what_is_printed_of_a_bug_is_masked_with_all_that_led_to_it() -> None:
    with pytest.raises(KeyError) as raised:
        raise KeyError(VALUE) from ValueError(f"first {VALUE}", 7)
    knowing(VALUE).bug(raised.value)
    printed = "".join(traceback.format_exception(raised.value))
    assert VALUE not in printed
    assert "first ***" in printed


@pytest.mark.parametrize("between", ["\x1b[0m", "\u200e", "\0", "\r", "\x1b]0;title\x07", "\x1b]0;t\x1b[0m", "\x1b[2K", "\u2066\x1b[1m"])
@pytest.mark.parametrize("colours", [True, False])
def test_what_is_taken_away_before_a_line_is_shown_splits_no_value(between: str, colours: bool) -> None:  # noqa: FBT001 - a column
    mask = Mask()
    mask.learn({"stringData": {"TOKEN": "hunter2-hunter3"}})
    line = mask.text(f"\x1b[31mis hunte{between}r2-hunter3 and \x1b[32mmore\x1b[0m")
    assert "r2-hunter3" not in log_line(line, colours=colours)
    assert "more" in log_line(line, colours=colours)
    assert "r2-hunter3" not in printable(line)


def test_a_value_is_known_without_what_cannot_be_seen_of_it() -> None:
    mask = Mask()
    mask.learn({"stringData": {"TOKEN": "hunter2-\u200ehunter3"}})
    assert mask.text("\x1b[1mhunter2-\x1b[0mhunter3") == "\x1b[1m***"
