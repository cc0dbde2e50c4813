"""Runs that end badly on a real cluster: what is said, what is left, what was put back.

What earlier Bodywork got wrong about that, and which test fails on its behaviour:

| there | here |
| --- | --- |
| a Job between two attempts counts as failed, and is deleted | `test_a_retry_that_succeeds_is_a_success` |
| a service that no node takes, or whose image is not there, is not rolled back | `test_a_service_that_no_node_takes_goes_back_at_its_deadline` (`unit/runner/test_bad_ends.py`) |
| Service and Ingress of a stage that is gone stay | `test_only_its_own_that_no_stage_needs` (`test_apply_prune.py`) |
| services select pods by the stage's name alone, of whatever pipeline | `test_an_overlay_that_renames_and_relabels_all_lives_beside_its_base` (`test_apply_prune.py`) |
| the revision to go back to is found as text, "10" before "9"; labels stay the failed version's | `test_a_service_that_was_made_by_kubectl_create_goes_back_from_revision_10_to_9` |
| a branch `feature/x` is put into a label, which the API server refuses | `test_only_its_own_that_no_stage_needs` (`test_apply_prune.py`), which runs on such a branch |
| the failure stage has neither the commit nor the SSH key | `test_the_failure_stage_can_fetch_a_private_repository_and_knows_the_commit` (`unit/compiler`) |
| after Ctrl-C there is no failure stage, and the exit code is 1 | `test_a_signal_stops_the_step_and_leaves_nothing_running` (`test_apply_interrupted.py`) |
| logs of a stage are found by the beginning of its name (`stage-1` in `stage-10`) | `test_what_only_is_called_alike_is_another_stage` |
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import a_batch_stage, a_pipeline, write
from clusters import Cluster
from hand_made import LISTENS, RUNS_ON, Switch, a_batch, a_failure_stage, a_service, a_switch, apply, apply_stream, from_secret, stream
from servers import GitServer, address_for_pods

pytestmark = pytest.mark.cluster
FAILS = "raise SystemExit('no data today')"


@pytest.fixture
def address(cluster: Cluster) -> str:
    return address_for_pods(cluster.node_address())


@pytest.fixture
def third_time_lucky(address: str) -> Iterator[Switch]:
    with a_switch(address, 500, 500, 200) as switch:
        yield switch


def test_a_retry_that_succeeds_is_a_success(cluster: Cluster, namespace: str, third_time_lucky: Switch) -> None:
    run = apply(cluster, namespace, a_batch("train", 1, third_time_lucky.code, retries=2))

    assert run.exit_code == 0, run.err
    assert run.stage("train")["attempts"] == 3
    assert [line for line in run.log("train") if line in {"asked", "went on"}] == ["asked", "asked", "asked", "went on"]
    assert {each["attempt"] for each in run.of("log_line")} == {1, 2, 3}


def test_a_batch_that_fails_every_time_shows_each_attempt_and_stops_the_run(cluster: Cluster, namespace: str) -> None:
    run = apply(cluster, namespace, a_batch("train", 1, FAILS, retries=1), *a_service("serve", 2))

    assert run.exit_code == 4
    evidence = run.one("evidence")
    assert [(tail["attempt"], tail["exit_code"], tail["lines"]) for tail in evidence["tails"]] == [
        (1, 1, ["no data today"]),
        (2, 1, ["no data today"]),
    ]
    assert any("kubectl describe job/train" in line and f"--namespace={namespace}" in line for line in evidence["look_further"])
    ended = run.one("run_ended")
    assert {each["stage"]: each["result"] for each in ended["stages"]} == {"train": "failed", "serve": "not started"}
    assert ended["result"] == "failed"
    assert cluster.get("-n", namespace, "deployments")["items"] == []
    assert [each["metadata"]["name"] for each in cluster.get("-n", namespace, "jobs")["items"]] == ["train"], "it stays to be looked at"


def test_nothing_of_a_failed_step_runs_on(cluster: Cluster, namespace: str) -> None:
    run = apply(cluster, namespace, a_batch("fails", 1, FAILS), a_batch("runs-on", 1, RUNS_ON), *a_service("good", 1))

    assert run.exit_code == 4
    results = {each["stage"]: each["result"] for each in run.one("run_ended")["stages"]}
    assert (results["fails"], results["runs-on"]) == ("failed", "stopped")
    assert [each["metadata"]["name"] for each in cluster.get("-n", namespace, "jobs")["items"]] == ["fails"]
    pods = {each["metadata"]["labels"]["bodywork/stage"] for each in cluster.get("-n", namespace, "pods")["items"]}
    assert "runs-on" not in pods
    assert ("good" in pods) == (results["good"] == "available"), "a service that was good stays, one that was not yet goes back"


def test_a_service_that_fails_at_its_first_deployment_is_removed(cluster: Cluster, namespace: str) -> None:
    run = apply(cluster, namespace, *a_service("serve", 1, "print('cannot start'); raise SystemExit(3)"))

    assert run.exit_code == 4
    assert run.one("evidence")["tails"][0]["lines"][-1] == "cannot start"
    assert run.position("evidence") < run.position("rolled_back")
    assert (run.one("rolled_back")["revision"], run.one("rolled_back")["complete"]) == (None, True)
    assert cluster.get("-n", namespace, "deployments,services")["items"] == []


def test_a_failed_update_leaves_everything_as_it_was(cluster: Cluster, namespace: str) -> None:
    first = a_service("serve", 1, env=[{"name": "MODEL", "value": "one"}, {"name": "GONE_LATER", "value": "1"}])
    first[0]["metadata"]["labels"]["gone-later"] = "1"
    first[0]["metadata"]["annotations"] = {"bodywork/git-commit": "1" * 40}
    apply(cluster, namespace, *first)
    before = [_as_it_is(cluster, namespace, kind) for kind in ("deployment", "service")]
    pods = _pods(cluster, namespace)

    second = a_service("serve", 1, "raise SystemExit(3)", env=[{"name": "MODEL", "value": "two"}])
    second[0]["metadata"]["labels"]["added-later"] = "1"
    second[0]["metadata"]["annotations"] = {"bodywork/git-commit": "2" * 40}
    second[0]["spec"]["minReadySeconds"] = 1
    second[1]["spec"]["ports"][0]["port"] = 6000
    run = apply(cluster, namespace, *second)

    assert run.exit_code == 4
    assert (run.one("rolled_back")["revision"], run.one("rolled_back")["complete"]) == (1, True)
    assert [_as_it_is(cluster, namespace, kind) for kind in ("deployment", "service")] == before
    assert pods <= _pods(cluster, namespace), "the pods that served all the time still do"
    again = apply(cluster, namespace, *a_service("serve", 1, env=[{"name": "MODEL", "value": "three"}]))
    assert again.exit_code == 0, again.err


def test_a_service_that_was_made_by_kubectl_create_goes_back_from_revision_10_to_9(cluster: Cluster, namespace: str) -> None:
    """It has no last-applied, its ConfigMap and secret have other names than the failed version's, and as text "10" comes before "9"."""
    for name in ("old", "new"):
        cluster.make_secret(namespace, name, KEY=name)
        cluster.kubectl("-n", namespace, "create", "configmap", name, f"--from-literal=MODEL={name}")
    made = a_service("serve", 1, env=_env_of("old"))
    made[0]["spec"]["replicas"] = 0  # revisions cost nothing so
    cluster.kubectl("-n", namespace, "create", "-f", "-", stdin=stream(*made))
    for number in range(2, 10):
        cluster.kubectl("-n", namespace, "set", "env", "deployment/serve", f"COUNT={number}")
    cluster.kubectl("-n", namespace, "scale", "deployment/serve", "--replicas=1")
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/serve", "--timeout=60s")
    before = [_as_it_is(cluster, namespace, kind) for kind in ("deployment", "service")]
    pods = _pods(cluster, namespace)

    bad = a_service("serve", 1, image="Impossible Name", env=_env_of("new"))
    bad[0]["metadata"]["labels"]["bad"] = bad[1]["metadata"]["labels"]["bad"] = "1"
    run = apply(cluster, namespace, *bad)

    assert run.exit_code == 4
    assert (run.one("rolled_back")["revision"], run.one("rolled_back")["complete"]) == (9, True)
    assert [_as_it_is(cluster, namespace, kind) for kind in ("deployment", "service")] == before
    assert _pods(cluster, namespace) >= pods, "the pods that served all the time still do"
    good = a_service("serve", 1, env=_env_of("new"))
    assert apply(cluster, namespace, *good).exit_code == 0
    found = cluster.get("-n", namespace, "deployment", "serve")
    assert "bad" not in found["metadata"]["labels"]
    assert {each["name"] for each in found["spec"]["template"]["spec"]["containers"][0]["env"]} == {"COUNT", "MODEL", "KEY"}


def _env_of(name: str) -> list[dict[str, object]]:
    model = {"name": "MODEL", "valueFrom": {"configMapKeyRef": {"name": name, "key": "MODEL"}}}
    return [model, from_secret("KEY", name, "KEY")]


def test_an_unchanged_service_whose_restart_fails_goes_back_too(cluster: Cluster, namespace: str, address: str) -> None:
    """Its manifest is the same, so only the revision tells what stood before."""
    with a_switch(address, 200) as switch:
        service = a_service("serve", 1, f"{switch.code}; {LISTENS}")
        apply(cluster, namespace, *service)
        before, pods = _as_it_is(cluster, namespace, "deployment"), _pods(cluster, namespace)
        switch.answers[:] = [500]
        run = apply(cluster, namespace, *service)

    assert run.exit_code == 4
    assert (run.one("rolled_back")["revision"], run.one("rolled_back")["complete"]) == (1, True)
    assert _as_it_is(cluster, namespace, "deployment") == before
    assert pods <= _pods(cluster, namespace)


def test_the_failure_stage_is_told_why(cluster: Cluster, namespace: str) -> None:
    tells = a_failure_stage("tell", "import os; print('because: ' + os.environ['EXCEPTION_MESSAGE'])")
    run = apply(cluster, namespace, a_batch("train", 1, FAILS), tells)

    assert run.exit_code == 4
    assert len(run.log("tell")) == 1
    assert run.log("tell")[0].startswith("because: train (step 1): ")
    assert run.stage("tell")["result"] == "succeeded"


def test_the_failure_stage_of_a_good_run_never_runs(cluster: Cluster, namespace: str) -> None:
    run = apply(cluster, namespace, a_batch("train", 1), a_failure_stage("tell", "print('never')"))

    assert run.exit_code == 0, run.err
    assert run.log("tell") == []
    assert [each["metadata"]["name"] for each in cluster.get("-n", namespace, "jobs")["items"]] == ["train"]


def test_missing_secrets_are_all_named_before_anything_is_changed(cluster: Cluster, namespace: str) -> None:
    cluster.make_secret(namespace, "half", user="me")
    needs = [from_secret("KEY", "aws", "KEY"), from_secret("SECRET", "aws", "SECRET"), from_secret("PASSWORD", "half", "password")]
    run = apply(cluster, namespace, a_batch("prepare", 1), a_batch("train", 2, env=needs))

    assert run.exit_code == 1
    assert "secret aws is not there" in run.err
    assert "secret half has no password" in run.err
    assert "--name aws --data KEY --data SECRET" in run.err
    assert run.of("object_changed") == []
    assert cluster.get("-n", namespace, "jobs")["items"] == []


def test_the_command_that_makes_a_missing_secret_can_be_run_as_it_stands(cluster: Cluster, namespace: str) -> None:
    cluster.make_secret(namespace, "half", user="me")
    needs = [from_secret("KEY", "aws", "KEY"), from_secret("PASSWORD", "half", "password")]
    pipeline = [a_batch("train", 1, "import os; print((os.environ['KEY'] + os.environ['PASSWORD']).lower())", env=needs)]
    refused = apply(cluster, namespace, *pipeline)
    commands = [line.strip() for line in refused.err.splitlines() if line.strip().startswith(("kubectl ", "bodywork secret "))]
    assert len(commands) == 2
    for command in commands:
        done = cluster.run("sh", "-c", f'export KEY=VALUE PATH="{Path(sys.executable).parent}:$PATH"; {command}')
        assert done.returncode == 0, done.stderr

    assert apply(cluster, namespace, *pipeline).log("train") == ["valuevalue"]


def test_what_only_is_called_alike_is_another_stage(cluster: Cluster, namespace: str) -> None:
    run = apply(
        cluster, namespace, a_batch("train", 1, "print('one')"), a_batch("train-2", 1, "print('two')"), a_batch("train-2-a", 2, FAILS)
    )

    assert run.exit_code == 4
    assert run.log("train") == ["one"]
    assert run.log("train-2") == ["two"]
    assert {tail["pod"].rpartition("-")[0] for tail in run.one("evidence")["tails"]} == {"train-2-a"}


def test_what_keeps_a_stages_code_from_beginning_is_evidence_too(
    cluster: Cluster, namespace: str, git_server: GitServer, tmp_path: Path
) -> None:
    """A requirement that does not exist; then a commit that was never pushed."""
    stage = a_batch_stage(requirements=["no-such-package==1"], batch={"max_completion_time_seconds": 60, "retries": 0})
    repository = a_pipeline(tmp_path / namespace, namespace=namespace, stages={"train": stage}, remote=None, env={"PIP_NO_INDEX": "1"})
    config = repository.path / "bodywork.yaml"
    config.write_text(config.read_text().replace("version: '1.1'", "version: '1.2'"))
    repository.commit()
    git_server.publish(repository, namespace)
    installing = apply_stream(cluster, namespace, cluster.bodywork("render", ".", cwd=repository.path).stdout)
    write(repository.path / "train/main.py", "print('changed')\n")
    never_pushed = repository.commit()
    repository.pushed()
    fetching = apply_stream(cluster, namespace, cluster.bodywork("render", ".", cwd=repository.path).stdout)

    for run, container in ((installing, "install"), (fetching, "fetch")):
        assert run.exit_code == 4, run.err
        assert [tail["container"] for tail in run.one("evidence")["tails"]] == [container]
    assert any("No matching distribution found for no-such-package==1" in line for line in installing.one("evidence")["tails"][0]["lines"])
    assert installing.one("evidence")["reason"].startswith("installing requirements failed")
    assert f"has no commit {never_pushed}: was it pushed, or is its branch gone?" in fetching.one("evidence")["reason"]


def test_an_image_that_is_not_there_is_known_before_any_deadline(cluster: Cluster, namespace: str) -> None:
    run = apply(cluster, namespace, a_batch("train", 1, image="Impossible Name"))

    assert run.exit_code == 4
    assert run.stage("train")["result"] == "failed"
    assert "Impossible Name" in run.stage("train")["reason"]
    assert cluster.get("-n", namespace, "jobs,pods")["items"] == [], "it would be tried for ever"


def test_what_the_api_server_refuses_first_changes_nothing_and_exits_1(cluster: Cluster, namespace: str) -> None:
    impossible = a_batch("train", 2)
    impossible["spec"]["backoffLimit"] = -1
    run = apply(cluster, namespace, a_batch("first", 1), impossible)

    assert run.exit_code == 1
    assert cluster.get("jobs", "-n", namespace)["items"] == [], "nothing trains to be refused in step 2"
    assert "backoffLimit" in run.err
    assert "Traceback" not in run.err


def test_what_the_api_server_refuses_later_is_a_run_that_failed(cluster: Cluster, namespace: str) -> None:
    """What no dry run before step 1 can tell: each Job alone fits into the quota, and all of them do not."""
    cluster.kubectl("create", "quota", "jobs", "--hard=count/jobs.batch=2", "-n", namespace)
    cluster.kubectl("wait", "quota/jobs", "--for=jsonpath={.status.used}", "--timeout=30s", "-n", namespace)
    run = apply(cluster, namespace, a_batch("first", 1), a_batch("beside", 2, RUNS_ON), a_batch("second", 2))

    assert run.exit_code == 4
    results = {each["stage"]: each["result"] for each in run.one("run_ended")["stages"]}
    assert results == {"first": "succeeded", "beside": "stopped", "second": "failed"}
    assert "exceeded quota" in run.stage("second")["reason"]


def test_no_cluster_at_all_is_said_in_kubectls_words(cluster: Cluster, namespace: str) -> None:
    done = cluster.bodywork(
        "apply", "-", "--context", "nowhere", "--namespace", namespace, cwd=cluster.kubeconfig.parent, stdin=stream(a_batch("train", 1))
    )

    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def _as_it_is(cluster: Cluster, namespace: str, kind: str) -> dict[str, Any]:
    """All that makes the object what it is, without what counts or times its changes."""
    found = copy.deepcopy(cluster.get("-n", namespace, kind, "serve"))
    metadata = found["metadata"]
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != "deployment.kubernetes.io/revision"}
    return {"labels": metadata["labels"], "annotations": annotations, "spec": found["spec"]}


def _pods(cluster: Cluster, namespace: str) -> set[str]:
    return {each["metadata"]["uid"] for each in cluster.get("-n", namespace, "pods")["items"]}


def test_a_stage_beyond_its_deadline_has_its_log_although_its_pod_is_gone(cluster: Cluster, namespace: str) -> None:
    slow = a_batch("train", 1, RUNS_ON)
    slow["spec"]["activeDeadlineSeconds"] = 6
    run = apply(cluster, namespace, slow)

    assert run.exit_code == 70
    assert run.stage("train")["result"] == "timed out"
    assert run.one("evidence")["tails"][0]["lines"] == ["began"]
    assert run.one("run_ended")["result"] == "timed out"


def test_a_service_that_does_not_answer_in_time_is_taken_back(cluster: Cluster, namespace: str) -> None:
    """Its code runs, and listens on no port."""
    service = a_service("serve", 1, RUNS_ON)
    service[0]["metadata"]["annotations"] = {"bodywork/max-startup-time-seconds": "3"}
    run = apply(cluster, namespace, *service)

    assert run.exit_code == 70
    assert run.stage("serve")["result"] == "timed out"
    assert "took longer than 3 s to answer" in run.one("evidence")["reason"]
    assert run.one("evidence")["tails"][0]["lines"] == ["began"]
    assert (run.one("rolled_back")["revision"], run.one("rolled_back")["complete"]) == (None, True)
    assert cluster.get("-n", namespace, "deployments,services")["items"] == []


def test_a_registry_that_does_not_answer_is_waited_for(cluster: Cluster, namespace: str) -> None:
    """It may come back: only the stage's own limit ends it."""
    train = a_batch("train", 1, image="localhost:1/image:1")
    train["spec"]["activeDeadlineSeconds"] = 6
    run = apply(cluster, namespace, train)

    assert run.exit_code == 70
    assert any("localhost:1/image:1" in each["message"] for each in run.of("stage_progress"))
