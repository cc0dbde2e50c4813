"""What a run has written down in the cluster, after somebody else has written there: it ends no run, and nothing of others is touched because of it."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from fakes import (
    NAMESPACE,
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
    labels_of,
    made,
)
from test_resume import AGAIN, REVISION, as_going_on, cut_off, has_made, put_replica_set, step

from bodywork_compiler.runner import before, lease, run_records
from bodywork_compiler.runner.before import LAST_APPLIED, Before
from bodywork_compiler.runner.events import Notice, RolledBack

GOOD_RUN = {"id": "a1", "by": "ada@here", "started": "2026-01-02T03:04:05Z", "result": "succeeded", "exit_code": 0, "seconds": 1.5}
BROKEN_TEXTS = [
    *("", "{", "[" * 200_000, "null", "true", "7", '"text"', "{}", "[]", "[[]]", "[null]", "[1]", '[{"a": []}]'),
    *('[{"seconds": NaN}]', '[{"seconds": Infinity}]', "[" + "9" * 5_000 + "]", "\x00", "\ud800", '["\\ud800"]'),
]
WRONG_VALUES: list[Any] = [
    None,
    True,
    -1,
    10**30,
    1e300,
    "",
    "x",
    "\x1b[31m",
    [],
    ["x"],
    {},
    {"a": {}},
    "9" * 5_000,
    "-1",
    "٣",
    "²",
]


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def test_a_history_keeps_the_runs_that_can_be_read() -> None:
    good = run_records.from_text(json.dumps([GOOD_RUN]))
    assert len(good) == 1
    for key in GOOD_RUN:
        for value in WRONG_VALUES:
            mixed = run_records.from_text(json.dumps([{**GOOD_RUN, key: value}, GOOD_RUN]))
            assert mixed[-1:] == good, (key, value)
            run_records.from_text(run_records.to_text(mixed))
            json.dumps([each.seconds for each in mixed], allow_nan=False)
    for stages in WRONG_VALUES:
        assert run_records.from_text(json.dumps([{**GOOD_RUN, "stages": stages}]))[0].stages == ()
        assert run_records.from_text(json.dumps([{**GOOD_RUN, "stages": [{"step": 1, "stage": stages, "result": stages}]}]))


@pytest.mark.parametrize("text", BROKEN_TEXTS, ids=range(len(BROKEN_TEXTS)))
def test_a_broken_history_is_begun_anew(text: str, cluster: PaperCluster) -> None:
    cluster.put(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "bodywork-iris-runs", "labels": {"bodywork/pipeline": "iris"}},
            "data": {"runs.json": text},
        }
    )
    assert run_records.from_text(text) == ()
    exit_code, told = execute(cluster, a_plan(a_job("train", 1)))
    assert exit_code == 0
    assert not [each for each in told if isinstance(each, Notice) and "history" in each.message]


def test_a_history_of_others_does_not_grow_beyond_what_fits() -> None:
    huge = [{**GOOD_RUN, "by": "x" * 900_000, "stages": [{"step": 1, "stage": "y" * 9_000, "result": "failed"}] * 50}] * 500
    kept = run_records.to_text(run_records.from_text(json.dumps(huge)))
    assert len(kept) < 20 * (run_records.LONGEST_RUN + 10 * run_records.LONGEST_TEXT)


@pytest.mark.parametrize("key", [lease.PLAN, lease.PART, lease.PROCESS, lease.BEGUN, lease.STARTED, lease.RUN, lease.BY])
def test_a_lease_with_any_annotation_is_read(key: str) -> None:
    texts = [*BROKEN_TEXTS, *map(json.dumps, WRONG_VALUES), "boot ns ² 1", "boot ns ٣ 1", f"boot ns {'9' * 5_000} 1", "a b -1 c"]
    texts += [json.dumps({"only": value, "from_step": value, "train": value}) for value in WRONG_VALUES]
    for text in texts:
        record = lease.record_of(
            {"metadata": {"annotations": {lease.RUN: "r", lease.BEGUN: "x", key: text}}, "spec": {"holderIdentity": "x", "renewTime": text}}
        )
        assert record
        assert all(isinstance(digest, str) for digest in record.plan.values())
        assert set(record.part) <= {"from_step", "only"}
        lease.is_dead(record.process, record.process, lambda _: None)
        lease.is_overdue(record, lease.datetime.now(lease.timezone.utc))
        lease.held_words(record)
        run = lease.cut_off(record)
        assert run is None or run_records.from_text(run_records.to_text([run]))


def test_nobody_waits_for_years_for_somebody_elses_lease() -> None:
    record = lease.record_of({"spec": {"holderIdentity": "x", "leaseDurationSeconds": 2**31 - 1}})
    assert record
    assert record.seconds == lease.LEASE_SECONDS
    assert lease.taking(record, is_dead=False, unheard_seconds=lease.LEASE_SECONDS, break_lock=False) == "expired"


@pytest.mark.parametrize("part", [{"from_step": 99}, {"only": ["of-another"]}])
def test_a_part_that_the_plan_does_not_have_is_refused_and_nothing_is_pruned(part: dict[str, Any], cluster: PaperCluster) -> None:
    plan = a_plan(a_job("train", 1), a_job("score", 2))
    cut_off(cluster, plan, step(2))
    stands = cluster.objects["Lease", "bodywork-iris"]
    stands["metadata"]["annotations"][lease.PART] = json.dumps(part)
    assert execute(cluster, plan, may_raise=True, options=AGAIN)[0] == 1
    assert cluster.ran == []


def packed(plain: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(plain).encode())).decode()


OTHERS = {"kind": "Service", "name": "of-another", "stage": "serve", "version": "apps/v1", "object": None}
FORGED_RECORDS: dict[str, dict[str, str]] = {
    "not base64": {"step-2": "%%%"},
    "no gzip": {"step-2": base64.b64encode(b"x" * 100).decode()},
    "cut gzip": {"step-2": base64.b64encode(gzip.compress(b"[" * 5_000)[:20]).decode()},
    "broken gzip": {"step-2": base64.b64encode(gzip.compress(b"[]" * 5_000)[:12] + b"\xff" * 40).decode()},
    "a bomb": {"step-2": base64.b64encode(gzip.compress(b"[" + b"[]," * 30_000_000)).decode()},
    "deep": {"step-2": base64.b64encode(gzip.compress(b"[" * 2_000_000)).decode()},
    "not UTF-8": {"step-2": base64.b64encode(gzip.compress(b"\xff")).decode()},
    "no list": {"step-2": packed({})},
    "wrong types": {
        "step-2": packed(
            WRONG_VALUES[:3]
            + [{"kind": "Deployment", "name": each, "stage": each, "version": each, "object": each} for each in ([], {}, 1, "x")]
        )
    },
    "other steps": {"step-": packed([]), "step-x": packed([]), "step-99": packed([OTHERS]), f"step-{'9' * 5_000}": packed([])},
    "others' objects": {"step-2": packed([OTHERS, {**OTHERS, "kind": "Secret"}, {**OTHERS, "kind": "Deployment", "name": "--all"}])},
    "under another stage": {
        "step-2": packed([{"kind": "Deployment", "name": "serve", "stage": "train", "version": "apps/v1", "object": None}])
    },
    "of another namespace": {
        "step-2": packed(
            [
                {
                    "kind": "Deployment",
                    "name": "serve",
                    "stage": "serve",
                    "version": "apps/v1",
                    "object": {"metadata": {"name": "serve", "namespace": "other"}},
                }
            ]
        )
    },
    "another name inside": {
        "step-2": packed(
            [
                {
                    "kind": "Deployment",
                    "name": "serve",
                    "stage": "serve",
                    "version": "apps/v1",
                    "object": {"metadata": {"name": "of-another"}},
                }
            ]
        )
    },
    "odd parts": {
        "step-2": packed(
            [
                {
                    "kind": "Deployment",
                    "name": "serve",
                    "stage": "serve",
                    "object": {"metadata": {"name": "serve", "annotations": []}, "spec": 3},
                }
            ]
        )
    },
}


@pytest.mark.parametrize("forged", FORGED_RECORDS.values(), ids=FORGED_RECORDS)
def test_a_forged_record_of_what_was_there_ends_no_run_and_touches_nothing_of_others(forged: dict[str, str], cluster: PaperCluster) -> None:
    """The run that is resumed fails in its service, which is taken back."""
    plan = a_plan(a_job("train", 1), a_deployment("serve", 2))
    cluster.put(as_good(a_deployment("of-another", 9, labels={})))
    cluster.on_apply = as_going_on("serve")
    cut_off(cluster, plan, has_made("serve"))
    cluster.objects["ConfigMap", "bodywork-iris-before"]["binaryData"] = forged
    cluster.on_apply = lambda manifest: as_failed(manifest) if manifest["kind"] == "Job" else as_good(manifest)
    exit_code, _ = execute(cluster, plan, options=AGAIN)
    assert exit_code in {0, 4}
    assert not [words for words in cluster.ran if "of-another" in " ".join(words) or "--all" in words or "secret" in " ".join(words)]
    assert "of-another" not in "".join(cluster.stdins)


def record_of(manifest: Any, stage: str | None = None) -> Any:
    """As a run would have written it, of an object that stood before."""
    name, version = manifest["metadata"]["name"], manifest["apiVersion"]
    return {"kind": manifest["kind"], "name": name, "stage": stage, "version": version, "namespace": None, "object": manifest}


def a_forged_service(**pod: Any) -> Any:
    found = a_deployment("serve", 2, annotations={REVISION: "3"})
    found["spec"]["template"]["spec"] |= pod
    return found


def resumed_with(cluster: PaperCluster, forged: Any, template: Any, **annotations: str) -> tuple[list[Any], list[Any]]:
    """What the resumed run told, and the Deployments that it sent when it was too slow. The record is forged while the run is cut off."""
    plan = a_plan(a_job("train", 1), a_deployment("serve", 2))
    cluster.on_apply = as_going_on("serve")
    cut_off(cluster, plan, has_made("serve"))
    put_replica_set(cluster, template, **annotations)
    cluster.objects["ConfigMap", "bodywork-iris-before"]["binaryData"] = {"step-2": packed([record_of(forged, "serve")])}
    cluster.on_apply = as_too_slow
    told: list[Any] = execute(cluster, plan, options=AGAIN)[1]
    undone = cluster.ran.index(UNDO) if UNDO in cluster.ran else len(cluster.ran)
    sent = [each for stdin in cluster.stdins[undone:] if stdin for each in json.loads(stdin)["items"] if each["kind"] == "Deployment"]
    return told, sent


UNDO = ("rollout", "undo", "deployment/serve", "--to-revision=3")
FOREIGN = [
    {"name": "a", "command": ["sh", "-c", "env"], "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "other", "key": "A"}}}]}
]


@pytest.mark.parametrize("annotations", [{REVISION: "3"}, {REVISION: "5", "deployment.kubernetes.io/revision-history": "1,3"}])
def test_what_pods_run_is_taken_from_the_replica_set_and_not_from_the_record(annotations: dict[str, str], cluster: PaperCluster) -> None:
    stood = {"metadata": {"labels": {"app": "serve"}}, **a_template(image="python:3.10")}
    told, sent = resumed_with(cluster, a_forged_service(containers=FOREIGN), stood, **annotations)
    assert UNDO in cluster.ran
    assert [each["spec"]["template"] for each in sent] == [stood]
    assert [(each.complete, each.revision) for each in told if isinstance(each, RolledBack)] == [(True, 3)]


@pytest.mark.parametrize("revision", [None, "4", "33"])
def test_without_a_replica_set_of_the_revision_nothing_is_put_back(revision: str | None, cluster: PaperCluster) -> None:
    forged = a_forged_service(containers=FOREIGN)
    forged["metadata"]["annotations"] = {REVISION: revision} if revision else {}
    told, sent = resumed_with(cluster, forged, a_template(), **{REVISION: "3"})
    assert (UNDO in cluster.ran, sent) == (False, [])
    assert any(
        "deployment/serve (a record is not believed about what its pods run" in each.message for each in told if isinstance(each, Notice)
    )
    assert [each.complete for each in told if isinstance(each, RolledBack)] == [False]


def test_a_replica_set_of_others_does_not_count(cluster: PaperCluster) -> None:
    put = cluster.put
    cluster.put = lambda obj: put({**obj, "metadata": {**obj["metadata"], "ownerReferences": []}} if obj["kind"] == "ReplicaSet" else obj)  # type: ignore[method-assign]
    _, sent = resumed_with(cluster, a_forged_service(containers=FOREIGN), a_template(), **{REVISION: "3"})
    assert (UNDO in cluster.ran, sent) == (False, [])


CLUSTER_ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "extra"}, "rules": [{"verbs": ["*"]}]}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "extra"}, "data": {"KEY": "Zm9yZ2Vk"}}
STATEFUL_SET = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "extra", "annotations": {REVISION: "3"}},
    "spec": {"template": a_template()},
}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "extra"}, "automountServiceAccountToken": True}


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (record_of(CLUSTER_ROLE), "records of its kind are not trusted"),
        (record_of(SECRET), "records of its kind are not trusted"),
        (record_of(ACCOUNT), "records of its kind are not trusted"),
        (record_of(STATEFUL_SET), "a record is not believed about what its pods run"),
        (record_of(a_forged_service(serviceAccountName="admin"), "serve"), "serviceAccountName: runs as the account admin"),
        (record_of(a_forged_service(hostNetwork=True), "serve"), "hostNetwork: the node's network"),
        (record_of(a_forged_service(volumes=[{"name": "a", "hostPath": {"path": "/"}}]), "serve"), "hostPath: files of the node"),
        (
            record_of(a_forged_service(containers=[{"name": "a", "securityContext": {"privileged": True}}]), "serve"),
            "privileged: all rights on the node",
        ),
    ],
)
def test_a_record_gives_nobody_more_than_manifests_do(forged: Any, why: str, cluster: PaperCluster) -> None:
    extra = {"metadata": {"name": "extra", "labels": {"bodywork/pipeline": "iris", "bodywork/step": "2"}}}
    added = [{**each, **extra} for each in (CLUSTER_ROLE, SECRET, {**ACCOUNT, "automountServiceAccountToken": False}, STATEFUL_SET)]
    plan = a_plan(a_job("train", 1), a_deployment("serve", 2), *added)
    cluster.on_apply = as_going_on("serve")
    cut_off(cluster, plan, has_made("serve"))
    if forged["kind"] == "Deployment":  # a version that stood once, when more was allowed
        put_replica_set(cluster, forged["object"]["spec"]["template"], **{REVISION: "3"})
    cluster.objects["ConfigMap", "bodywork-iris-before"]["binaryData"] = {"step-2": packed([forged])}
    cluster.on_apply = as_too_slow
    told: list[Any] = execute(cluster, plan, options=AGAIN)[1]
    assert not [stdin for words, stdin in zip(cluster.ran, cluster.stdins, strict=True) if words[0] == "replace" and "kubectl" not in stdin]
    warned = next(each.message for each in told if isinstance(each, Notice) and "if this run fails, it does not put back" in each.message)
    assert why in warned
    (back,) = [each for each in told if isinstance(each, RolledBack)]
    assert (back.complete, back.revision, back.message) == (False, 0, "what was there before is not known"), "it is not said to be removed"


def test_rights_and_secrets_are_not_written_down(cluster: PaperCluster) -> None:
    labels = {"bodywork/pipeline": "iris", "bodywork/step": "1"}
    added = [{**each, "metadata": {"name": "extra", "labels": labels}} for each in (CLUSTER_ROLE, SECRET)]
    for each in added:
        cluster.put(made(each))
    cut_off(cluster, a_plan(*added, a_job("train", 2)), step(2))
    for _, text in cluster.records:
        assert "step-1" not in text or before._unpacked(json.loads(text)["items"][0]["binaryData"]["step-1"]) == []


@pytest.mark.parametrize("kind", ["Deployment", "ConfigMap"])
def test_what_a_record_calls_new_is_removed_only_where_runs_have_made_it(kind: str, cluster: PaperCluster) -> None:
    """It had stood there before, of somebody else, who put it there again while the run was cut off."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "labels": labels_of("serve", 2)}, "data": {}}
    plan = a_plan(a_job("train", 1), settings, a_deployment("serve", 2))
    cluster.on_apply = as_going_on("serve")
    cut_off(cluster, plan, has_made("serve"))
    others = {"Deployment": as_too_slow(a_deployment("serve", 2)), "ConfigMap": settings}

    def put_by_others(manifest: Any) -> Any:
        return others[kind] if manifest["kind"] == kind and manifest["metadata"]["name"] in {"serve", "settings"} else as_too_slow(manifest)

    cluster.on_apply = put_by_others
    _, told = execute(cluster, plan, options=AGAIN)
    assert (kind == "ConfigMap") is (("delete", "deployment/serve", "--ignore-not-found") in cluster.ran)
    assert ("ConfigMap", "settings") in cluster.objects or kind == "Deployment"
    assert any("no run of this pipeline made it" in each.message for each in told if isinstance(each, Notice | RolledBack))


MANIFESTS = [
    *BROKEN_TEXTS,
    json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "of-another"}}),
    json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "serve", "namespace": "other"}}),
    json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "serve"}}),
    json.dumps({"apiVersion": "evil.example.com/v1", "kind": "Deployment", "metadata": {"name": "serve"}}),
    json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name", "serve"]}),
]


@pytest.mark.parametrize("text", MANIFESTS, ids=range(len(MANIFESTS)))
def test_last_applied_of_another_object_is_not_applied(text: str) -> None:
    stood = {"kind": "Deployment", "metadata": {"name": "serve", "namespace": "lab", "annotations": {LAST_APPLIED: text, REVISION: text}}}
    was = Before(kind="Deployment", name="serve", stage="serve", object=stood, api_version="apps/v1")
    assert was.last_applied is None
    assert was.revision in {None, 7}
    assert was.whole()["metadata"]["name"] == "serve"


def test_last_applied_of_the_object_is() -> None:
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "serve", "namespace": "lab"}}
    stood = {"metadata": {"name": "serve", "namespace": "lab", "annotations": {LAST_APPLIED: json.dumps(manifest), REVISION: "12"}}}
    was = Before(kind="Deployment", name="serve", stage="serve", object=stood, api_version="apps/v1")
    assert (was.last_applied, was.revision) == (manifest, 12)


def test_what_is_read_back_is_what_was_written() -> None:
    stood = a_deployment("serve", 2)
    stood["spec"]["template"] = a_template()
    was = [
        Before(kind="Deployment", name="serve", stage="serve", object=stood, api_version="apps/v1"),
        Before(kind="Service", name="s", stage=None, object=None, api_version="v1"),
    ]
    assert before._unpacked(before._packed(was)) == was


def test_a_session_reads_no_record_of_another_run(cluster: PaperCluster) -> None:
    cluster.put(
        {"kind": "ConfigMap", "metadata": {"name": "bodywork-iris-before", "annotations": {lease.RUN: "x"}}, "binaryData": {"step-1": "%"}}
    )
    with closing(a_session(cluster, a_plan(a_job("train", 1)))) as session:
        assert before.recorded(session, "y") == {}
