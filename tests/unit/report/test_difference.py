"""What `bodywork diff` prints."""

from __future__ import annotations

import io
import json

import pytest

from bodywork_compiler.preview.values import Change, Difference, Left
from bodywork_compiler.report.tables import show_json, show_text

DIFF = ("--- Job/train in the cluster", "+++ Job/train in the manifests", "@@ -1 +1 @@", "-image: python:3.11", "+image: python:3.12")
TRAIN = Change(step=1, stage="train", kind="Job", name="train", namespace=None, action="replaced", diff=DIFF)
SERVE = Change(step=2, stage="serve", kind="Deployment", name="serve", namespace=None, action="same")
LEFT = (Left(kind="Job", name="old", is_removed=True), Left(kind="Service", name="gone", is_removed=False))
FOUND = Difference(pipeline="iris", context="kind-dev", namespace="lab", has_namespace=True, changes=(TRAIN, SERVE), left=LEFT)
TEXT = """\
Job train: replaced: a Job cannot be changed, apply removes it and makes it anew
--- Job/train in the cluster
+++ Job/train in the manifests
@@ -1 +1 @@
-image: python:3.11
+image: python:3.12
no longer in the manifests:
  Job old (apply removes it, as all Jobs of earlier runs)
  Service gone (apply leaves it)
iris → context kind-dev, namespace lab: 1 replaced, 1 the same
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "NO_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def text(found: Difference, stream: io.StringIO) -> str:
    show_text(found, stream)
    return stream.getvalue()


def test_people_see_what_changes_and_how_much_does_not() -> None:
    assert text(FOUND, io.StringIO()) == TEXT


def test_colours_are_for_a_terminal_only() -> None:
    shown = text(FOUND, Terminal())
    assert "\x1b[31m-image: python:3.11\x1b[0m" in shown
    assert "\x1b[32m+image: python:3.12\x1b[0m" in shown


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert text(FOUND, Terminal()) == TEXT


def test_what_stands_in_an_object_steers_no_terminal() -> None:
    change = Change(
        step=1, stage=None, kind="ConfigMap", name="a", namespace=None, action="changed", diff=("+a: \x1b]0;title\x07b\x1b[2J",)
    )
    found = Difference(pipeline="iris", context="c", namespace="n", has_namespace=True, changes=(change,))
    assert "\x1b]0" not in text(found, Terminal())
    assert "\x1b[2J" not in text(found, Terminal())


def test_programs_get_all_of_it_as_one_object() -> None:
    stream = io.StringIO()
    show_json(FOUND, stream)
    read = json.loads(stream.getvalue())
    assert read["same"] is False
    assert [(each["kind"], each["action"], each["diff"]) for each in read["changes"]] == [
        ("Job", "replaced", list(DIFF)),
        ("Deployment", "same", []),
    ]
    assert read["left"][0] == {"kind": "Job", "name": "old", "is_removed": True}
