"""A StatefulSet or DaemonSet, which is no stage: good when all its pods are of its newest revision and ready."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.runner.verdicts import pods as ask
from bodywork_compiler.runner.verdicts import words
from bodywork_compiler.runner.verdicts.doom import ENDS_ALLOWED, crashes, doom_of
from bodywork_compiler.runner.verdicts.values import Object, Situation, Verdict, is_observed

_BY_HAND = "OnDelete"  # whoever chose this update strategy deletes the old pods by hand


def judge_stateful_set(stateful_set: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    """Partitions as in https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions: pods below it stay as they are."""
    spec, status = stateful_set.get("spec") or {}, stateful_set.get("status") or {}
    wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
    strategy = spec.get("updateStrategy") or {}
    kept = wanted if strategy.get("type") == _BY_HAND else int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    updated, ready = int(status.get("updatedReplicas") or 0), int(status.get("readyReplicas") or 0)
    if status.get("updateRevision") == status.get("currentRevision"):  # then nothing is counted as updated
        updated = int(status.get("replicas") or 0)
    is_good = ready == wanted and int(status.get("replicas") or 0) == wanted and updated >= wanted - kept
    return _judge(stateful_set, pods, events, situation, None if is_good else f"{min(ready, updated)} of {wanted}")


def judge_daemon_set(daemon_set: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    spec, status = daemon_set.get("spec") or {}, daemon_set.get("status") or {}
    wanted, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    updated = wanted if (spec.get("updateStrategy") or {}).get("type") == _BY_HAND else int(status.get("updatedNumberScheduled") or 0)
    return _judge(daemon_set, pods, events, situation, None if ready == wanted == updated else f"{min(ready, updated)} of {wanted}")


def _judge(obj: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation, lacking: str | None) -> Verdict:
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        return Verdict(state="failed", message="it is being deleted by someone else")
    if not is_observed(obj):
        return Verdict(state="running", message="waiting for the cluster to see the change")
    if lacking is None:
        return Verdict(state="good")
    mine = [pod for pod in ask.made_by(pods, ask.uid(obj)) if not ask.is_leaving(pod)]
    ended_badly = crashes(mine, situation.ends_before, ENDS_ALLOWED) or doom_of(mine, events)
    if ended_badly:
        return Verdict(state="failed", message=ended_badly)
    unready = [pod for pod in mine if not ask.is_ready(pod)]
    return Verdict(state="running", message=words.activity(unready[0], events) if unready else f"waiting for pods: {lacking} are ready")
