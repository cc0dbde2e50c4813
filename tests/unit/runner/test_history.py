"""The record of a run: written at its end however it ended, in one call, bounded, and without secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes import (
    HERE,
    NAMESPACE,
    Object,
    PaperCluster,
    a_deployment,
    a_job,
    a_plan,
    a_session,
    a_template,
    as_failed,
    as_good,
    as_too_slow,
    closing,
    execute,
)

from bodywork_compiler.runner import run, run_records
from bodywork_compiler.runner.events import Event, Notice
from bodywork_compiler.runner.run_records import RunRecord, StageRecord, from_text, to_text

WHOLE = 200 * 1024
COMMIT = "3f2a9c1" + "0" * 33


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def a_run(number: int = 0, *, stages: int = 1, result: str = "succeeded", **more: Any) -> RunRecord:
    of_stages = tuple(StageRecord(step=each, stage=f"stage-{each}", result="succeeded", seconds=1.25) for each in range(1, stages + 1))
    given: dict[str, Any] = {"exit_code": 0, "seconds": 72.5, "stages": of_stages, **more}
    return RunRecord(id=f"{number:08x}", by="ada@laptop", started="2026-11-21T10:00:00Z", result=result, **given)


def written(cluster: PaperCluster) -> list[tuple[tuple[str, ...], Object]]:
    """The calls that wrote a history, with what they wrote."""
    found = [(words, json.loads(text)["items"][0]) for words, text in cluster.records if text]
    return [(words, each) for words, each in found if each["metadata"]["name"] == "bodywork-iris-runs"]


def runs_of(cluster: PaperCluster) -> tuple[RunRecord, ...]:
    return from_text(cluster.objects["ConfigMap", "bodywork-iris-runs"]["data"]["runs.json"])


def again(cluster: PaperCluster, *manifests: Object, **options: Any) -> tuple[int, list[Event]]:
    return execute(cluster, a_plan(*manifests), **options)


# when it is written


def test_a_good_run_is_written_down_once_and_in_one_call(cluster: PaperCluster) -> None:
    train = a_job("train", 1)
    train["metadata"]["annotations"] = {"bodywork/git-commit": COMMIT, "bodywork/git-branch": "feature/x"}
    assert execute(cluster, a_plan(train, a_deployment("serve", 2)))[0] == 0
    [(words, config_map)] = written(cluster)
    assert words == ("apply", "--server-side", "--force-conflicts", "--validate=false", "-f", "-")
    assert config_map["metadata"]["labels"]["bodywork/pipeline"] == "iris"
    assert "bodywork/step" not in config_map["metadata"]["labels"], "what has a place in the order of steps may be pruned"
    [kept] = runs_of(cluster)
    assert (kept.result, kept.exit_code, kept.git_commit, kept.git_branch, kept.reason) == ("succeeded", 0, COMMIT, "feature/x", None)
    assert [(each.stage, each.result) for each in kept.stages] == [("train", "succeeded"), ("serve", "available")]
    assert kept.id
    assert "@" in kept.by


def test_a_failed_run_says_why(cluster: PaperCluster) -> None:
    cluster.on_apply = as_failed
    assert execute(cluster, a_plan(a_job("train", 1), a_deployment("serve", 2)))[0] == 4
    [kept] = runs_of(cluster)
    assert (kept.result, kept.exit_code) == ("failed", 4)
    assert "train (step 1)" in str(kept.reason)
    assert [(each.result, bool(each.reason)) for each in kept.stages] == [("failed", True), ("not started", False)]


def test_a_run_that_timed_out_is_written_down(cluster: PaperCluster) -> None:
    cluster.on_apply = as_too_slow
    assert execute(cluster, a_plan(a_deployment("serve", 1)))[0] == 70
    assert [(each.result, each.exit_code) for each in runs_of(cluster)] == [("timed out", 70)]


def test_a_run_that_was_interrupted_is_written_down(cluster: PaperCluster) -> None:
    plan = a_plan(a_job("train", 1))
    with closing(a_session(cluster, plan)) as session:

        def interrupted(manifest: Object) -> Object:
            session.interrupted.set()
            return manifest

        cluster.on_apply = interrupted
        assert run.execute(session, run.about_to_start(plan, HERE)) == 130
    assert [(each.result, each.exit_code) for each in runs_of(cluster)] == [("interrupted", 130)]


def test_a_refused_run_is_not_written_down(cluster: PaperCluster) -> None:
    cluster.refusals["apply -f"] = "Error from server (Forbidden): no"
    assert execute(cluster, a_plan(a_job("train", 1)), may_raise=True)[0] == 1
    assert written(cluster) == []


def test_that_it_cannot_be_written_is_a_warning_and_changes_nothing(cluster: PaperCluster) -> None:
    cluster.refusals["apply --server-side"] = "Error from server (Forbidden): configmaps is forbidden"
    exit_code, told = execute(cluster, a_plan(a_job("train", 1)))
    assert exit_code == 0
    said = [event for event in told if isinstance(event, Notice) and "not in the history" in event.message]
    assert [each.level for each in said] == ["WARNING"]


# what is kept


def test_the_newest_comes_first_and_twenty_are_kept(cluster: PaperCluster) -> None:
    cluster.put(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "bodywork-iris-runs", "labels": {"bodywork/pipeline": "iris"}},
            "data": {"runs.json": to_text(map(a_run, range(20)))},
        }
    )
    again(cluster, a_job("train", 1))
    runs = runs_of(cluster)
    assert len(runs) == 20
    assert [each.id for each in runs[1:]] == [a_run(number).id for number in range(19)]


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', "null", "[{}]", ""])
def test_what_somebody_has_made_unreadable_is_begun_anew(cluster: PaperCluster, text: str) -> None:
    cluster.put(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "bodywork-iris-runs", "labels": {"bodywork/pipeline": "iris"}},
            "data": {"runs.json": text},
        }
    )
    assert again(cluster, a_job("train", 1))[0] == 0
    assert len(runs_of(cluster)) == 1


def test_secrets_are_masked(cluster: PaperCluster) -> None:
    cluster.put({"kind": "Secret", "metadata": {"name": "store", "labels": {}}, "data": {"KEY": "c3dvcmRmaXNo"}})
    train = a_job("train", 1, template=a_template(envFrom=[{"secretRef": {"name": "store"}}]))

    def fails(manifest: Object) -> Object:
        failed = as_failed(manifest)
        failed["status"]["conditions"][0]["message"] = "it said swordfish"
        return failed

    cluster.on_apply = lambda manifest: fails(manifest) if manifest["kind"] == "Job" else manifest
    assert execute(cluster, a_plan(train))[0] == 4
    [(_, config_map)] = written(cluster)
    assert "swordfish" not in json.dumps(config_map)
    assert "***" in json.dumps(config_map)


# how much


def test_it_comes_back_as_it_was() -> None:
    runs = (a_run(1, stages=3, git_url="u", reason="why", result="failed"), a_run(2))
    assert from_text(to_text(runs)) == runs


def test_twenty_runs_of_ten_thousand_stages_are_cut_and_that_is_said() -> None:
    text = to_text([a_run(number, stages=10_000, reason="x" * 100_000, result="failed") for number in range(20)])
    assert len(text.encode()) < WHOLE
    runs = from_text(text)
    assert len(runs) == run_records.RUNS
    for each in runs:
        assert each.stages_left_out + len(each.stages) == 10_000
        assert len(each.stages) > 100
        assert str(each.reason).endswith("…")


def test_what_was_cut_once_stays_counted() -> None:
    [once] = from_text(to_text([a_run(stages=10_000)]))
    assert from_text(to_text([once])) == (once,)


def test_stages_that_went_wrong_are_kept_before_all_others() -> None:
    whole = a_run(stages=10_000)
    failed = StageRecord(step=9_999, stage="stage-9999", result="failed", seconds=1.0, reason="why")
    cut = run_records.bounded(replace(whole, stages=(*whole.stages[:-2], failed, whole.stages[-1])))
    assert failed in cut.stages
    assert [each.step for each in cut.stages] == sorted(each.step for each in cut.stages)


def test_what_a_later_version_has_added_is_passed_over() -> None:
    plain = json.loads(to_text([a_run()]))
    plain[0]["colour"] = "blue"
    plain[0]["stages"][0]["colour"] = "blue"
    assert from_text(json.dumps(plain)) == (a_run(),)


@pytest.mark.parametrize("started", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_run_whose_end_no_calendar_has_is_left_out(started: str) -> None:
    assert from_text(to_text([replace(a_run(), started=started, seconds=100.0), a_run(1)])) == (a_run(1),)
