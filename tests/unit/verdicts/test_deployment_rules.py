"""A row for each rule about Deployments that no recorded case shows alone."""

import pytest
from made import a_deployment, a_new_pod, an_old_pod, ended, running, true, waits
from recordings import recorded_object, recorded_pod

from bodywork_compiler import labels
from bodywork_compiler.runner.verdict import Situation, container_ends, judge, started_pods

READY = true("Ready")


def judged(deployment, pods=(), events=(), **situation):
    verdict = judge(deployment, list(pods), list(events), Situation(**situation))
    return verdict.state, verdict.message


@pytest.mark.parametrize(
    ("counts", "state", "message"),
    [
        pytest.param({}, "good", "", id="all new, all available"),
        pytest.param({"replicas": 0, "updated": 0, "present": 0, "available": 0}, "good", "", id="none wanted"),
        pytest.param({"replicas": 3, "updated": 3, "present": 3, "available": 3}, "good", "", id="three"),
        pytest.param(
            {"present": 2, "available": 1}, "running", "waiting for 1 pod of an older revision to go", id="an older one is counted"
        ),
        pytest.param({"updated": 0}, "running", "waiting for replicas: 0 of 1 are ready", id="only the older one is good"),
        pytest.param(
            {"replicas": 3, "updated": 3, "present": 3, "available": 2},
            "running",
            "waiting for replicas: 2 of 3 are ready",
            id="one not available",
        ),
        pytest.param(
            {"replicas": 0, "updated": 0, "present": 1}, "running", "waiting for 1 pod of an older revision to go", id="scaled down"
        ),
    ],
)
def test_a_deployment_is_good_when_all_are_new_and_available_and_no_other_is_counted(counts, state, message):
    assert judged(a_deployment(**counts)) == (state, message)


@pytest.mark.parametrize("observed", [{}, {"observedGeneration": 1}])
def test_what_a_status_says_of_an_older_generation_is_not_read(observed):
    deployment = a_deployment()
    deployment["status"] = {**{k: v for k, v in deployment["status"].items() if k != "observedGeneration"}, **observed}
    assert judged(deployment) == ("running", "waiting for the cluster to see the change")


def test_terminating_pods_are_not_waited_for():
    leaving = an_old_pod(leaving=True, main=(running(ready=True),), conditions=(READY,))
    assert judged(a_deployment(), [leaving]) == ("good", "")


def test_one_replica_whose_old_pod_is_good_and_whose_new_one_crashes_is_running():
    pods = [an_old_pod(main=(running(ready=True),), conditions=(READY,)), a_new_pod(main=(ended(code=1),))]
    assert judged(a_deployment(present=2, available=1), pods) == (
        "running",
        "the container exited with code 1; it is started again (pod serve-new-1)",
    )


@pytest.mark.parametrize(
    ("pods", "state", "message"),
    [
        pytest.param([a_new_pod(main=(ended(restarts=1),))], "running", None, id="ended twice"),
        pytest.param([a_new_pod(main=(ended(restarts=2),))], "failed", "the container exited with code 1, 3 times", id="ended 3 times"),
        pytest.param(
            [a_new_pod(main=(ended(code=0, reason="Completed", restarts=2),))],
            "failed",
            "the container exited with code 0, 3 times",
            id="a service does not end",
        ),
        pytest.param(
            [a_new_pod(init=(ended("fetch", code=128, restarts=2),))],
            "failed",
            "fetching the code failed with code 128, 3 times",
            id="fetch",
        ),
        pytest.param(
            [a_new_pod(init=(ended("fetch", code=0), ended("install", code=1, restarts=2)))],
            "failed",
            "installing requirements failed with code 1, 3 times",
            id="install",
        ),
        pytest.param(
            [a_new_pod(init=(ended("fetch", code=0, restarts=2),), main=(running(),))],
            "running",
            None,
            id="an init container that did its work",
        ),
        pytest.param(
            [an_old_pod(main=(ended(restarts=9),)), a_new_pod(main=(running(),))], "running", None, id="pods of an older revision"
        ),
        pytest.param([a_new_pod(leaving=True, main=(ended(restarts=9),))], "running", None, id="a pod that is leaving"),
        pytest.param(
            [a_new_pod(main=(ended(restarts=1),)), a_new_pod("serve-new-2", main=(ended(restarts=1),))],
            "running",
            None,
            id="each for itself",
        ),
    ],
)
def test_a_service_has_failed_when_a_container_of_a_new_pod_ended_three_times(pods, state, message):
    found = judged(a_deployment(available=0), pods)
    assert found[0] == state
    assert message is None or found[1] == message


def test_a_service_whose_file_is_not_in_the_commit_has_failed_at_its_first_end():
    pod = a_new_pod(main=(ended(code=2, message="bodywork: there is no file serve.py in the project\n"),))
    pod["spec"]["containers"][0]["args"] = ["serve.py"]
    assert judged(a_deployment(available=0), [pod]) == ("failed", "serve.py is not in the project")


def test_ends_before_this_run_do_not_count():
    pods = [a_new_pod(main=(ended(restarts=4),))]
    before = container_ends([a_new_pod(main=(ended(restarts=2),))])
    assert judged(a_deployment(available=0), pods, ends_before=before)[0] == "running"
    assert judged(a_deployment(available=0), [a_new_pod(main=(ended(restarts=5),))], ends_before=before)[0] == "failed"


@pytest.mark.parametrize("conditions", [[], [true("Progressing", "Odd", 'something about "another"')]], ids=["no deadline", "odd words"])
def test_where_nothing_names_the_newest_replica_set_pods_are_known_by_their_own(conditions):
    deployment = a_deployment(available=0)
    deployment["status"]["conditions"] = conditions
    own = a_new_pod(main=(ended(restarts=2),))
    own["metadata"]["labels"] = {"pod-template-hash": "new"}
    owners = [{"controller": True, "name": "serve-2-new"}]  # of a Deployment `serve-2`
    others = a_new_pod(main=(ended(restarts=2),)) | {"metadata": own["metadata"] | {"ownerReferences": owners}}
    assert judged(deployment, [own])[0] == "failed"
    assert judged(deployment, [others])[0] == "running"


def with_limit(seconds, **more):
    deployment = a_deployment(available=0, **more)
    deployment["metadata"]["annotations"][labels.MAX_STARTUP] = seconds
    return deployment


@pytest.mark.parametrize(
    ("limit", "ago", "pod", "state"),
    [
        pytest.param("30", 29.9, a_new_pod(main=(running(),)), "running", id="before"),
        pytest.param("30", 30.0, a_new_pod(main=(running(),)), "timed out", id="at the limit"),
        pytest.param(
            "30", 99.0, a_new_pod(main=(running(ready=True),), conditions=(READY,)), "running", id="this pod is ready, another is not"
        ),
        pytest.param("", 999.0, a_new_pod(main=(running(),)), "running", id="no limit said"),
        pytest.param("soon", 999.0, a_new_pod(main=(running(),)), "running", id="no number"),
    ],
)
def test_the_limit_of_a_start_counts_from_the_first_start_of_the_stages_own_code(limit, ago, pod, state):
    assert judged(with_limit(limit, replicas=2), [pod], stage_seconds={"uid-serve-new-1": ago})[0] == state


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (ended(code=1, restarts=1), "the container exited with code 1, 2 times; "),
        (ended(code=143, restarts=1), ""),
        (ended(code=137, reason="OOMKilled"), "the container was killed: it needed more memory than there was; "),
    ],
    ids=["crashed", "killed by its probe, at the end of the same time", "out of memory"],
)
def test_a_start_that_takes_too_long_says_first_what_kept_it(how, why):
    said = judged(with_limit("30"), [a_new_pod(main=(how,))], stage_seconds={"uid-serve-new-1": 31.0})
    assert said == ("failed" if why else "timed out", f"{why}took longer than 30 s to answer (pod serve-new-1)"), "a crash is a crash"


def test_fetch_and_install_do_not_count_against_the_limit():
    pod = a_new_pod(init=(ended("fetch", code=0), running("install")), main=(waits(reason="PodInitializing"),))
    assert started_pods([pod]) == frozenset()
    assert judged(with_limit("1"), [pod], seconds=900.0) == ("running", "installing requirements (pod serve-new-1)")


def test_a_pod_whose_code_crashed_has_started():
    assert started_pods([a_new_pod(main=(ended(),)), a_new_pod("serve-new-2", main=(waits(reason="ContainerCreating"),))]) == {
        "uid-serve-new-1"
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("img-nf", "image localhost:5555/nf:1 not found"),
        ("img-forbid", "image localhost:5555/forbid:1 must not be pulled from here (403)"),
        ("img-denied", "image localhost:5555/denied:1 wants a login that was not given (401)"),
        ("img-many", None),
        ("img-err", None),
        ("img-busy", None),
    ],
)
def test_an_image_that_can_never_be_had_dooms_and_a_registry_in_trouble_does_not(name, message):
    pod = recorded_pod("image-pull-errors.pods", name)
    pod["metadata"]["ownerReferences"] = [{"controller": True, "name": "serve-new"}]
    state, said = judged(a_deployment(available=0), [pod])
    assert (state, said) == ("failed", message) if message else state == "running"


@pytest.mark.parametrize(
    ("why", "state"),
    [
        pytest.param({"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x/y:1"'}, "running", id="back-off alone"),
        pytest.param(
            {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x/y:1": ErrImagePull: x/y:1: not found'},
            "failed",
            id="and why",
        ),
        pytest.param({"reason": "ErrImageNeverPull"}, "failed", id="never pulled"),
        pytest.param(
            {"reason": "ErrImagePull", "message": "pull access denied, repository does not exist"}, "failed", id="hidden repository"
        ),
        pytest.param({"reason": "CreateContainerConfigError", "message": 'configmap "x" not found'}, "failed", id="config map"),
        pytest.param(
            {"reason": "CreateContainerConfigError", "message": "container has runAsNonRoot and image will run as root"},
            "failed",
            id="root image",
        ),
        pytest.param(
            {"reason": "CreateContainerConfigError", "message": "failed to sync secret cache: timed out waiting for the condition"},
            "running",
            id="a slow kubelet",
        ),
    ],
)
def test_what_a_container_waits_for_dooms_it_only_when_it_can_never_come(why, state):
    assert judged(a_deployment(available=0), [a_new_pod(phase="Pending", main=(waits(image="x/y:1", **why),))])[0] == state


def test_an_image_whose_name_sounds_like_an_error_is_not_judged_by_it():
    why = {"reason": "ErrImagePull", "message": 'failed to resolve reference "x/denied:401": something new'}
    assert judged(a_deployment(available=0), [a_new_pod(main=(waits(image="x/denied:401", **why),))])[0] == "running"


def test_pods_that_pod_security_refuses_doom_a_deployment():
    assert judged(recorded_object("pss-refused.deployment")) == (
        "failed",
        (
            'its pods are refused: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
            '(container "stage" must set securityContext.allowPrivilegeEscalation=false)'
        ),
    )


def test_a_quota_that_others_hold_is_waited_for():
    held = 'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
    assert judged(a_deployment(available=0, conditions=(true("ReplicaFailure", "FailedCreate", held),))) == (
        "running",
        "waiting: its pods are refused: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
    )


def test_a_deployment_that_is_paused_or_being_deleted_says_so():
    assert judged(a_deployment(available=0, paused=True)) == ("running", "paused")
    leaving = a_deployment()
    leaving["metadata"]["deletionTimestamp"] = "2026-11-21T07:00:30Z"
    assert judged(leaving) == ("failed", "it is being deleted by someone else")


def test_a_start_that_takes_too_long_says_on_which_port_nothing_answered():
    pod = a_new_pod(main=(running(),)) | {"spec": {"containers": [{"name": "stage", "ports": [{"containerPort": 5000}]}]}}
    said = judged(with_limit("30"), [pod], stage_seconds={"uid-serve-new-1": 31.0})
    assert said == ("timed out", "took longer than 30 s to answer on port 5000 (pod serve-new-1)")
