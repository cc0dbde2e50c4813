"""A run in the words of v1's log: the lines that its guide shows, and nothing of today's in their place."""

from __future__ import annotations

from dataclasses import replace

from made_runs import STARTED, changed, ended, shown

from bodywork_compiler.report.text import attempting_to_run
from bodywork_compiler.runner import events as run

WHERE = "INFO - workflow.run_workflow"


def lines(*events: run.Event) -> list[str]:
    """Without their times."""
    return [line.partition(" - ")[2] for line in shown(events, words="v1's").splitlines()]


def test_the_three_lines_that_the_guide_shows() -> None:
    begun = attempting_to_run("https://github.com/acme/iris", "master", "lab")
    said = lines(
        begun,
        STARTED,
        run.StepStarted(step=1, stages=("train-svm", "train-forest")),
        changed("train-svm", "Job", step=1, name="iris--train-svm"),
    )
    assert (
        said[0]
        == f"{WHERE} - attempting to run workflow for project=https://github.com/acme/iris on branch=master in kubernetes namespace=lab"
    )
    assert said[2:] == [
        f"{WHERE} - attempting to execute DAG step=['train-svm', 'train-forest']",
        f"{WHERE} - creating job=iris--train-svm in namespace=iris",
    ]


def test_each_step_and_the_whole_run_are_told_to_have_succeeded() -> None:
    said = lines(STARTED, run.StepStarted(step=1, stages=("train",)), run.StepStarted(step=2, stages=("serve",)), ended())
    assert [line for line in said if "successfully" in line] == [
        f"{WHERE} - successfully executed DAG step=['train']",
        f"{WHERE} - successfully executed DAG step=['serve']",
        f"{WHERE} - successfully ran workflow for project={STARTED.git_url} on branch={STARTED.git_branch} in kubernetes namespace=iris",
    ]


def test_what_failed_is_not_told_to_have_succeeded() -> None:
    said = lines(
        STARTED, run.StepStarted(step=1, stages=("train",)), run.StepStarted(step=3, stages=("alert",)), ended("failed", exit_code=4)
    )
    assert not [line for line in said if "successfully" in line]


def test_the_failure_stage_is_no_step_of_the_dag() -> None:
    said = lines(STARTED, run.StepStarted(step=3, stages=("alert",)))
    assert said[1:] == ["INFO - run.step - on failure: alert"]


def test_what_v1_had_no_words_for_is_told_in_todays() -> None:
    set_up = replace(changed("iris", "ConfigMap", step=0), stage=None)
    said = lines(STARTED, set_up, changed("serve", "Deployment", step=2, action="configured"))
    assert said[1:] == [
        "INFO - run.setup - creating configmap=iris in namespace=iris",
        "INFO - run.step - updating deployment=serve in namespace=iris",
    ]
