"""`render --argo-cd`: what Argo CD would do with the manifests, by its documented order of phases and waves."""

from __future__ import annotations

from typing import Any

import yaml
from golden_cases import argo_cd
from project_values import COMMIT, batch, project, service

from bodywork_compiler import labels
from bodywork_compiler.compiler import compile_project
from bodywork_compiler.source import Source


def objects() -> list[dict[str, Any]]:
    return [yaml.safe_load(document.text) for document in argo_cd()]


def annotation(each: dict[str, Any], key: str) -> str | None:
    return each["metadata"].get("annotations", {}).get(key)


def test_waves_are_the_steps() -> None:
    for each in objects():
        step = each["metadata"]["labels"].get(labels.STEP)
        assert annotation(each, labels.ARGO_WAVE) == step


def test_a_job_is_made_anew_by_each_sync_since_one_that_is_there_cannot_be_changed() -> None:
    jobs = {each["metadata"]["name"]: each for each in objects() if each["kind"] == "Job"}
    assert annotation(jobs["train"], labels.ARGO_HOOK) == "Sync"
    assert all(annotation(job, labels.ARGO_HOOK_DELETE) == "BeforeHookCreation" for job in jobs.values())


def test_the_failure_stage_runs_when_a_sync_has_failed_and_is_not_suspended_then() -> None:
    (failure,) = [each for each in objects() if each["metadata"]["labels"].get(labels.ROLE) == labels.ROLE_ON_FAILURE]
    assert annotation(failure, labels.ARGO_HOOK) == "SyncFail"
    assert "suspend" not in failure["spec"]


def test_what_stays_is_no_hook_so_that_argo_cd_compares_and_prunes_it() -> None:
    assert not [each["kind"] for each in objects() if each["kind"] != "Job" and annotation(each, labels.ARGO_HOOK)]


def test_without_the_option_nothing_speaks_of_argo_cd() -> None:
    values = project(batch("train"), service("serve"), on_failure=batch("report"))
    documents = compile_project(values, Source(commit=COMMIT, url="https://git.example.com/acme/iris.git"))
    assert not [document.path for document in documents if "argocd" in document.text]
