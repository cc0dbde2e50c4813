"""`bodywork status`, `logs` and `delete` on a cluster of paper: which pipeline is meant, what is said, and what goes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import a_project
from deployed_objects import COMMIT, DECOYS, DONE, FAILED, IRIS, RUNNING, a_config_map, a_job, a_namespace, a_pod, an_object
from paper_kubectl import PaperKubectl, paper_kubectl
from terminal import at_a_terminal

Done = subprocess.CompletedProcess[str]
PODS = (
    a_pod("train-1", "train", log={"stage": "accuracy=0.9\n"}, fetch=DONE, stage=DONE),
    a_pod("serve-1", "serve", log={"stage": "\x1b[2Jready\n"}, fetch=DONE, stage=RUNNING),
    a_pod("serve-2", "serve", began="2026-11-21T10:00:02Z", log={"install": "no such package\n"}, fetch=DONE, install=FAILED, stage={}),
)


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PaperKubectl:
    (tmp_path / "empty").mkdir()
    return paper_kubectl(tmp_path / "bin", monkeypatch)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder without a project."""
    return tmp_path / "empty"


def bodywork(*argv: str | Path, cwd: Path) -> Done:
    words = [sys.executable, "-m", "bodywork_compiler", *map(str, argv)]
    return subprocess.run(words, text=True, capture_output=True, check=False, cwd=cwd, stdin=subprocess.DEVNULL)


def test_status_is_of_the_project_in_this_folder(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, *DECOYS, *PODS)
    a_project(empty, namespace="lab")

    done = bodywork("status", cwd=empty)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "iris at 3f2a9c1 (main) → context kind-dev, namespace lab"
    assert [line.split()[:5] for line in lines if line.startswith("  step")] == [
        ["step", "1", "train", "Job", "succeeded"],
        ["step", "2", "serve", "Deployment", "available"],
    ]
    assert "2/2  3f2a9c1" in done.stdout
    assert "http://serve.lab.svc.cluster.local:5000" in done.stdout
    assert "ingress /lab/serve" in done.stdout
    assert lines[-1].startswith("last run: began ")
    assert lines[-1].endswith(" ago, its Jobs succeeded after 41 s")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_status_for_programs_has_all_that_the_lines_have(kubectl: PaperKubectl, empty: Path, form: str, read: object) -> None:
    kubectl.has(*IRIS, *PODS)
    done = bodywork("status", "--namespace", "lab", "-o", form, cwd=empty)

    told = read(done.stdout)  # type: ignore[operator]
    assert (told["pipeline"], told["namespace"], told["context"], told["git_commit"]) == ("iris", "lab", "kind-dev", COMMIT)
    times = {"started": "2026-11-21T10:00:00Z", "ended": "2026-11-21T10:00:41Z"}
    assert told["last_run"] == {**times, "result": "succeeded", "reason": None, "by": None, "is_of_jobs": True}, (
        "no run has written itself down"
    )
    serve = told["stages"][1]
    assert (serve["ready"], serve["wanted"], serve["endpoint"]) == (2, 2, "http://serve.lab.svc.cluster.local:5000")


def test_the_only_pipeline_of_the_contexts_namespace_is_found_by_itself(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS)
    assert bodywork("status", cwd=empty).stdout.startswith("iris at ")


@pytest.mark.parametrize("verb", ["status", "logs", "delete"])
def test_several_pipelines_must_be_told_apart(kubectl: PaperKubectl, empty: Path, verb: str) -> None:
    kubectl.has(*IRIS, *DECOYS)
    before = kubectl.left()
    done = bodywork(verb, "--namespace", "lab", cwd=empty)
    assert done.returncode == 1
    assert "bodywork: namespace lab holds 2 pipelines: iris, other" in done.stderr
    assert "--pipeline NAME" in done.stderr
    assert kubectl.left() == before


@pytest.mark.parametrize("verb", ["status", "logs", "delete"])
@pytest.mark.parametrize(
    ("argv", "objects", "said"),
    [
        (["--namespace", "lab"], [a_namespace()], "there is no pipeline in namespace lab"),
        (["--namespace", "nowhere"], [a_namespace()], "there is no namespace nowhere"),
        (["--pipeline", "rose", "--namespace", "lab"], [a_namespace(), *IRIS], "there is no pipeline rose in namespace lab"),
    ],
    ids=["empty", "no namespace", "another"],
)
def test_what_is_not_there_is_told(
    kubectl: PaperKubectl, empty: Path, verb: str, argv: list[str], objects: list[dict[str, object]], said: str
) -> None:
    kubectl.has(*objects)
    done = bodywork(verb, *argv, cwd=empty)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"bodywork: {said}" in done.stderr
    assert "delete" not in kubectl.verbs()


def test_a_pipeline_and_a_project_exclude_each_other(kubectl: PaperKubectl, empty: Path) -> None:
    done = bodywork("status", empty, "--pipeline", "iris", cwd=empty)
    assert done.returncode == 2
    assert "exclude each other" in done.stderr
    assert kubectl.verbs() == []


def test_a_path_without_a_config_is_told_as_validate_does(kubectl: PaperKubectl, empty: Path) -> None:
    done = bodywork("delete", empty, cwd=empty.parent)
    assert done.returncode == 1
    assert "holds no config" in done.stderr
    assert kubectl.verbs() == []


def test_a_server_that_cannot_be_asked_is_no_absence(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.file.write_text("not JSON: the proxy's thread dies")
    done = bodywork("status", "--namespace", "lab", cwd=empty)
    assert done.returncode == 1
    assert "bodywork: the cluster could not be asked" in done.stderr


def test_logs_are_of_all_stages_each_line_with_its_pod(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, *PODS)
    done = bodywork("logs", "--namespace", "lab", cwd=empty)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[serve-1] ready", "[train-1] accuracy=0.9", "[serve-2 install] no such package"]


def test_logs_of_one_pod_are_as_it_printed_them(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, *PODS)
    assert bodywork("logs", "Train", "--namespace", "lab", cwd=empty).stdout == "accuracy=0.9\n"


def a_pod_with_a_secret() -> dict[str, Any]:
    pod = a_pod("train-1", "train", log={"stage": "connecting with hunter2\n"}, fetch=DONE, stage=DONE)
    variable = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "store", "key": "PASSWORD"}}}
    return {**pod, "spec": {"containers": [{"name": "stage", "env": [variable]}]}}


@pytest.mark.parametrize(("may_read", "shown"), [(True, "connecting with ***"), (False, "connecting with hunter2")])
def test_values_of_secrets_that_the_user_may_read_are_masked(kubectl: PaperKubectl, empty: Path, *, may_read: bool, shown: str) -> None:
    secret = {**an_object("Secret", "store"), "data": {"PASSWORD": "aHVudGVyMg=="}}
    objects = [a_config_map(), a_job(), a_pod_with_a_secret(), secret]
    kubectl.has(*objects, *([] if may_read else [{"kind": "refused", "metadata": {"name": "secrets"}}]))
    done = bodywork("logs", "train", "--namespace", "lab", cwd=empty)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith(shown)
    assert ("values of secret store are not masked" in done.stderr) is not may_read


def test_logs_of_a_stage_that_is_not_there_name_the_near_one(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, *PODS)
    done = bodywork("logs", "trian", "--namespace", "lab", cwd=empty)
    assert done.returncode == 1
    assert "pipeline iris has no stage trian in namespace lab" in done.stderr
    assert "Did you mean train?" in done.stderr


def test_logs_that_are_not_there_are_told(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, *PODS)
    done = bodywork("logs", "serve", "--previous", "--namespace", "lab", cwd=empty)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no container that was started again" in done.stderr


def test_what_was_before_cannot_be_followed(kubectl: PaperKubectl, empty: Path) -> None:
    done = bodywork("logs", "-f", "--previous", cwd=empty)
    assert done.returncode == 2
    assert kubectl.verbs() == []


def test_delete_takes_the_pipeline_and_nothing_else(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, *DECOYS)
    decoys = {f"{each['kind']}/{each['metadata']['name']}" for each in DECOYS}

    done = bodywork("delete", "--pipeline", "iris", "--namespace", "lab", cwd=empty)

    assert done.returncode == 0, done.stderr
    assert kubectl.left() == decoys
    assert done.stdout.splitlines() == [
        "deleted ingress/serve",
        "deleted service/serve",
        "deleted deployment/serve",
        "deleted job/train",
        "deleted configmap/bodywork-iris",
        "deleted serviceaccount/bodywork-iris",
    ]
    assert kubectl.verbs().count("delete") == 1


def test_a_dry_run_deletes_nothing(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS)
    before = kubectl.left()
    done = bodywork("delete", "--dry-run", cwd=empty)
    assert "would delete deployment/serve" in done.stdout.splitlines()
    assert kubectl.left() == before
    assert "delete" not in kubectl.verbs()


@pytest.mark.parametrize(("types", "exit_code", "is_there"), [("n\n", 1, True), ("y\n", 0, False)])
def test_on_a_terminal_a_person_is_asked(kubectl: PaperKubectl, empty: Path, types: str, exit_code: int, *, is_there: bool) -> None:
    kubectl.has(*IRIS)
    code, shown = at_a_terminal("delete", types=types, cwd=empty)
    assert code == exit_code, shown
    assert shown.index("iris → context kind-dev, namespace lab") < shown.index("deployment/serve") < shown.index("Delete? [y/N]")
    assert bool(kubectl.left()) is is_there


def test_with_yes_nobody_is_asked(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS)
    code, shown = at_a_terminal("delete", "--yes", types="", cwd=empty)
    assert code == 0, shown
    assert "Delete?" not in shown


def test_in_ci_nobody_is_asked(kubectl: PaperKubectl, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    kubectl.has(*IRIS)
    code, shown = at_a_terminal("delete", types="", cwd=empty)
    assert code == 0, shown
    assert "Delete?" not in shown


def test_a_namespace_that_bodywork_did_not_make_is_kept_and_nothing_else_is_touched(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(a_namespace(), *IRIS)
    before = kubectl.left()
    done = bodywork("delete", "--namespace-too", cwd=empty)
    assert done.returncode == 1
    assert "namespace lab was not made by Bodywork; nothing was deleted" in done.stderr
    assert kubectl.left() == before


def test_a_namespace_with_another_pipeline_is_kept(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(a_namespace(made_by_us=True), *IRIS, a_config_map("bodywork-other", pipeline="other"))
    before = kubectl.left()
    done = bodywork("delete", "--pipeline", "iris", "--namespace-too", cwd=empty)
    assert done.returncode == 1
    assert "holds other pipelines too: other" in done.stderr
    assert kubectl.left() == before


@pytest.mark.parametrize(("too", "left"), [([], {"Namespace/lab"}), (["--namespace-too"], set())])
def test_a_namespace_that_bodywork_made_goes_only_when_asked(kubectl: PaperKubectl, empty: Path, too: list[str], left: set[str]) -> None:
    kubectl.has(a_namespace(made_by_us=True), *IRIS)
    done = bodywork("delete", *too, cwd=empty)
    assert done.returncode == 0, done.stderr
    assert kubectl.left() == left


OTHERS = [an_object("Secret", "aws"), an_object("PersistentVolumeClaim", "models"), an_object("ConfigMap", "kube-root-ca.crt")]
BESIDE = "persistentvolumeclaim/models, secret/aws"


def test_what_else_would_go_with_the_namespace_is_listed(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(a_namespace(made_by_us=True), *IRIS, *OTHERS)
    before = kubectl.left()
    dry = bodywork("delete", "--namespace-too", "--dry-run", cwd=empty)
    assert dry.stdout.splitlines()[-1] == f"would delete namespace/lab, with everything in it: {BESIDE}"
    code, shown = at_a_terminal("delete", "--namespace-too", types="n\n", cwd=empty)
    assert code == 1
    assert f"namespace/lab, with everything in it: {BESIDE}" in " ".join(shown.split())
    assert kubectl.left() == before


@pytest.mark.parametrize("words", [["delete", "--pipeline", "iris"], ["delete", "deployment", "iris"]], ids=["today", "v3"])
def test_without_a_terminal_only_yes_deletes_what_others_keep_in_the_namespace(
    kubectl: PaperKubectl, empty: Path, words: list[str]
) -> None:
    kubectl.has(a_namespace(made_by_us=True), *IRIS, *OTHERS)
    before = kubectl.left()
    done = bodywork(*words, "--namespace-too", cwd=empty)
    assert done.returncode == 1
    assert f"namespace lab holds more than iris: {BESIDE}; nothing was deleted" in done.stderr
    assert "add --yes" in done.stderr
    assert kubectl.left() == before
    assert bodywork(*words, "--namespace-too", "--yes", cwd=empty).returncode == 0
    assert "Namespace/lab" not in kubectl.left()


def test_what_may_not_be_listed_is_no_absence(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(a_namespace(made_by_us=True), *IRIS, {"kind": "refused", "metadata": {"name": "secrets"}})
    done = bodywork("delete", "--namespace-too", cwd=empty)
    assert done.returncode == 1
    assert "namespace lab holds more than iris: secrets, which you may not list" in done.stderr


def test_copies_of_secrets_go_and_secrets_that_a_person_made_stay(kubectl: PaperKubectl, empty: Path) -> None:
    def copied(name: str, **annotations: str) -> dict[str, Any]:
        secret = an_object("Secret", name)
        secret["metadata"]["annotations"] |= {"bodywork/copied-from": "bodywork-deployment-jobs/prod-store", **annotations}
        return secret

    mark = {"bodywork/tracking-id": "lab/iris:/Secret:lab/store"}
    own, persons = an_object("Secret", "own"), [copied("backup"), copied("marked-backup", **mark)]
    for copy in (copied("store"), copied("store", **mark)):
        kubectl.has(*IRIS, copy, own, *persons)
        done = bodywork("delete", cwd=empty)
        assert done.returncode == 0, done.stderr
        assert kubectl.left() == {"Secret/own", "Secret/backup", "Secret/marked-backup"}


def test_who_may_not_read_secrets_can_delete_and_is_told_that_copies_stay(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, {"kind": "refused", "metadata": {"name": "secrets"}})
    done = bodywork("delete", cwd=empty)
    assert done.returncode == 0, done.stderr
    assert "copies of its group's secrets, if there are any, stay: the API server says: secrets is forbidden" in done.stderr
    assert kubectl.left() == {"refused/secrets"}


def test_a_watch_shows_what_changed_until_ctrl_c(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS)
    words = [sys.executable, "-m", "bodywork_compiler", "status", "--watch", "-o", "json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=empty) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        kubectl.has(*IRIS, a_job("evaluate", 3))
        second = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert [each["stage"] for each in first["stages"]] == ["train", "serve"]
    assert [each["stage"] for each in second["stages"]] == ["train", "serve", "evaluate"]
    assert rest == ""
    assert process.returncode == 130


def test_a_watch_on_a_terminal_is_drawn_again_in_place(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS)
    code, shown = at_a_terminal("status", "--watch", types="", cwd=empty, interrupt_at="last run")
    assert code == 130
    assert shown.startswith("\x1b[H\x1b[Jiris at 3f2a9c1")


def test_without_a_terminal_nothing_moves_a_cursor_or_paints(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, *PODS)
    assert "\x1b" not in bodywork("status", cwd=empty).stdout
    assert "\x1b" not in bodywork("logs", cwd=empty).stdout


def test_what_does_not_go_in_time_is_named(kubectl: PaperKubectl, empty: Path) -> None:
    kubectl.has(*IRIS, PODS[1])
    done = bodywork("delete", "--timeout", "1", cwd=empty)
    assert done.returncode == 70
    assert "after 1 s not gone yet: pod/serve-1" in done.stderr
