"""Good runs on a real cluster."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from clusters import Cluster
from hand_made import a_batch, a_service, apply, programs, run_of, stream

pytestmark = pytest.mark.cluster


def test_the_next_step_begins_when_the_one_before_has_succeeded(cluster: Cluster, namespace: str) -> None:
    run = apply(cluster, namespace, a_batch("train", 1, "print('accuracy=0.9')"), *a_service("serve", 2))

    assert run.exit_code == 0, run.err
    assert run.log("train") == ["accuracy=0.9"]
    assert run.position("stage_ended", stage="train") < run.position("object_changed", kind="Deployment", name="serve")
    assert run.stage("train")["result"] == "succeeded"
    assert run.stage("serve")["result"] == "available"
    assert run.stage("serve")["address"] == f"http://serve.{namespace}.svc.cluster.local:5000"
    assert run.one("run_ended")["result"] == "succeeded"
    assert run.events[-1]["event"] == "run_ended"


def test_a_second_run_needs_no_clean_up_and_runs_everything_anew(cluster: Cluster, namespace: str) -> None:
    pipeline = [a_batch("train", 1), *a_service("serve", 2)]
    apply(cluster, namespace, *pipeline)
    first_job = cluster.get("-n", namespace, "job", "train")["metadata"]["uid"]

    changed = [a_batch("train", 1, "print('trained otherwise')"), *a_service("serve", 2)]
    run = apply(cluster, namespace, *changed)

    assert run.exit_code == 0, run.err
    assert run.log("train") == ["trained otherwise"]
    assert cluster.get("-n", namespace, "job", "train")["metadata"]["uid"] != first_job
    assert [each["name"] for each in run.of("object_changed") if each["action"] == "restarted"] == ["serve"]
    assert cluster.get("-n", namespace, "deployment", "serve")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_a_service_whose_template_changed_is_not_restarted_on_top_of_it(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, *a_service("serve", 1))
    run = apply(cluster, namespace, *a_service("serve", 1, env=[{"name": "MODEL", "value": "newer"}]))

    assert run.exit_code == 0, run.err
    assert "restarted" not in {each["action"] for each in run.of("object_changed")}
    assert cluster.get("-n", namespace, "deployment", "serve")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_stages_of_one_step_run_side_by_side(cluster: Cluster, namespace: str) -> None:
    waits_a_while = "import time; time.sleep(3)"
    run = apply(cluster, namespace, a_batch("left", 1, waits_a_while), a_batch("right", 1, waits_a_while), a_batch("after", 2))

    assert run.exit_code == 0, run.err
    jobs = {each["metadata"]["name"]: each["status"] for each in cluster.get("-n", namespace, "jobs")["items"]}
    assert jobs["left"]["startTime"] < jobs["right"].get("completionTime", "~")
    assert jobs["right"]["startTime"] < jobs["left"].get("completionTime", "~")
    assert max(run.position("stage_ended", stage="left"), run.position("stage_ended", stage="right")) < run.position("step_started", step=2)


def test_the_namespace_is_made_when_absent_and_says_who_made_it(cluster: Cluster, namespace: str) -> None:
    made = f"{namespace}-made"
    try:
        run = apply(cluster, made, a_batch("train", 1))
        annotations = cluster.get("namespace", made)["metadata"]["annotations"]
    finally:
        cluster.delete_namespace(made)

    assert run.exit_code == 0, run.err
    assert annotations["bodywork/created-by"].startswith("bodywork-")
    assert "bodywork/created-by" not in annotations.get("kubectl.kubernetes.io/last-applied-configuration", "")


def test_a_namespace_that_is_there_is_not_touched(cluster: Cluster, namespace: str) -> None:
    before = cluster.get("namespace", namespace)["metadata"]["resourceVersion"]
    ours = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"bodywork/pipeline": "tiny"}}}
    run = apply(cluster, namespace, ours, a_batch("train", 1))

    assert run.exit_code == 0, run.err
    assert cluster.get("namespace", namespace)["metadata"]["resourceVersion"] == before


@pytest.mark.parametrize("kubectl", programs("kubectl"), ids=lambda path: str(path.parent.name))
def test_each_kubectl_at_hand_does_it(cluster: Cluster, namespace: str, kubectl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}")
    run = apply(cluster, namespace, a_batch("train", 1), *a_service("serve", 2))
    again = apply(cluster, namespace, a_batch("train", 1), *a_service("serve", 2))

    assert (run.exit_code, again.exit_code) == (0, 0), run.err + again.err


def test_a_folder_is_read_in_name_order_and_a_file_alone(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "02-serve").mkdir()
    (tmp_path / "01-train.yaml").write_text(stream(a_batch("train", 1)))
    (tmp_path / "02-serve" / "all.json").write_text(json.dumps(a_batch("check", 2)))
    folder = cluster.bodywork("apply", tmp_path, "-o", "json", "--namespace", namespace, cwd=tmp_path)
    file = cluster.bodywork("apply", "01-train.yaml", "-o", "json", "--namespace", namespace, cwd=tmp_path)

    assert [each["stage"] for each in run_of(folder.returncode, folder.stdout, folder.stderr).of("stage_ended")] == ["train", "check"]
    assert [each["stage"] for each in run_of(file.returncode, file.stdout, file.stderr).of("stage_ended")] == ["train"]


def test_an_overlay_is_built_and_executed_in_step_order(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(stream(a_batch("b-first", 1), a_batch("a-second", 2)))
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]\nnamePrefix: prod-\n")  # its legacy order sorts Jobs by name
    done = cluster.bodywork("apply", tmp_path, "-o", "json", "--namespace", namespace, cwd=tmp_path)

    run = run_of(done.returncode, done.stdout, done.stderr)
    assert run.exit_code == 0, run.err
    assert [each["name"] for each in run.of("stage_ended")] == ["prod-b-first", "prod-a-second"]


def test_the_log_has_the_form_that_the_documents_show(cluster: Cluster, namespace: str) -> None:
    done = cluster.bodywork(
        "apply", "-", "--namespace", namespace, cwd=Path("/"), stdin=stream(a_batch("train", 1, "print('my own line')"))
    )

    assert done.returncode == 0, done.stderr
    assert " - INFO - run.step - creating job=train in namespace=" in done.stdout
    header = done.stdout.index("---- pod logs for train")
    assert "my own line" in done.stdout[header:]
    assert done.stderr == ""


def test_print_commands_shows_each_kubectl_line(cluster: Cluster, namespace: str) -> None:
    done = cluster.bodywork("apply", "-", "--print-commands", "--namespace", namespace, cwd=Path("/"), stdin=stream(a_batch("train", 1)))

    lines = [line.split()[1:3] for line in done.stderr.splitlines() if line.startswith("$ ")]
    asked, applied, recorded = [["kubectl", "apply"]] * 3
    assert lines == [["kubectl", "proxy"], ["kubectl", "config"], asked, applied, recorded]
    assert done.stderr.count("--dry-run=server") == 1, "all steps are asked about in one call"
    assert "$ kubectl" not in done.stdout


def test_reads_are_one_proxy_for_the_whole_run(cluster: Cluster, namespace: str) -> None:
    """However many stages are watched and followed: one process reads, and each step is one that writes."""
    stages = [a_batch(f"stage-{number}", 1) for number in range(6)]
    done = cluster.bodywork("apply", "-", "--print-commands", "--namespace", namespace, cwd=Path("/"), stdin=stream(*stages))

    assert done.returncode == 0, done.stderr
    assert [line.split()[2] for line in done.stderr.splitlines() if line.startswith("$ ")] == ["proxy", "config", "apply", "apply", "apply"]
