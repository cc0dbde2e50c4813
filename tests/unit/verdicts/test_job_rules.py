"""A row for each rule about Jobs that no recorded case shows alone."""

from pathlib import Path

import pytest
from made import a_job, a_pod, an_event, ended, running, true, waits

import bodywork_compiler
from bodywork_compiler.runner.verdict import Situation, judge, vanished

FAILED = true("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
SUCCEEDED = a_pod(phase="Succeeded", main=(ended(code=0, reason="Completed"),), restarts="Never")


def judged(job, pods=(), events=(), *, seconds=60.0):
    verdict = judge(job, list(pods), list(events), Situation(seconds=seconds))
    return verdict.state, verdict.message


def test_complete_is_good_without_any_pod():
    assert judged(a_job(conditions=(true("Complete"),))) == ("good", "")


@pytest.mark.parametrize(
    ("job", "pods", "state"),
    [
        pytest.param(a_job(), [SUCCEEDED], "good", id="all wanted"),
        pytest.param(a_job(completions=2), [SUCCEEDED], "running", id="one of two"),
        pytest.param(a_job(completions=None), [SUCCEEDED], "running", id="a queue's workers: only the Job knows"),
        pytest.param(a_job(completionMode="Indexed"), [SUCCEEDED], "running", id="an index may have succeeded twice"),
        pytest.param(a_job(conditions=(true("FailureTarget"),)), [SUCCEEDED], "running", id="a Job that is failing"),
        pytest.param(a_job(), [SUCCEEDED | {"metadata": SUCCEEDED["metadata"] | {"ownerReferences": []}}], "running", id="nobody's pod"),
        pytest.param(a_job(), [a_pod("train-old", owner_uid="job-0", phase="Succeeded")], "running", id="pod of an earlier run's Job"),
    ],
)
def test_succeeded_pods_make_a_job_good_when_they_are_its_own_and_all_that_were_wanted(job, pods, state):
    assert judged(job, pods)[0] == state


def test_a_suspended_job_waits():
    assert judged(a_job(suspend=True)) == ("running", "suspended")


def test_a_job_that_is_gone_is_an_error():
    verdict = vanished("Job", "train")
    assert (verdict.state, verdict.message) == ("failed", "Job train is gone: it was deleted while the run waited for it")


EVICTED = a_pod(
    "train-1",
    phase="Failed",
    main=(ended(code=137),),
    conditions=(true("DisruptionTarget", "EvictionByEvictionAPI", "Eviction API: evicting"),),
    restarts="Never",
)


def test_an_evicted_pod_is_neither_doom_nor_an_attempt():
    verdict = judge(a_job(backoffLimit=0), [EVICTED, a_pod("train-2", main=(running(ready=True),))], [], Situation())
    assert (verdict.state, verdict.message, verdict.attempts) == ("running", "running (pod train-2)", 1)


def test_after_an_eviction_with_no_pod_yet_it_waits():
    assert judged(a_job(backoffLimit=0), [EVICTED]) == ("running", "waiting for its pod")


@pytest.mark.parametrize(
    ("how", "state", "message"),
    [
        pytest.param({"main": (ended(code=3),)}, "failed", "the container exited with code 3", id="code"),
        pytest.param({"main": (ended(code=137),)}, "failed", "the container exited with code 137 (killed)", id="killed"),
        pytest.param({"main": (ended(code=124, message="took longer than 5 s"),)}, "timed out", "took longer than 5 s", id="own limit"),
        pytest.param(
            {"main": (ended(code=124, message="took longer than 5 s\ntoken=x"),)},
            "failed",
            "the container exited with code 124",
            id="a log line that sounds like it",
        ),
        pytest.param(
            {"main": (ended(code=1, message="took longer than 5 s"),)}, "failed", "the container exited with code 1", id="another code"
        ),
        pytest.param(
            {"main": (ended(code=124),)}, "failed", "the container exited with code 124", id="a code of its own that looks like it"
        ),
        pytest.param({"init": (ended("fetch", code=128),)}, "failed", "fetching the code failed with code 128", id="fetch"),
        pytest.param(
            {
                "init": (
                    ended("fetch", code=1, message="fatal: couldn't find ref\nbodywork: https://x/y has no commit 123: was it pushed?\n"),
                )
            },
            "failed",
            "fetching the code failed: https://x/y has no commit 123: was it pushed?",
            id="fetch says why",
        ),
        pytest.param(
            {"init": (ended("fetch", code=0), ended("install", code=1)), "main": (waits(reason="PodInitializing"),)},
            "failed",
            "installing requirements failed with code 1",
            id="install",
        ),
        pytest.param(
            {"main": (ended(code=128, reason="StartError", message='exec: "pyton3": executable file not found in $PATH'),)},
            "failed",
            'the container could not be started: exec: "pyton3": executable file not found in $PATH',
            id="start",
        ),
        pytest.param({"main": (ended("proxy", code=2),)}, "failed", "container proxy exited with code 2", id="another's container"),
    ],
)
def test_the_reason_of_a_failure_is_in_users_words_and_has_no_log_line(how, state, message):
    pod = a_pod(phase="Failed", restarts="Never", **how)
    assert judged(a_job(conditions=(FAILED,), failed=1), [pod]) == (state, message)


NO_FILE = "Traceback: not ours\nbodywork: there is no file train/train.py in the project\n"


def a_pod_of_commit(status, *, file="train/train.py"):
    pod = a_pod(phase="Failed", restarts="Never", main=(status,))
    fetch = {"name": "fetch", "env": [{"name": "BODYWORK_GIT_COMMIT", "value": "abc1234" + "0" * 33}]}
    pod["spec"] |= {"initContainers": [fetch], "containers": [{"name": "stage", "image": "python:3.11", "args": [file, "--fast"]}]}
    return pod


def test_a_file_that_is_not_in_the_commit_is_said_and_no_retry_is_waited_for():
    assert judged(a_job(failed=1), [a_pod_of_commit(ended(code=2, message=NO_FILE))]) == (
        "failed",
        "train/train.py is not in commit abc1234",
    )


def test_those_words_are_the_start_scripts():
    script = (Path(bodywork_compiler.__file__).parent / "compiler" / "scripts" / "run.py").read_text()
    assert "bodywork: there is no file {executable} in the project" in script


@pytest.mark.parametrize(
    "pod",
    [
        a_pod_of_commit(ended(code=1, message=NO_FILE)),
        a_pod_of_commit(ended(code=2, message="python: can't open file")),
        a_pod_of_commit(ended(code=2, message=NO_FILE), file="other.py"),
        a_pod_of_commit(ended("proxy", code=2, message=NO_FILE)),
    ],
    ids=["another exit code", "other words", "another file", "another container"],
)
def test_what_only_looks_like_a_missing_file_is_tried_again(pod):
    assert judged(a_job(failed=1), [pod])[0] == "running"


@pytest.mark.parametrize(("code", "state"), [(65, "failed"), (1, "running")], ids=["never", "not now"])
def test_what_can_never_be_installed_is_not_tried_again(code, state):
    message = "No such version\nbodywork: uv could not install the requirements (exit code 1)"
    pod = a_pod(phase="Failed", restarts="Never", init=(ended("install", code=code, message=message),))
    found = judged(a_job(failed=1), [pod])
    assert found[0] == state
    if state == "failed":
        assert found[1] == "installing requirements failed: uv could not install the requirements (exit code 1)"


def test_attempts_that_ended_differently_name_the_last():
    pods = [
        a_pod("train-1", phase="Failed", created="2026-11-21T07:00:00Z", main=(ended(code=1),)),
        a_pod("train-2", phase="Failed", created="2026-11-21T07:01:00Z", main=(ended(code=2),)),
        a_pod("train-3", phase="Failed", created="2026-11-21T07:02:00Z", main=(ended(code=3),)),
    ]
    assert judged(a_job(conditions=(FAILED,), failed=3), reversed(pods)) == (
        "failed",
        "the container exited with code 3, at attempt 3 of 3",
    )


def test_a_failed_job_without_pods_says_what_kubernetes_says():
    assert judged(a_job(conditions=(FAILED,), failed=3)) == ("failed", "Job has reached the specified backoff limit")


def a_failed_mount(pod):
    message = 'MountVolume.SetUp failed for volume "ssh" : secret "ssh-git-private-key" not found'
    return an_event("FailedMount", message, about=pod["metadata"]["uid"])


MAKING = {"phase": "Pending", "main": (waits(reason="ContainerCreating"),)}


def test_a_secret_that_a_volume_names_and_that_is_not_there_dooms_a_pod():
    pod = a_pod(**MAKING)
    assert judged(a_job(), [pod], [a_failed_mount(pod)]) == ("failed", 'secret "ssh-git-private-key" not found')


def test_a_failed_mount_that_has_passed_or_is_another_pods_is_no_doom():
    pod, mounted = a_pod(**MAKING), a_pod(**MAKING, conditions=(true("PodReadyToStartContainers"),))
    assert judged(a_job(), [pod], [a_failed_mount(a_pod("another"))])[0] == "running"
    assert judged(a_job(), [mounted], [a_failed_mount(mounted)])[0] == "running"
    running_now = a_pod(main=(running(),))
    assert judged(a_job(), [running_now], [a_failed_mount(running_now)])[0] == "running"


def test_a_pod_that_is_leaving_dooms_nothing():
    never = waits(reason="InvalidImageName", image="No:No")
    assert judged(a_job(), [a_pod(phase="Pending", leaving=True, main=(never,))])[0] == "running"
    assert judged(a_job(), [a_pod(phase="Pending", main=(never,))])[0] == "failed"


FORBIDDEN = 'Error creating: pods "train-" is forbidden: '


@pytest.mark.parametrize(
    ("message", "seconds", "state", "words"),
    [
        (
            FORBIDDEN + 'violates PodSecurity "restricted:latest": x',
            0,
            "failed",
            'its pods are refused: violates PodSecurity "restricted:latest": x',
        ),
        (
            FORBIDDEN + "unable to create new content in namespace iris because it is being terminated",
            0,
            "failed",
            "its pods are refused: unable to create new content in namespace iris because it is being terminated",
        ),
        (
            FORBIDDEN + "failed quota: small: must specify limits.cpu for: stage",
            0,
            "failed",
            "its pods are refused: failed quota: small: must specify limits.cpu for: stage",
        ),
        (
            FORBIDDEN
            + "exceeded quota: small, requested: requests.memory=2Gi,pods=1, used: requests.memory=0,pods=0, limited: requests.memory=1G,pods=9",
            0,
            "failed",
            (
                "its pods are refused: exceeded quota: small, requested: requests.memory=2Gi,pods=1, used: requests.memory=0,pods=0, "
                "limited: requests.memory=1G,pods=9"
            ),
        ),
        (
            FORBIDDEN + "exceeded quota: small, requested: requests.cpu=500m, used: requests.cpu=1, limited: requests.cpu=1",
            600,
            "running",
            "waiting: its pods are refused: exceeded quota: small, requested: requests.cpu=500m, used: requests.cpu=1, limited: requests.cpu=1",
        ),
        (
            'Error creating: Internal error occurred: failed calling webhook "x": context deadline exceeded',
            600,
            "running",
            'waiting: its pods are refused: Error creating: Internal error occurred: failed calling webhook "x": context deadline exceeded',
        ),
        (
            # a namespace made a moment ago gets its account `default` a moment later
            FORBIDDEN + 'error looking up service account iris/default: serviceaccount "default" not found',
            1,
            "running",
            'waiting: its pods are refused: error looking up service account iris/default: serviceaccount "default" not found',
        ),
    ],
    ids=[
        "pod security",
        "namespace goes",
        "quota wants limits",
        "more than the whole quota",
        "quota held by others",
        "webhook",
        "new namespace",
    ],
)
def test_pods_that_can_never_be_made_doom_a_job(message, seconds, state, words):
    assert judged(a_job(), events=[an_event("FailedCreate", message)], seconds=seconds) == (state, words)


def test_a_refusal_that_has_passed_is_forgotten_and_one_of_another_job_never_read():
    refused = an_event("FailedCreate", FORBIDDEN + "x", at="2026-11-21T07:00:05Z")
    created = an_event("SuccessfulCreate", "Created pod: train-abc", at="2026-11-21T07:00:05Z")
    assert judged(a_job(), events=[created, refused])[0] == "running"
    assert judged(a_job(), events=[an_event("FailedCreate", FORBIDDEN + "x", about="job-0")]) == ("running", "waiting for its pod")


def test_a_job_with_a_pod_is_not_doomed_by_a_refusal():
    assert judged(a_job(), [a_pod(main=(running(ready=True),))], [an_event("FailedCreate", FORBIDDEN + "x")])[0] == "running"


def test_log_lines_never_reach_a_message():
    canary = "hunter2"
    said = f"Traceback\npassword={canary}\n"
    for how in ({"main": (ended(code=1, message=said),)}, {"init": (ended("install", code=1, message=f"{said}bodywork: no\n"),)}):
        for job in (a_job(conditions=(FAILED,)), a_job()):
            assert canary not in judged(job, [a_pod(phase="Failed", **how)])[1]
