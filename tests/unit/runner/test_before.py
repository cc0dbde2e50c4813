"""What is kept of an object for the way back."""

from __future__ import annotations

from bodywork_compiler.runner.before import Before

FOUND = {
    "kind": "Service",
    "metadata": {"name": "serve", "labels": {"a": "1"}, "uid": "u", "resourceVersion": "7", "managedFields": []},
    "spec": {"ports": [{"port": 5000}]},
    "status": {"loadBalancer": {}},
}


def test_an_object_that_apply_did_not_make_goes_back_whole() -> None:
    before = Before(api_version="v1", kind="Service", name="serve", stage="serve", object=FOUND)
    assert before.last_applied is None
    assert before.whole() == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "serve", "labels": {"a": "1"}},
        "spec": {"ports": [{"port": 5000}]},
    }


def test_a_revision_is_a_number() -> None:
    annotated = {**FOUND, "metadata": {"annotations": {"deployment.kubernetes.io/revision": "10"}}}
    assert (
        Before(
            api_version="apps/v1",
            kind="Deployment",
            name="serve",
            stage="serve",
            object=annotated,
        ).revision
        == 10
    )
    assert Before(api_version="apps/v1", kind="Deployment", name="serve", stage="serve", object=None).revision is None
