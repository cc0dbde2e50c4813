"""Which objects there are, in which order, step and file, and what they are called."""

import pytest
from project_values import COMMIT, PUSHED, batch, compiled, project, service
from yaml import safe_load

from bodywork_compiler.compiler import RenderOptions, compile_project
from bodywork_compiler.source import Source


def paths(documents):
    return [document.path for document in documents]


def bodies(documents):
    return [safe_load(document.text) for document in documents]


def in_step(documents, step):
    return [f"{document.kind} {document.name}" for document in documents if document.step == step]


def test_setup_comes_first_then_step_by_step_then_the_failure_stage():
    documents = compiled(batch("train"), service("serve", ingress=True), on_failure=batch("alert"))
    assert paths(documents) == [
        "00-setup/namespace.yaml",
        "00-setup/service-account.yaml",
        "00-setup/pipeline.yaml",
        "00-setup/addresses.yaml",
        "00-setup/scripts.yaml",
        "01-train/job.yaml",
        "02-serve/deployment.yaml",
        "02-serve/service.yaml",
        "02-serve/ingress.yaml",
        "on-failure/job.yaml",
    ]
    assert [document.step for document in documents] == [0, 0, 0, 0, 0, 1, 2, 2, 2, None]
    assert [document.stage for document in documents] == [None] * 5 + ["train", "serve", "serve", "serve", "alert"]


def test_stages_of_one_step_have_a_folder_each():
    documents = compiled(batch("prepare"), batch("svm"), batch("forest"), dag="prepare >> svm, forest")
    assert paths(documents)[4:] == ["01-prepare/job.yaml", "02-parallel/svm/job.yaml", "02-parallel/forest/job.yaml"]


def test_folders_sort_in_the_order_of_the_steps():
    stages = [batch(f"s{number}") for number in range(100)]
    documents = compiled(*stages)
    assert paths(documents) == sorted(paths(documents), key=lambda path: path.split("/")[0])
    assert paths(documents)[0].startswith("000-setup/")
    assert paths(documents)[-1] == "100-s99/job.yaml"


def test_a_stage_that_comes_again_is_an_object_of_its_own():
    documents = compiled(batch("train_it"), batch("check"), dag="train_it >> check >> train_it")
    assert in_step(documents, 1) == ["Job train-it"]
    assert in_step(documents, 3) == ["Job train-it-2"]
    first, _, again = bodies(documents)[4:]
    assert first["metadata"]["labels"]["bodywork/stage"] == "train-it"
    assert again["metadata"]["labels"]["bodywork/stage"] == "train-it-2"


def test_a_failure_stage_that_is_a_step_too_is_an_object_of_its_own():
    alert = batch("alert")
    documents = compiled(batch("train"), alert, failure_stage="alert")
    assert [document.name for document in documents if document.kind == "Job"] == ["train", "alert", "alert-2"]


def test_v1_objects_are_called_project_stage_and_labelled_by_stage():
    stage = batch("stage-1", object_name="ml-pipeline--stage-1", label="stage-1")
    (job,) = (safe_load(document.text) for document in compiled(stage, generation="v1", name="ml-pipeline") if document.kind == "Job")
    assert job["metadata"]["name"] == "ml-pipeline--stage-1"
    assert job["metadata"]["labels"]["bodywork/stage"] == "stage-1"
    assert job["spec"]["template"]["metadata"]["labels"]["bodywork/stage"] == "stage-1"


@pytest.mark.parametrize(
    ("given", "configured", "namespace"), [(None, None, "my.iris"), (None, "flowers", "flowers"), ("test", "flowers", "test")]
)
def test_the_namespace_is_the_given_one_else_the_configs_else_the_pipelines_name(given, configured, namespace):
    documents = compiled(batch(), name="My.Iris", namespace=configured, options=RenderOptions(namespace=given))
    first, *others = bodies(documents)
    assert (first["kind"], first["metadata"]["name"]) == ("Namespace", namespace)
    assert {other["metadata"]["namespace"] for other in others} == {namespace}


def test_without_namespace_no_object_names_one():
    documents = compiled(batch(), service(ingress=True), options=RenderOptions(namespace="flowers", with_namespace=False))
    assert "Namespace" not in [document.kind for document in documents]
    assert not any("namespace" in body["metadata"] for body in bodies(documents))
    assert bodies(documents)[-1]["spec"]["rules"][0]["http"]["paths"][0]["path"].startswith("/flowers/serve")


def test_every_object_says_to_which_pipeline_step_and_stage_it_belongs():
    documents = compiled(batch(), service(ingress=True), on_failure=batch("alert"))
    for document, body in zip(documents, bodies(documents), strict=True):
        labels = body["metadata"]["labels"]
        assert labels["bodywork/pipeline"] == "iris"
        assert labels.get("bodywork/stage") == document.stage
        assert labels.get("bodywork/step") == (None if document.step is None else str(document.step))
        assert labels["app.kubernetes.io/part-of"] == "iris"
        assert labels["app.kubernetes.io/managed-by"] == "bodywork"
        assert labels["app.kubernetes.io/name"] == (document.stage or "iris")
        assert (document.kind, document.name) == (body["kind"], body["metadata"]["name"])


def test_selectors_use_identity_and_nothing_else():
    identity = {"bodywork/pipeline": "iris", "bodywork/stage": "serve"}
    *_, deployment, address = bodies(compiled(batch(), service()))
    assert deployment["spec"]["selector"] == {"matchLabels": identity}
    assert address["spec"]["selector"] == identity
    assert identity.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_a_new_step_in_front_changes_no_pod():
    def pods(documents):
        return {body["metadata"]["name"]: body["spec"]["template"] for body in bodies(documents) if "template" in body.get("spec", {})}

    before, after = pods(compiled(batch("train"), service())), pods(compiled(batch("prepare"), batch("train"), service()))
    assert before.items() <= after.items()


def test_objects_say_where_they_came_from_and_pods_do_not():
    for body in bodies(compiled(batch(), service())):
        annotations = body["metadata"]["annotations"]
        assert annotations["bodywork/git-url"] == PUSHED.url
        if (body["kind"], body["metadata"]["name"]) == ("ConfigMap", "bodywork-iris") or body["kind"] in {"Job", "Deployment"}:
            assert annotations["bodywork/git-branch"] == "feature/petals"
            assert annotations["bodywork/git-commit"] == COMMIT
        assert "annotations" not in body.get("spec", {}).get("template", {}).get("metadata", {})


def test_a_new_commit_changes_only_what_pods_are_made_from_and_the_pipelines_facts():
    def texts(commit):
        values = project(batch(), service("serve", ingress=True), on_failure=batch("alert"))
        documents = compile_project(values, Source(commit=commit, url=PUSHED.url, branch="main"))
        return {(each.kind, each.name): each.text for each in documents}

    before, after = texts("1" * 40), texts("2" * 40)
    changed = {key for key in before if before[key] != after.get(key)}
    assert changed == {("ConfigMap", "bodywork-iris"), ("Job", "train"), ("Deployment", "serve"), ("Job", "alert")}


def test_plain_kubectl_never_runs_the_failure_stage():
    *_, failure = bodies(compiled(batch(), on_failure=batch("alert")))
    assert failure["spec"]["suspend"] is True
    assert failure["metadata"]["labels"]["bodywork/role"] == "on-failure"
    (main,) = failure["spec"]["template"]["spec"]["containers"]
    assert {"name": "EXCEPTION_MESSAGE", "value": ""} in main["env"]


def test_same_values_same_bytes():
    assert compiled(batch(), service()) == compiled(batch(), service())
