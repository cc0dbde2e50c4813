"""What docs/compatibility.md and docs/migrating.md say of the three earlier generations: each row and each point names the test that holds it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import write

from bodywork_compiler import config, labels
from bodywork_compiler.compiler import RenderOptions, compile_project
from bodywork_compiler.source import Source

CHECKOUT = Path(__file__).parent.parent
COMPATIBILITY, MIGRATING = ((CHECKOUT / "docs" / name).read_text("utf-8") for name in ("compatibility.md", "migrating.md"))
TESTS = CHECKOUT / "tests"

# a row's first cell, or the bold words of a point → a file of tests, and the test
KEYS = {
    "`version`": ("unit/config/test_yaml_projects.py", "test_version_1_2_adds_what_users_asked_for"),
    "`project.*` (1.0), `pipeline.*` (1.1)": ("unit/config/test_yaml_projects.py", "test_version_1_0_says_project"),
    "`pipeline.name`": ("unit/config/test_yaml_projects.py", "test_names_are_cleaned_for_kubernetes_only"),
    "`pipeline.docker_image`": ("cluster/test_examples.py", "test_train_and_serve"),
    "`pipeline.DAG`": ("unit/config/test_yaml_projects.py", "test_a_batch_stage_may_come_again"),
    "`pipeline.namespace`": ("cluster/test_apply.py", "test_a_namespace_that_is_there_is_not_touched"),
    "`pipeline.secrets_group`": ("unit/runner/test_groups.py", "test_what_no_stage_names_stays_in_the_group"),
    "`pipeline.run_on_failure`": (
        "unit/compiler/test_services_and_jobs.py",
        "test_the_failure_stage_can_fetch_a_private_repository_and_knows_the_commit",
    ),
    "`pipeline.usage_stats`": ("unit/config/test_yaml_projects.py", "test_every_key_of_1_1_reaches_the_project"),
    "`logging.log_level`": ("unit/config/test_yaml_projects.py", "test_every_key_of_1_1_reaches_the_project"),
    "`stages.S`": ("unit/config/test_names.py", "test_before_v3_each_other_character_was_one_dash"),
    "`stages.S.executable_module_path`": ("unit/compiler/test_script_run.py", "test_a_script_runs_in_its_own_folder_with_its_arguments"),
    "`stages.S.args`": ("unit/compiler/test_scalars.py", "test_kubernetes_expands_nothing"),
    "`stages.S.requirements`": ("unit/verdicts/test_deployment_rules.py", "test_fetch_and_install_do_not_count_against_the_limit"),
    "`stages.S.cpu_request`, `memory_request_mb`": ("unit/compiler/test_pods.py", "test_limits_and_requests_of_nothing_are_left_out"),
    "`stages.S.secrets`": ("unit/compiler/test_pods.py", "test_secrets_reach_the_stage_only_and_pips_install_too"),
    "`stages.S.batch.max_completion_time_seconds`": (
        "unit/compiler/test_time_limits.py",
        "test_a_batch_stage_is_bounded_by_its_start_script_and_the_net",
    ),
    "`stages.S.batch.retries`": ("cluster/test_apply_failures.py", "test_a_retry_that_succeeds_is_a_success"),
    "`stages.S.service.max_startup_time_seconds`": (
        "unit/config/test_yaml_projects.py",
        "test_a_service_without_time_to_start_gets_a_minute",
    ),
    "`stages.S.service.replicas`, `port`": ("unit/compiler/test_services_and_jobs.py", "test_the_service_has_the_stages_name_and_port"),
    "`stages.S.service.ingress`": (
        "unit/compiler/test_services_and_jobs.py",
        "test_ingress_keeps_the_ancestors_route_and_the_service_sees_its_own_paths",
    ),
    "new in 1.2": ("unit/config/test_yaml_projects.py", "test_version_1_2_adds_what_users_asked_for"),
    "values in quotes": ("unit/config/test_ini_projects.py", "test_quotes_round_values_do_not_count"),
    "`PROJECT_NAME`": ("unit/config/test_ini_projects.py", "test_project_name_and_image_are_taken_in_lower_case"),
    "`DOCKER_IMAGE`": ("unit/config/test_ini_projects.py", "test_project_name_and_image_are_taken_in_lower_case"),
    "`DAG`, `LOG_LEVEL`": ("unit/config/test_ini_projects.py", "test_log_levels_by_all_their_names"),
    "namespace": ("unit/compiler/test_order_and_names.py", "test_the_namespace_is_the_given_one_else_the_configs_else_the_pipelines_name"),
    "`STAGE_TYPE`, `EXECUTABLE_SCRIPT`, `CPU_REQUEST`, `MEMORY_REQUEST_MB`": (
        "unit/config/test_ini_projects.py",
        "test_every_key_reaches_the_project",
    ),
    "`MAX_COMPLETION_TIME_SECONDS`, `RETRIES`, `MAX_STARTUP_TIME_SECONDS`, `REPLICAS`, `PORT`": (
        "unit/config/test_ini_projects.py",
        "test_every_key_reaches_the_project",
    ),
    "`INGRESS`": ("unit/config/test_ini_projects.py", "test_ingress"),
    "`[secrets]`": ("unit/config/test_ini_projects.py", "test_every_key_reaches_the_project"),
    "`requirements.txt`": ("unit/config/test_ini_projects.py", "test_a_stage_needs_its_requirements_file"),
}
EXCEPTIONS = {
    "A v1 service without a listening port": (
        "cluster/test_apply_failures.py",
        "test_a_service_that_does_not_answer_in_time_is_taken_back",
    ),
    "Notebooks": ("cluster/test_pods.py", "test_a_notebook_prints_what_its_cells_print"),
    "Stages run as user 65534, not root": ("cluster/test_manifests.py", "test_pods_are_restricted"),
    "The image's files are read-only": (
        "unit/compiler/test_pods.py",
        "test_the_root_file_system_is_read_only_and_each_container_has_a_tmp_of_its_own",
    ),
    "No service account's rights": ("cluster/test_rights.py", "test_the_account_of_a_stages_pod_may_read_nothing"),
    "A pipeline without services": (
        "cluster/test_status_logs_delete.py",
        "test_a_namespace_that_bodywork_made_goes_with_its_pipeline_only_when_asked",
    ),
    "Every run restarted every service": ("cluster/test_apply.py", "test_a_second_run_needs_no_clean_up_and_runs_everything_anew"),
    "Pods run the pinned commit": ("unit/compiler/test_pods.py", "test_the_commit_and_not_the_branch_is_fetched"),
    "A job's default time limit of 60 seconds and the 90 seconds on top": (
        "unit/compiler/test_script_run.py",
        "test_without_a_limit_nothing_is_bounded",
    ),
    "The v1 and v2 Deployment's selector": ("cluster/test_generations.py", "test_is_taken_over_migrated_and_applied_again"),
    "Environment": ("unit/compiler/test_pods.py", "test_only_fetch_sees_the_ssh_key"),
    "Host keys of Git servers": ("unit/compiler/test_script_fetch.py", "test_host_keys_are_always_checked_and_none_are_built_in"),
}
FOUND_AS_IT_IS = {
    "secrets of a group (`GROUP-NAME` in `bodywork-deployment-jobs`, label `group`)": (
        "cluster/test_secrets.py",
        "test_a_whole_group_is_listed_and_deleted_and_the_ancestors_secret_is_of_it",
    ),
    "its copies of them in the pipeline's namespace (label `group`)": (
        "unit/runner/test_groups.py",
        "test_the_ancestors_copy_is_taken_over",
    ),
    "v1's and v2's secrets in the pipeline's namespace": ("cluster/test_generations.py", "test_is_taken_over_migrated_and_applied_again"),
    "CronJobs and Jobs of `--async`": ("cli/test_schedules.py", "test_what_is_there_is_listed_the_ancestors_too"),
    "Jobs of stages that a run has left": ("unit/runner/test_takeover.py", "test_a_job_under_our_name_is_replaced"),
    "Deployments, Services, Ingresses of stages": ("cluster/test_generations.py", "test_is_taken_over_migrated_and_applied_again"),
    "account, Role and RoleBinding `bodywork-stage` (v1 and v2: `bodywork-jobs-and-deployments`) in the pipeline's namespace": (
        "unit/compiler/test_services_and_jobs.py",
        "test_pods_have_an_identity_without_rights_of_their_own",
    ),
}
MIGRATE = {
    "Objects keep their names": ("unit/starting/test_historic.py", "test_it_renders_to_the_same_objects"),
    "With `--namespace NS`": ("cli/test_migrate.py", "test_addresses_in_the_projects_files_that_lead_elsewhere_are_named"),
    "Places in the project's files": ("cli/test_migrate.py", "test_addresses_in_the_projects_files_that_lead_elsewhere_are_named"),
    "Comments stay.": ("cli/test_migrate.py", "test_keys_that_v2_never_read_become_comments"),
    "`--adopt all` is needed once": ("cluster/test_generations.py", "test_is_taken_over_migrated_and_applied_again"),
}


def chapter(page: str, heading: str) -> str:
    return re.split(r"\n## ", page.partition(f"\n## {heading}\n")[2])[0]


def rows(text: str) -> list[str]:
    """The first cell of each row, without the tables' heads."""
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return [
        cell
        for number, cell in enumerate(cells)
        if not set(cell) <= {"-"} and (number + 1 == len(cells) or not set(cells[number + 1]) <= {"-"})
    ]


def points(text: str) -> list[str]:
    return re.findall(r"^- (.*)$", text, re.MULTILINE)


def test_every_row_about_a_config_key_is_held_by_a_test() -> None:
    assert rows(chapter(COMPATIBILITY, "bodywork.yaml")) + rows(chapter(COMPATIBILITY, "bodywork.ini and config.ini (v1)")) == list(KEYS)


def test_every_exception_is_held_by_a_test() -> None:
    text = COMPATIBILITY.partition("\n## Exceptions")[2]
    assert re.findall(r"^- \*\*(.*?)\*\*", text, re.MULTILINE) == list(EXCEPTIONS)


def test_all_that_is_found_as_it_is_is_held_by_a_test() -> None:
    assert rows(chapter(MIGRATING, "What is found as it is")) == list(FOUND_AS_IT_IS)


def test_all_that_migrate_is_said_to_do_is_held_by_a_test() -> None:
    told = points(chapter(MIGRATING, "Today's config"))
    assert len(told) == len(MIGRATE)
    assert all(point.startswith(begins) for point, begins in zip(told, MIGRATE, strict=True))


@cache
def defined(file: str) -> set[str]:
    return set(re.findall(r"def (test_\w+)", (TESTS / file).read_text("utf-8")))


@pytest.mark.parametrize(("file", "test"), sorted({*KEYS.values(), *EXCEPTIONS.values(), *FOUND_AS_IT_IS.values(), *MIGRATE.values()}))
def test_the_tests_that_hold_the_pages_are_there(file: str, test: str) -> None:
    assert test in defined(file)


STAGE = "cpu_request: 0\n    memory_request_mb: 0\n    service: {max_startup_time_seconds: 30, replicas: 1, port: 5000, ingress: true}\n"
A_YAML = f'version: "VERSION"\nSECTION:\n  name: iris\n  docker_image: python:3.11\n  DAG: serve_it\nstages:\n  serve_it:\n    executable_module_path: serve.py\n    {STAGE}logging: {{log_level: INFO}}\n'
AN_INI = "[default]\nPROJECT_NAME=iris\nDOCKER_IMAGE=python:3.11\n[workflow]\nDAG=serve-it\n[logging]\nLOG_LEVEL=INFO\n"
A_STAGE_INI = (
    "[default]\nSTAGE_TYPE=service\nEXECUTABLE_SCRIPT=serve.py\nCPU_REQUEST=0\nMEMORY_REQUEST_MB=0\n"
    "[service]\nMAX_STARTUP_TIME_SECONDS=30\nREPLICAS=1\nPORT=5000\nINGRESS=True\n"
)
GENERATIONS = {
    "v1": {"bodywork.ini": AN_INI, "serve-it/config.ini": A_STAGE_INI, "serve-it/requirements.txt": ""},
    "v2": {"bodywork.yaml": A_YAML.replace("VERSION", "1.0").replace("SECTION", "project")},
    "v3": {"bodywork.yaml": A_YAML.replace("VERSION", "1.1").replace("SECTION", "pipeline")},
}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_table_of_the_three_generations_says_what_is_rendered(generation: str, tmp_path: Path) -> None:
    for file, text in GENERATIONS[generation].items():
        write(tmp_path / file, text)
    project = config.load(tmp_path).project
    source = Source(commit="0" * 40, url="git@git.example.com:acme/iris.git")
    found = {
        (document.kind, document.name): yaml.safe_load(document.text)
        for document in compile_project(project, source, RenderOptions(namespace="lab"))
    }
    (deployment,) = (body for (kind, _), body in found.items() if kind == "Deployment")
    (ingress,) = (body for (kind, _), body in found.items() if kind == "Ingress")
    (addresses,) = (body["data"] for body in found.values() if "BODYWORK_SERVICE_SERVE_IT_URL" in (body.get("data") or {}))
    (settings,) = (body["data"] for body in found.values() if labels.FACT_DAG in (body.get("data") or {}))
    assert said(generation, "the objects of a stage") == deployment["metadata"]["name"]
    assert said(generation, "address of a service") == addresses["BODYWORK_SERVICE_SERVE_IT_URL"]
    assert said(generation, "route of an ingress") == route_of(ingress)
    assert said(generation, "the SSH key's secret") == settings[labels.FACT_SSH_SECRET]


def said(generation: str, row: str) -> str:
    """The first word in code of the generation's cell."""
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in chapter(COMPATIBILITY, "Three generations").splitlines()
        if line[:1] == "|"
    ]
    column = table[0].index(generation)
    cell = next(cells[column] for cells in table if cells[0] == row)
    return str(re.findall(r"`(.*?)`", cell)[0])


def route_of(ingress: Any) -> str:
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    return str(path["path"]).partition("(")[0]
