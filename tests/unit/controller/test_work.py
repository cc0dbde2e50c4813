"""What a pod of the controller does: its manifest, and what of it can be read back."""

import pytest
import yaml

from bodywork_compiler.controller import runs
from bodywork_compiler.controller.cronjobs import Cronjob, NewCronjob, When, difference, object_name, run_name
from bodywork_compiler.controller.runs import AsyncRun, applied_by, is_controllers
from bodywork_compiler.controller.work import Apply, SshKey, Work, apply_in
from bodywork_compiler.errors import BodyworkError

IRIS = Apply(url="git@git.example.com:acme/iris.git", branch="a$(HOME)b", folder="ml", schedule_timeout="5m", timeout="2h")
REVIEWED = Apply(url="https://a/b", branch="main", manifests="overlays/prod", timeout="90m", allow_privileges=True)
KEY = SshKey(secret="prod-ssh-git-private-key", key="BODYWORK_GIT_SSH_PRIVATE_KEY")
WORK = Work(apply=IRIS, image="bodywork-controller:1", retries=2, ssh=KEY)
NIGHTLY = NewCronjob(name="nightly", work=WORK, when=When(schedule="@daily", time_zone="Europe/Berlin", history_limit=3))


def as_it_stands(new=NIGHTLY, **changed):
    work, when = new.work, new.when
    values = {
        "name": new.name,
        "namespace": work.namespace,
        "schedule": when.schedule,
        "time_zone": when.time_zone,
        "suspended": when.suspend,
        "retries": work.retries,
        "history_limit": when.history_limit,
        "apply": work.apply,
        "image": work.image,
        "ssh": work.ssh,
        "token": work.token,
        "is_ours": True,
    }
    return Cronjob(**{**values, **changed})


def pod_of(text):
    spec = yaml.safe_load(text)["spec"]
    return spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]


@pytest.mark.parametrize("text", [AsyncRun(name="once", work=WORK).manifest, NIGHTLY.manifest], ids=["job", "cronjob"])
def test_the_pod_is_restricted_and_writes_into_a_volume_only(text):
    pod = pod_of(text)
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    scratch = next(each for each in container["volumeMounts"] if each["name"] == "scratch")["mountPath"]
    env = {each["name"]: each["value"] for each in container["env"]}
    assert all(env[name].startswith(scratch) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"))
    assert pod["serviceAccountName"] == "bodywork-workflow-controller"
    assert pod["terminationGracePeriodSeconds"] >= 60
    assert container["command"] == ["bodywork"]
    assert container["args"][:2] == ["apply", IRIS.url]
    assert "--yes" in container["args"]


def test_the_ssh_key_is_mounted_and_in_no_environment():
    pod = pod_of(NIGHTLY.manifest)
    volume = next(each for each in pod["volumes"] if each["name"] == "ssh")["secret"]
    assert (volume["secretName"], volume["items"][0]["key"]) == (KEY.secret, KEY.key)
    assert "valueFrom" not in str(pod)
    command = next(each["value"] for each in pod["containers"][0]["env"] if each["name"] == "GIT_SSH_COMMAND")
    assert "StrictHostKeyChecking=yes" in command
    without = pod_of(NewCronjob(name="n", work=Work(apply=IRIS, image="i"), when=NIGHTLY.when).manifest)
    assert [each["name"] for each in without["volumes"]] == ["scratch"]


def test_a_cronjob_forbids_a_second_run_and_keeps_as_many_as_asked():
    spec = yaml.safe_load(NIGHTLY.manifest)["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("@daily", "Europe/Berlin", "Forbid")
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 3)
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 2
    assert spec["startingDeadlineSeconds"], "else what a suspension missed begins when it ends"


def test_what_is_applied_is_read_back_from_the_command_line():
    job = yaml.safe_load(AsyncRun(name="once", work=WORK).manifest)["spec"]
    assert is_controllers(job)
    assert applied_by(job) == IRIS, "a `$` is doubled for Kubernetes, and single again"


@pytest.mark.parametrize(
    ("args", "read"),
    [
        (["bodywork", "create", "deployment", "https://a/b", "--branch=main"], Apply(url="https://a/b", branch="main")),
        (["bodywork", "create", "deployment", "https://a/b"], Apply(url="https://a/b")),
        # as an update of v3 left it
        (["bodywork", "create", "deployment", "https://a/b", "main"], Apply(url="https://a/b", branch="main")),
        (
            ["bodywork", "workflow", "--namespace=iris", "https://a/b", "master"],
            Apply(url="https://a/b", branch="master", namespace="iris"),
        ),
        (["bodywork", "workflow", "--ns", "iris", "https://a/b", "dev"], Apply(url="https://a/b", branch="dev", namespace="iris")),
    ],
)
def test_the_ancestors_command_lines_are_read_too(args, read):
    assert apply_in(args) == read


def test_other_peoples_jobs_are_not_the_controllers():
    assert not is_controllers({"template": {"spec": {"containers": [{"name": "backup", "command": ["pg_dump"]}]}}})
    assert not is_controllers({"template": {"spec": {"containers": [{"name": "backup"}]}}})


def test_nothing_differs_from_what_stands():
    assert difference(as_it_stands(), NIGHTLY) == {}


@pytest.mark.parametrize(
    ("changed", "patch"),
    [
        ({"schedule": "@weekly"}, {"schedule": "@daily"}),
        ({"suspended": True}, {"suspend": False}),
        ({"history_limit": 1}, {"successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 3}),
        ({"time_zone": None}, {"timeZone": "Europe/Berlin"}),
        ({"retries": 0}, {"jobTemplate": {"spec": {"backoffLimit": 2, "activeDeadlineSeconds": WORK.deadline_seconds}}}),
    ],
)
def test_only_what_differs_is_written(changed, patch):
    assert difference(as_it_stands(**changed), NIGHTLY) == patch


def test_another_branch_changes_the_arguments_and_nothing_else():
    patch = difference(as_it_stands(apply=Apply(url=IRIS.url, timeout=IRIS.timeout)), NIGHTLY)
    args = list(runs.arguments(WORK))
    assert patch == {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "bodywork", "args": args}]}}}}}


def test_another_key_changes_the_volume():
    patch = difference(as_it_stands(ssh=None), NIGHTLY)["jobTemplate"]["spec"]["template"]["spec"]
    assert {each["name"] for each in patch["volumes"]} == {"scratch", "ssh"}
    assert patch["containers"][0].keys() == {"name", "env", "volumeMounts"}


def test_names_are_cleaned_and_those_that_are_too_long_are_refused():
    assert object_name("my nightly_run") == "my-nightly-run"
    assert len(run_name("n" * 52, 1605214260.5)) == 63
    with pytest.raises(BodyworkError, match="must have 1 to 52 letters and digits"):
        object_name("n" * 53)


@pytest.mark.parametrize(
    "apply",
    [
        IRIS,
        REVIEWED,
        Apply(url="https://a/b", project_templates=True),
        Apply(url="https://a/b", project_templates=True, allow_privileges=True),
    ],
)
def test_all_that_may_be_said_of_a_run_is_read_back(apply):
    job = yaml.safe_load(AsyncRun(name="once", work=Work(apply=apply, image="i")).manifest)["spec"]
    assert applied_by(job) == apply


def test_templates_of_a_project_are_taken_only_where_somebody_said_so():
    assert "--no-project-templates" in Apply(url="https://a/b").args
    assert "--no-project-templates" not in Apply(url="https://a/b", project_templates=True).args
    assert "--no-project-templates" not in REVIEWED.args, "nothing is compiled"
    assert not {"--allow-privileges", "--timeout"} & {word.partition("=")[0] for word in Apply(url="https://a/b").args}


def test_what_was_made_before_is_told_as_it_is():
    args = ["bodywork", "apply", "https://a/b", "--yes"]
    assert apply_in(args) == Apply(url="https://a/b", project_templates=True)


def test_a_run_has_an_end_and_its_job_a_net_behind_it():
    job = yaml.safe_load(NIGHTLY.manifest)["spec"]["jobTemplate"]["spec"]
    attempts = WORK.retries + 1
    assert "--timeout=2h" in job["template"]["spec"]["containers"][0]["args"]
    assert job["activeDeadlineSeconds"] > attempts * 2 * 3600
    assert job["ttlSecondsAfterFinished"] == 30 * 24 * 3600
    without = NewCronjob(name="n", work=Work(apply=Apply(url="https://a/b"), image="i"), when=NIGHTLY.when)
    assert "activeDeadlineSeconds" not in yaml.safe_load(without.manifest)["spec"]["jobTemplate"]["spec"]


def test_another_time_limit_moves_the_net():
    shorter = NewCronjob(name="nightly", work=Work(apply=Apply(url="https://a/b", timeout="1h"), image="i"), when=NIGHTLY.when)
    patch = difference(as_it_stands(shorter, apply=Apply(url="https://a/b", timeout="2h")), shorter)["jobTemplate"]["spec"]
    assert patch["activeDeadlineSeconds"] == shorter.work.deadline_seconds
    none = NewCronjob(name="nightly", work=Work(apply=Apply(url="https://a/b"), image="i"), when=NIGHTLY.when)
    assert difference(as_it_stands(shorter), none)["jobTemplate"]["spec"]["activeDeadlineSeconds"] is None, "which takes it away"
