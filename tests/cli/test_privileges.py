"""What a project's templates, manifests and configs may not ask for, by every way in: refused before anything of them is used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders import Repository, a_pipeline, write

from bodywork_compiler import names
from bodywork_compiler.resources import folder as resource

Done = subprocess.CompletedProcess[str]
TOKEN = ("automountServiceAccountToken: false", "automountServiceAccountToken: true")
ACCOUNT = ("serviceAccountName: {{ service_account | yaml }}", "serviceAccountName: bodywork-workflow-controller")
NODE = ("enableServiceLinks: false", "hostPID: true")


def bodywork(*argv: str | Path, stdin: str = "") -> Done:
    return subprocess.run(
        [sys.executable, "-m", "bodywork_compiler", *map(str, argv)], input=stdin, text=True, capture_output=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "project", name="iris")


def with_template(project: Repository, *changes: tuple[str, str], name: str = "pod.yaml.j2") -> None:
    text = (resource("templates") / name).read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    write(project.path / "templates" / name, text)
    project.commit()


def test_a_projects_template_asks_for_no_more_than_a_stage_gets(project: Repository, tmp_path: Path) -> None:
    with_template(project, TOKEN, ACCOUNT, NODE)
    refused = bodywork("render", project.path)
    assert (refused.returncode, refused.stdout) == (1, "")
    for path in ("serviceAccountName", "automountServiceAccountToken", "hostPID"):
        assert f"spec.template.spec.{path}: " in refused.stderr
    assert "templates/pod.yaml.j2" in refused.stderr
    assert "--allow-privileges" in refused.stderr
    folder = tmp_path / "manifests"
    assert bodywork("render", project.path, "-o", folder).returncode == 1
    assert not folder.exists()


def test_a_person_may_say_so_and_again_where_it_is_applied(project: Repository, tmp_path: Path) -> None:
    with_template(project, NODE)
    folder = tmp_path / "manifests"
    assert bodywork("render", project.path, "--allow-privileges", "-o", folder).returncode == 0
    assert bodywork("render", project.path, "--check", folder).returncode == 0, "the folder says how it was rendered"
    for where in (folder, "-"):
        text = "".join(f"---\n{file.read_text()}" for file in sorted(folder.rglob("*/*.yaml")))
        for verb in (("apply", "--dry-run=client"), ("diff",)):
            refused = bodywork(verb[0], where, *verb[1:], "--kubeconfig=/dev/null", stdin=text)
            assert refused.returncode in {1, 2}
            assert "spec.template.spec.hostPID: the node's processes" in refused.stderr
            allowed = bodywork(verb[0], where, *verb[1:], "--kubeconfig=/dev/null", "--allow-privileges", stdin=text)
            assert "hostPID" not in allowed.stderr
    assert bodywork("apply", folder, "--dry-run=client", "--kubeconfig=/dev/null", "--allow-privileges").returncode == 0


def test_an_option_that_changes_nothing_leaves_no_trace(project: Repository) -> None:
    assert bodywork("render", project.path, "--allow-privileges").stdout == bodywork("render", project.path).stdout


def test_a_run_that_takes_no_templates_of_a_project_says_so_and_does_not_leave_them_out(project: Repository) -> None:
    assert bodywork("render", project.path, "--no-project-templates").returncode == 0
    with_template(project, name="service.yaml.j2")
    refused = bodywork("render", project.path, "--no-project-templates")
    assert refused.returncode == 1
    assert "templates/service.yaml.j2" in refused.stderr
    assert bodywork("render", project.path).returncode == 0


@pytest.mark.parametrize("namespace", [names.CONTROLLER_NAMESPACE, "kube-system"])
def test_a_reserved_namespace_is_refused_by_every_way_in(project: Repository, tmp_path: Path, namespace: str) -> None:
    good = bodywork("render", project.path).stdout
    streamed = good.replace('namespace: "iris"', f"namespace: {namespace}")
    overlay = tmp_path / "overlay"
    assert bodywork("render", project.path, "-o", tmp_path / "manifests").returncode == 0
    write(overlay / "kustomization.yaml", f"namespace: {namespace}\nresources: [../manifests]\n")
    nowhere = bodywork("render", project.path, "--no-namespace").stdout
    write(tmp_path / "kubeconfig", KUBECONFIG.format(namespace=namespace))
    config = (project.path / "bodywork.yaml").read_text()
    write(project.path / "bodywork.yaml", config.replace("name: iris", f"name: iris\n  namespace: {namespace}"))
    project.commit()
    kubeconfig = f"--kubeconfig={tmp_path / 'kubeconfig'}"
    ways: list[tuple[tuple[str | Path, ...], str]] = [
        (("validate", project.path), ""),
        (("render", project.path), ""),
        (("apply", "-", "--dry-run=client", kubeconfig), streamed),
        (("apply", "-", "--dry-run=client", kubeconfig, "--allow-privileges"), streamed),
        (("apply", overlay, "--dry-run=client", kubeconfig), ""),
        (("diff", "-", kubeconfig), nowhere),
        (("apply", "-", kubeconfig), nowhere),
        (("apply", "-", f"--namespace={namespace}", kubeconfig), nowhere),
        (("configure-cluster", "--namespace", namespace, "--dry-run=client", "-o", "yaml"), ""),
        (("setup-namespace", namespace, "--dry-run=client", "-o", "yaml"), ""),
    ]
    for words, stdin in ways:
        refused = bodywork(*words, stdin=stdin)
        assert refused.returncode in {1, 2}, (words, refused.stdout, refused.stderr)
        assert re.search("no pipeline is deployed there|is the controller's own", refused.stderr), (words, refused.stderr)


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: nowhere
clusters: [{{name: nowhere, cluster: {{server: "https://127.0.0.1:1"}}}}]
users: [{{name: nobody, user: {{}}}}]
contexts: [{{name: nowhere, context: {{cluster: nowhere, user: nobody, namespace: {namespace}}}}}]
"""


@pytest.mark.parametrize("name", ["Kube-System", "kube_system", "Bodywork-Deployment-Jobs", "workflow-controller", "Jobs_and_Deployments"])
def test_a_pipelines_name_leads_to_no_reserved_namespace_or_account(project: Repository, name: str) -> None:
    config = (project.path / "bodywork.yaml").read_text()
    write(project.path / "bodywork.yaml", config.replace("name: iris", f"name: {name}"))
    refused = bodywork("validate", project.path)
    assert refused.returncode == 1
    assert "bodywork.yaml:3:9: pipeline.name: " in refused.stderr


def test_another_namespace_may_be_given_on_the_command_line_and_is_checked_there(project: Repository) -> None:
    refused = bodywork("render", project.path, "--namespace", "kube-system")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "no pipeline is deployed there" in refused.stderr
