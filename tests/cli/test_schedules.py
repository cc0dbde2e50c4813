"""Schedules on the command line, on a cluster of paper: what is made, changed and said, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import a_bare_copy, a_pipeline
from git_over_http import serving
from paper_kubectl import PaperKubectl, paper_kubectl

Done = subprocess.CompletedProcess[str]
JOBS = "bodywork-deployment-jobs"
NOWHERE = "git://127.0.0.1:1/iris.git"
ACCOUNT = {"kind": "ServiceAccount", "metadata": {"name": "bodywork-workflow-controller", "namespace": JOBS}}
NAMESPACE = {"kind": "Namespace", "metadata": {"name": JOBS}}


def bodywork(*argv: str) -> Done:
    words = [sys.executable, "-m", "bodywork_compiler", *argv]
    return subprocess.run(words, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def create(*more: str, url: str = NOWHERE, schedule: str = "0 2 * * *") -> Done:
    return bodywork("create", "cronjob", url, "--name", "nightly", "--schedule", schedule, *more)


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PaperKubectl:
    kubectl = paper_kubectl(tmp_path / "bin", monkeypatch)
    kubectl.has(NAMESPACE, ACCOUNT)
    return kubectl


def the_ancestors(name: str, *args: str) -> dict[str, Any]:
    """As v3.0.12 made it, and Kubernetes brought it to batch/v1."""
    container = {
        "name": "bodywork",
        "image": "bodyworkml/bodywork-core:latest",
        "command": ["bodywork", "create", "deployment"],
        "args": args,
    }
    job = {"backoffLimit": 1, "template": {"spec": {"containers": [container]}}}
    spec = {"schedule": "@hourly", "successfulJobsHistoryLimit": 1, "jobTemplate": {"spec": job}}
    return {"kind": "CronJob", "metadata": {"name": name, "namespace": JOBS}, "spec": spec}


def test_a_schedule_is_made_with_warnings_about_what_it_lacks(kubectl: PaperKubectl) -> None:
    done = create("--time-zone", "Europe/Berlin")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "Created cronjob=nightly."
    assert second.startswith("Next runs (Europe/Berlin): ")
    assert second.count(" 02:00") == 3
    assert "warning: the repository cannot be read from here: git://127.0.0.1:1/iris.git could not be cloned" in done.stderr
    assert "warning: no image of the controller is known" in done.stderr
    assert "make image" in done.stderr
    assert "CronJob/nightly" in kubectl.left(), "it is made all the same"

    again = create()
    assert (again.returncode, again.stdout) == (1, "")
    assert "Cannot create cronjob=nightly as it already exists." in again.stderr


def test_the_group_of_the_key_comes_from_the_config(kubectl: PaperKubectl, tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None, secrets_group="prod")
    a_bare_copy(repository, tmp_path / "served" / "iris.git")
    with serving(tmp_path / "served", login=False) as address:
        done = create("--dry-run=client", "-o", "yaml", url=f"http://{address}/iris.git")
    assert done.returncode == 0, done.stderr
    spec = yaml.safe_load(done.stdout)["spec"]
    volumes = spec["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
    assert next(each["secret"]["secretName"] for each in volumes if each["name"] == "https") == "prod-git-https-token"
    assert kubectl.verbs() == [], "a dry run by the client asks no cluster"
    assert "warning" not in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ({"schedule": "0 0 * * 7"}, 1, "Invalid cronjob schedule: 0 0 * * 7. day of the week 7: must be 0 to 6; Sunday is 0."),
        ({"url": "file:///home/ada/iris"}, 1, "file:///home/ada/iris is on this machine only, and no pod can reach it"),
        ({"url": "."}, 1, ". is on this machine only"),
        ({"url": "https://ada:s3cret@git.example.com/iris.git"}, 1, "was given with a password or token"),
    ],
)
def test_what_no_pod_could_run_is_refused(kubectl: PaperKubectl, words: dict[str, str], code: int, said: str) -> None:
    done = create(**words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "s3cret" not in done.stderr
    assert "CronJob/nightly" not in kubectl.left()


def test_an_unknown_time_zone_is_wrong_usage_with_the_near_one(kubectl: PaperKubectl) -> None:
    done = create("--time-zone", "Berlin")
    assert done.returncode == 2
    assert "`Berlin` is no time zone; did you mean Europe/Berlin?" in done.stderr
    assert create("--time-zone", "Local").returncode == 2, "Kubernetes refuses it"


def test_a_cluster_that_is_not_set_up_is_told_how(kubectl: PaperKubectl) -> None:
    kubectl.has(NAMESPACE)
    done = create("--namespace", "iris")
    assert done.returncode == 1
    assert "it has no service account bodywork-workflow-controller" in done.stderr
    assert "bodywork configure-cluster --namespace iris" in done.stderr


def test_a_day_that_never_comes_is_refused(kubectl: PaperKubectl) -> None:
    done = create(schedule="0 0 30 2 *")
    assert done.returncode == 1
    assert "It never comes" in done.stderr


def test_what_is_there_is_listed_the_ancestors_too(kubectl: PaperKubectl) -> None:
    backup = {"template": {"spec": {"containers": [{"name": "backup", "command": ["pg_dump"]}]}}}
    foreign = {
        "kind": "CronJob",
        "metadata": {"name": "backup", "namespace": JOBS},
        "spec": {"schedule": "@daily", "jobTemplate": {"spec": backup}},
    }
    kubectl.has(NAMESPACE, ACCOUNT, foreign, the_ancestors("old", "https://git.example.com/iris", "--branch=main"))
    listed = bodywork("get", "cronjobs")
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["Name", "Git", "Repository", "URL", "Schedule", "Suspended"],
        ["old", "https://git.example.com/iris", "@hourly", "false"],
    ]
    one = json.loads(bodywork("get", "cronjob", "old", "-o", "json").stdout)
    assert (one["git_url"], one["git_branch"], one["retries"]) == ("https://git.example.com/iris", "main", 1)
    absent = bodywork("delete", "cronjob", "backup")
    assert absent.returncode == 1
    assert "Could not find cronjob=backup." in absent.stderr
    assert "In namespace bodywork-deployment-jobs: old." in absent.stderr
    both = bodywork("get", "cronjob", "old", "--history", "--logs", "x")
    assert both.returncode == 1
    assert "Cannot specify both --logs and --history." in both.stderr


def test_an_update_writes_only_what_is_given(kubectl: PaperKubectl) -> None:
    create()
    done = bodywork("update", "cronjob", "--name", "nightly", "--suspend")
    assert done.stdout.splitlines()[0] == "Updated cronjob=nightly.", done.stderr
    patched = next(line for line in kubectl.calls_file.read_text().splitlines() if line.startswith("patch"))
    assert '--patch={"spec": {"suspend": true}}' in patched
    assert bodywork("update", "cronjob", "--name", "nightly").returncode == 2, "nothing was given"
    assert bodywork("update", "cronjob", "--name", "weekly", "--suspend").returncode == 1


def run_of(text: str) -> dict[str, Any]:
    spec = yaml.safe_load(text)["spec"]
    job: dict[str, Any] = spec.get("jobTemplate", {"spec": spec})["spec"]
    return {**job, "args": job["template"]["spec"]["containers"][0]["args"]}


def test_a_run_in_the_cluster_takes_no_templates_and_has_an_end_unless_it_is_told_otherwise(kubectl: PaperKubectl) -> None:
    run = run_of(create("--dry-run=client").stdout)
    assert {"--no-project-templates", "--timeout=24h"} <= set(run["args"])
    assert run["activeDeadlineSeconds"] > 24 * 3600
    more = ("--project-templates", "--allow-privileges", "--timeout", "90m")
    run = run_of(create("--dry-run=client", *more).stdout)
    assert {"--allow-privileges", "--timeout=90m"} <= set(run["args"])
    assert "--no-project-templates" not in run["args"]
    assert not any(word.startswith("--timeout") for word in run_of(create("--dry-run=client", "--timeout", "0").stdout)["args"])
    done = bodywork("create", "deployment", NOWHERE, "--async", "--dry-run=client", *more)
    assert {"--allow-privileges", "--timeout=5400s"} <= set(run_of(done.stdout)["args"]), done.stderr


def test_an_update_keeps_and_shows_what_a_schedule_may_do(kubectl: PaperKubectl) -> None:
    made = yaml.safe_load(create("--dry-run=client", "--manifests", "overlays/prod", "--allow-privileges").stdout)
    kubectl.has(NAMESPACE, ACCOUNT, {**made, "kind": "CronJob"})
    (shown,) = json.loads(bodywork("get", "cronjobs", "-o", "json").stdout)
    wanted = {"manifests": "overlays/prod", "timeout": "24h", "project_templates": False, "allow_privileges": True}
    assert {key: shown[key] for key in wanted} == wanted
    done = bodywork("update", "cronjob", "--name", "nightly", "--branch", "main", "--no-allow-privileges", "--dry-run=server")
    assert done.returncode == 0, done.stderr
    patch = kubectl.calls_file.read_text().splitlines()[-1]
    assert "--manifests=overlays/prod" in patch
    assert "--timeout=24h" in patch
    assert "--allow-privileges" not in patch


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--manifests", "m", "--folder", "f"), "--manifests compiles none"),
        (("--manifests", "m", "--project-templates"), "no template is used"),
        (("--timeout", "soon"), "must be a length of time"),
        (("--namespace", "kube-system"), "no pipeline is deployed there"),
        (("--namespace", JOBS), "no pipeline is deployed there"),
    ],
)
def test_what_makes_no_sense_or_is_not_allowed_is_refused_at_once(kubectl: PaperKubectl, words: tuple[str, ...], said: str) -> None:
    done = create(*words)
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert "CronJob/nightly" not in kubectl.left()


def test_a_project_whose_templates_a_run_would_refuse_is_said_when_it_is_made(kubectl: PaperKubectl, tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None)
    (repository.path / "templates").mkdir()
    (repository.path / "templates/service.yaml.j2").write_text("")
    repository.commit()
    a_bare_copy(repository, tmp_path / "served" / "iris.git")
    with serving(tmp_path / "served", login=False) as address:
        done = create("--dry-run=client", url=f"http://{address}/iris.git")
        allowed = create("--dry-run=client", "--project-templates", url=f"http://{address}/iris.git")
    assert "warning: the project overrides templates/service.yaml.j2" in done.stderr
    assert "warning" not in allowed.stderr


def test_manifests_of_a_repository_are_read_where_they_are_run(kubectl: PaperKubectl, tmp_path: Path) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None, namespace="lab")
    rendered = tmp_path / "iris/manifests"
    assert bodywork("render", str(repository.path), "--inline-source", "-o", str(rendered)).returncode == 0
    (tmp_path / "iris/out").symlink_to("/etc")
    (tmp_path / "iris/links").mkdir()
    (tmp_path / "iris/links/passwd.yaml").symlink_to("/etc/passwd")
    repository.commit()
    a_bare_copy(repository, tmp_path / "served" / "iris.git")
    with serving(tmp_path / "served", login=False) as address:
        url = f"http://{address}/iris.git"

        def apply(folder: str, *more: str) -> Done:
            return bodywork("apply", url, "--manifests", folder, "--dry-run=client", *more)

        done = apply("manifests")
        assert done.returncode == 0, done.stderr
        assert "train" in done.stdout
        for folder, said in {
            "nothing": "no such folder",
            "../iris": "inside the repository",
            "/etc": "inside the repository",
            "out": "leads out of it",
            "links": "leads out of it",
        }.items():
            refused = apply(folder)
            assert refused.returncode == 1, (folder, refused.stderr)
            assert said in refused.stderr
            assert "/tmp" not in refused.stderr, "no temporary folder is named"
            assert "root:" not in refused.stderr
        assert apply("manifests", "--pod-security", "none").returncode == 2
    assert bodywork("apply", str(repository.path), "--manifests", "manifests").returncode == 2, "its path is given then"
    assert bodywork("render", str(repository.path), "--manifests", "manifests").returncode == 2
