"""`--from-step` and `--only`: which stages are run."""

from __future__ import annotations

import pytest
from fakes import a_deployment, a_job, a_plan, a_service_of

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import Plan
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import resume


@pytest.fixture
def plan() -> Plan:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bodywork-iris", "labels": {"bodywork/pipeline": "iris"}}}
    again = a_job("train-model", 3)
    again["metadata"]["name"] = "iris--train-model-2"
    again["metadata"]["labels"]["bodywork/stage"] = "train-model-2"
    return a_plan(settings, a_job("train-model", 1), a_deployment("serve", 2), a_service_of("serve", 2), again)


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        (RunOptions(), [(1, "train-model"), (2, "serve"), (3, "train-model-2")]),
        (RunOptions(from_step=1), [(1, "train-model"), (2, "serve"), (3, "train-model-2")]),
        (RunOptions(from_step=3), [(3, "train-model-2")]),
        (RunOptions(only=("train-model",)), [(1, "train-model")]),
        (RunOptions(only=("Train_Model", "serve")), [(1, "train-model"), (2, "serve")]),
        (RunOptions(only=("iris--train-model-2",)), [(3, "train-model-2")]),
    ],
)
def test_what_is_run(plan: Plan, options: RunOptions, runs: list[tuple[int, str]]) -> None:
    resume.check(plan, options)
    found = [(step.number, resume.stage_of(each)) for step in resume.narrowed(plan, options).steps for each in step.objects if step.number]
    assert list(dict.fromkeys(found)) == runs


def test_set_up_is_always_done(plan: Plan) -> None:
    assert resume.narrowed(plan, RunOptions(only=("serve",))).steps[0] == plan.steps[0]


def test_a_step_that_there_is_not_is_refused(plan: Plan) -> None:
    with pytest.raises(BodyworkError, match="--from-step 4") as refused:
        resume.check(plan, RunOptions(from_step=4))
    assert refused.value.hint == "The last step of iris is 3."


def test_unknown_names_are_said_all_at_once_with_the_nearest(plan: Plan) -> None:
    with pytest.raises(BodyworkError, match="no stage trian-model \\(did you mean train-model\\?\\), xyz") as refused:
        resume.check(plan, RunOptions(only=("trian-model", "serve", "xyz")))
    assert refused.value.hint == "Its stages: train-model, serve, train-model-2."
