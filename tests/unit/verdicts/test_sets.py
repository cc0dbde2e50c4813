"""StatefulSets and DaemonSets, by statuses that were recorded on a real cluster."""

from __future__ import annotations

import pytest
from recordings import recorded_object

from bodywork_compiler.runner.verdict import Situation, judge, unplaced

CASES = {each["case"]: each for each in recorded_object("sets")["items"]}
NO_CPUS = "waiting: 0/1 nodes are available: 1 Insufficient cpu"


@pytest.mark.parametrize(
    ("case", "state", "message"),
    [
        ("state-fresh", "running", "waiting for its containers (pod state-ok-0)"),
        ("state-good", "good", ""),
        # the controller has seen the change and done nothing yet: all counts are those of the old revision
        ("state-update-seen", "running", "waiting for pods: 0 of 2 are ready"),
        ("state-update-under-way", "running", "container main exited with code 1; it is started again"),
        ("state-update-bad", "failed", "container main exited with code 1, "),
        ("state-crashes", "failed", "container main exited with code 1, "),
        ("state-unschedulable", "running", NO_CPUS),
        ("daemo-fresh", "running", "waiting for its containers (pod daemo-ok-"),
        ("daemo-good", "good", ""),
        ("daemo-update-seen", "running", "waiting for pods: 0 of 1 are ready"),
        ("daemo-update-bad", "failed", "container main exited with code 1, "),
        ("daemo-crashes", "failed", "container main exited with code 1, "),
        ("daemo-unschedulable", "running", NO_CPUS),
    ],
)
def test_a_recorded_status_has_its_verdict(case: str, state: str, message: str) -> None:
    found = judge(CASES[case]["object"], CASES[case]["pods"], [], Situation())
    assert found.state == state, found.message
    assert message in found.message


def test_an_older_generation_is_no_verdict() -> None:
    good = CASES["state-good"]
    newer = {**good["object"], "metadata": {**good["object"]["metadata"], "generation": 9}}
    assert judge(newer, good["pods"], [], Situation()).message == "waiting for the cluster to see the change"


def test_pods_below_a_partition_and_those_that_people_delete_by_hand_stay_as_they_are() -> None:
    under_way = CASES["state-update-seen"]["object"]
    for strategy in ({"type": "OnDelete"}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}):
        kept = {**under_way, "spec": {**under_way["spec"], "updateStrategy": strategy}}
        assert judge(kept, [], [], Situation()).state == "good"


@pytest.mark.parametrize("case", ["state-unschedulable", "daemo-unschedulable"])
def test_their_pods_wait_for_a_node_as_those_of_stages_do(case: str) -> None:
    found = CASES[case]
    assert unplaced(found["object"], found["pods"], []) == {found["pods"][0]["metadata"]["uid"]}
    late = Situation(placing_seconds=900, placing_limit=900)
    assert judge(found["object"], found["pods"], [], late).state == "timed out"
