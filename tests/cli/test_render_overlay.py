"""What overlays make of a rendered folder is still a plan: kustomize is the one on kubectl's board, no cluster is asked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from builders import a_batch_stage, a_pipeline, a_service_stage, write

from bodywork_compiler import labels
from bodywork_compiler.cli import main
from bodywork_compiler.manifests import Plan, load_folder, load_stream

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not on the PATH")

FIFO = {"sortOptions": {"order": "fifo"}}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    stages = {"train": a_batch_stage(secrets={"TOKEN": "store"}), "serve": a_service_stage(), "alert": a_batch_stage()}
    repository = a_pipeline(tmp_path / "iris", stages=stages, dag="train >> serve", run_on_failure="alert")
    assert main(["render", str(repository.path), "-o", str(tmp_path / "base")]) == 0
    return tmp_path / "base"


def built(base: Path, **overlay: object) -> Plan:
    """The plan of an overlay over `base`."""
    write(base.parent / "overlay" / "kustomization.yaml", yaml.safe_dump({"resources": ["../base"], **FIFO, **overlay}))
    return load_folder(base.parent / "overlay", kustomize)


def kustomize(folder: Path) -> str:
    return subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True).stdout


def shape(plan: Plan) -> dict[int, list[tuple[str, str | None]]]:
    return {step.number: [(each.kind, each.stage) for each in step.objects] for step in plan.steps}


@pytest.mark.parametrize(
    "overlay",
    [
        {},
        {"namePrefix": "prod-"},
        {"nameSuffix": "-v2"},
        {"namespace": "prod"},
        {"labels": [{"pairs": {"app.kubernetes.io/managed-by": "kustomize"}, "includeSelectors": True}]},
        {"images": [{"name": "python", "newName": "mirror.example.com/python", "newTag": "3.12"}]},
        {"commonAnnotations": {"team": "ml"}},
    ],
    ids=["nothing", "prefix", "suffix", "namespace", "labels", "images", "annotations"],
)
def test_steps_roles_and_facts_outlive_an_overlay(base: Path, overlay: dict[str, object]) -> None:
    plain = load_folder(base, kustomize)
    plan = built(base, **overlay)
    assert plan.pipeline == "iris"
    assert shape(plan) == shape(plain)
    assert plan.facts == plain.facts
    assert plan.facts[labels.FACT_DAG] == "train >> serve"
    assert plan.on_failure is not None
    assert plan.on_failure.stage == "alert"


def test_the_overlays_namespace_is_the_plans(base: Path) -> None:
    assert built(base, namespace="prod").namespace == "prod"


def test_another_teams_objects_come_with_the_set_up(base: Path) -> None:
    write(base.parent / "overlay" / "quota.yaml", yaml.safe_dump({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}}))
    plan = built(base, resources=["../base", "quota.yaml"])
    assert [each.name for each in plan.steps[0].objects][-1] == "q"


def no_kustomize(_folder: Path) -> str:
    pytest.fail("kustomize was started")


def test_a_folder_as_it_was_rendered_is_read_without_kustomize_and_is_the_same_plan(base: Path) -> None:
    read, made = load_folder(base, no_kustomize), load_stream(kustomize(base), "kustomize")
    assert [[each.body for each in step.objects] for step in read.steps] == [[each.body for each in step.objects] for step in made.steps]
    assert (read.pipeline, read.namespace, read.facts) == (made.pipeline, made.namespace, made.facts)
    assert read.on_failure
    assert made.on_failure
    assert read.on_failure.body == made.on_failure.body


@pytest.mark.parametrize("file", ["kustomization.yaml", "01-train/job.yaml"])
def test_a_folder_in_which_a_person_changed_anything_is_kustomizes(base: Path, file: str) -> None:
    changed = next(base.rglob(Path(file).name))
    changed.write_text(changed.read_text() + "# changed\n")
    with pytest.raises(pytest.fail.Exception, match="kustomize was started"):
        load_folder(base, no_kustomize)


@pytest.mark.parametrize(
    ("overlay", "url"),
    [
        ({"namespace": "prod"}, "http://serve.prod.svc.cluster.local:5000"),
        ({"namespace": "prod", "namePrefix": "blue-", "nameSuffix": "-v2"}, "http://blue-serve-v2.prod.svc.cluster.local:5000"),
    ],
)
def test_addresses_lead_to_the_overlays_own_services(base: Path, overlay: dict[str, object], url: str) -> None:
    plan = built(base, **overlay)
    objects = [each for step in plan.steps for each in step.objects]
    variable = labels.service_url_variable("serve")
    (addresses,) = (each for each in objects if each.kind == "ConfigMap" and variable in each.body["data"])
    assert addresses.body["data"] == {variable: url}
    templates = [each.body["spec"]["template"]["spec"] for each in objects if each.kind in {"Job", "Deployment"}]
    assert {each["containers"][0]["envFrom"][0]["configMapRef"]["name"] for each in templates} == {addresses.name}


def test_what_kustomize_refuses_is_said_in_one_line(base: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No cluster is asked before; and none of its plugins runs a program."""
    write(base.parent / "overlay" / "kustomization.yaml", yaml.safe_dump({"resources": ["../base"], "transformers": ["plugin.yaml"]}))
    run = "{config.kubernetes.io/function: 'exec: {path: ./run.sh}'}"
    write(base.parent / "overlay" / "plugin.yaml", f"apiVersion: v1\nkind: Ours\nmetadata:\n  name: x\n  annotations: {run}\n")
    write(base.parent / "overlay" / "run.sh", "#!/bin/sh\ntouch ran\n").chmod(0o755)
    assert main(["apply", "--local", str(base.parent / "overlay")]) == 1
    assert capfd.readouterr().err == "bodywork: kubectl kustomize: external plugins disabled; unable to load external plugin 'Ours'\n"
    assert not (base.parent / "overlay" / "ran").exists()


def test_what_an_overlay_would_fetch_is_refused_before_kubectl_is_started(base: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(base.parent / "overlay" / "kustomization.yaml", "resources:\n- ../base\n- https://git.example.com/acme/base?ref=main\n")
    for verb in (["apply", "--local"], ["diff"], ["apply", "--dry-run=server"], ["apply"]):
        main([*verb, str(base.parent / "overlay")])
        said = capfd.readouterr().err
        assert "kustomization.yaml:3: names https://git.example.com/acme/base?ref=main, which kustomize would fetch" in said
        assert "kubectl kustomize DIR | bodywork apply -" in said
