"""What Kubernetes is told about time, out of what the config says."""

import pytest
from project_values import batch, compiled, service
from yaml import safe_load

from bodywork_compiler.compiler.options import active_deadline_seconds
from bodywork_compiler.project import Batch


@pytest.mark.parametrize(
    ("seconds", "retries", "deadline"),
    [
        (60, 0, 960 + 600),
        (60, 1, 2 * 960 + 10 + 600),
        (60, 2, 3 * 960 + 10 + 20 + 600),
        (1, 6, 7 * 901 + 630 + 600),
        (1, 8, 9 * 901 + 630 + 2 * 360 + 600),
        (0, 3, None),
    ],
)
def test_the_net_under_a_job_holds_all_attempts_and_the_pauses_between_them(seconds, retries, deadline):
    assert active_deadline_seconds(Batch(max_completion_time_seconds=seconds, retries=retries)) == deadline


def the(kind, documents):
    return next(safe_load(document.text) for document in documents if document.kind == kind)


@pytest.mark.parametrize(("seconds", "retries"), [(10**9, 10), (60, 2**31 - 1), (2**31, 0)])
def test_a_net_that_no_cluster_could_count_is_none(seconds, retries):
    assert active_deadline_seconds(Batch(max_completion_time_seconds=seconds, retries=retries)) is None


def test_a_batch_stage_is_bounded_by_its_start_script_and_the_net():
    job = the("Job", compiled(batch(seconds=90, retries=2)))
    assert job["spec"]["backoffLimit"] == 2
    assert job["spec"]["activeDeadlineSeconds"] == 3 * 990 + 30 + 600
    assert {"name": "BODYWORK_TIME_LIMIT_SECONDS", "value": "90"} in job["spec"]["template"]["spec"]["containers"][0]["env"]
    assert job["metadata"]["annotations"]["bodywork/max-completion-time-seconds"] == "90"


def test_no_limit_means_none_anywhere():
    job = the("Job", compiled(batch(seconds=0)))
    assert "activeDeadlineSeconds" not in job["spec"]
    assert "BODYWORK_TIME_LIMIT_SECONDS" not in str(job["spec"])
    assert job["metadata"]["annotations"]["bodywork/max-completion-time-seconds"] == "0"


@pytest.mark.parametrize(("configured", "meant"), [(30, 30), (0, 60)])
def test_a_services_time_to_start_counts_from_its_own_code(configured, meant):
    deployment = the("Deployment", compiled(service(startup=configured)))
    probe = deployment["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == meant
    assert deployment["spec"]["progressDeadlineSeconds"] == meant + 900
    assert deployment["metadata"]["annotations"]["bodywork/max-startup-time-seconds"] == str(meant)
