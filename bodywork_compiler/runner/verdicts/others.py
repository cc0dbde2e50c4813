"""Kinds that are no stage's workload: waited for by their conditions where they have them."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.runner.verdicts.values import Object, Situation, Verdict, any_condition, is_observed, one_line

_GOOD = ("Ready", "Available", "Complete", "Succeeded", "Established")
_BAD = ("Failed", "Stalled")
NOT_WATCHED = "applied, not watched"


def judge_still(_obj: Object, _pods: Sequence[Object], _events: Sequence[Object], _situation: Situation) -> Verdict:
    """Kinds that are what they are once they are applied: ConfigMap, Service, …"""
    return Verdict(state="good")


def judge_by_conditions(obj: Object, _pods: Sequence[Object], _events: Sequence[Object], _situation: Situation) -> Verdict:
    bad = [found for kind in _BAD if (found := any_condition(obj, kind)) and found.get("status") == "True"]
    if bad:
        return Verdict(state="failed", message=one_line(str(bad[0].get("message") or bad[0].get("reason") or bad[0].get("type"))))
    said = [found for kind in _GOOD if (found := any_condition(obj, kind))]
    if not said:
        return Verdict(state="good", message=NOT_WATCHED)
    is_current = is_observed(obj) or "observedGeneration" not in (obj.get("status") or {})
    if is_current and any(each.get("status") == "True" for each in said):
        return Verdict(state="good")
    words = said[0].get("message") or said[0].get("reason") or f"not {said[0].get('type')}"
    return Verdict(state="running", message=one_line(f"waiting: {words}"))
