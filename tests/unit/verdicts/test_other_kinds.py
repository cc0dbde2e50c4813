"""Kinds that are no stage's workload."""

import pytest

from bodywork_compiler.runner.verdict import Situation, judge


def judged(kind, status=None):
    verdict = judge({"kind": kind, "metadata": {"name": "x", "generation": 2}, "status": status or {}}, [], [], Situation())
    return verdict.state, verdict.message


def a_condition(kind, status="True", **more):
    return {"conditions": [{"type": kind, "status": status, **more}]}


@pytest.mark.parametrize(
    ("kind", "status", "state", "message"),
    [
        ("ConfigMap", None, "good", ""),
        ("Service", None, "good", ""),
        ("Widget", None, "good", "applied, not watched"),
        ("Widget", a_condition("Synced"), "good", "applied, not watched"),
        ("Widget", a_condition("Ready"), "good", ""),
        ("Widget", a_condition("Ready") | {"observedGeneration": 2}, "good", ""),
        ("Widget", a_condition("Ready", message="as before") | {"observedGeneration": 1}, "running", "waiting: as before"),
        ("Widget", a_condition("Ready", "False", message="no disk\nyet"), "running", "waiting: no disk yet"),
        ("Widget", a_condition("Available", "Unknown"), "running", "waiting: not Available"),
        ("Widget", a_condition("Stalled", reason="NoQuota"), "failed", "NoQuota"),
    ],
)
def test_other_kinds_are_waited_for_by_their_conditions_where_they_have_them(kind, status, state, message):
    assert judged(kind, status) == (state, message)
