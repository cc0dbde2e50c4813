"""The manifests before a real API server: accepted without a warning, restricted, the same after kubectl and kustomize as before."""

import json
import re

import pytest
from clusters import Cluster
from golden_cases import cases
from project_values import HOSTILE, batch, compiled, secret, service
from yaml import safe_dump, safe_load, safe_load_all

from bodywork_compiler.compiler import RenderOptions
from bodywork_compiler.manifests.folder import write_folder

pytestmark = pytest.mark.cluster

CASES = cases()
AS_ROOT = "as-root-inline"
RESTRICTED = [name for name in CASES if name != AS_ROOT]
NAMESPACE_LINE = re.compile(r"^  namespace: .*\n", re.MULTILINE)
WORKLOADS = {"Job", "Deployment"}


def without_namespace(documents):
    """The same objects, for whatever namespace kubectl is told."""
    return "".join(f"---\n{NAMESPACE_LINE.sub('', document.text)}" for document in documents if document.kind != "Namespace")


def pods(documents):
    """Each pod template as a pod of its own: the API server judges these, and accepts a Job whose pods it will refuse."""
    for document in documents:
        if document.kind in WORKLOADS:
            template = safe_load(document.text)["spec"]["template"]
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": document.name, **template["metadata"]}, "spec": template["spec"]}


def dry_run(cluster, namespace, documents, *options):
    argv = ["apply", "-n", namespace, "--dry-run=server", *options, "-f", "-"]
    return cluster.kubectl(*argv, stdin=without_namespace(documents)).count("(server dry run)")


@pytest.mark.parametrize("name", RESTRICTED)
def test_the_api_server_takes_every_object_without_a_warning(cluster: Cluster, namespace, name):
    documents = CASES[name]()
    taken = dry_run(cluster, namespace, documents, "--warnings-as-errors")
    assert taken == sum(document.kind != "Namespace" for document in documents)


def test_the_api_server_takes_objects_that_need_root(cluster: Cluster, namespace):
    documents = CASES[AS_ROOT]()
    assert dry_run(cluster, namespace, documents) == len(documents)


def test_the_api_server_takes_a_namespace(cluster: Cluster):
    documents = compiled(batch(), options=RenderOptions(namespace="bodywork-never-made"))
    assert "namespace/bodywork-never-made created" in cluster.kubectl(
        "apply", "--dry-run=server", "--warnings-as-errors", "-f", "-", stdin=documents[0].text
    )


def make_accounts(cluster, namespace, documents):
    cluster.kubectl("apply", "-n", namespace, "-l", "bodywork/step=0", "-f", "-", stdin=without_namespace(documents))


@pytest.mark.parametrize("name", RESTRICTED)
def test_pods_are_restricted(cluster: Cluster, namespace, name):
    make_accounts(cluster, namespace, CASES[name]())
    for pod in pods(CASES[name]()):
        cluster.kubectl("create", "-n", namespace, "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


def test_pods_that_are_not_are_refused(cluster: Cluster, namespace):
    make_accounts(cluster, namespace, CASES[AS_ROOT]())
    for pod in pods(CASES[AS_ROOT]()):
        argv = ["kubectl", "--kubeconfig", str(cluster.kubeconfig), "create", "-n", namespace, "--dry-run=server", "-f", "-"]
        refused = cluster.run(*argv, stdin=json.dumps(pod))
        assert refused.returncode == 1
        assert 'violates PodSecurity "restricted' in refused.stderr


def test_kubernetes_waits_for_a_failed_pods_end_before_it_makes_the_next(cluster: Cluster, namespace):
    """The templates leave this to Kubernetes, since 1.28 has the field only behind a feature gate."""
    (job,) = (document for document in compiled(batch()) if document.kind == "Job")
    made = json.loads(
        cluster.kubectl("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-", stdin=without_namespace([job]))
    )
    assert made["spec"]["podReplacementPolicy"] == "Failed"


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_kubectl_reads_values_as_they_were(cluster: Cluster, value):
    stage = batch(args=(value,), env=(("HOSTILE", value),), image="x", secrets=(secret("S", "s", "k"),))
    (job,) = (document for document in compiled(stage) if document.kind == "Job")
    read = json.loads(cluster.kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", stdin=job.text))
    assert read == safe_load(job.text)
    (main,) = read["spec"]["template"]["spec"]["containers"]
    assert main["args"][1] == value.replace("$", "$$")


OVERLAYS = {
    "another namespace": {"namespace": "prod"},
    "names with a prefix": {"namePrefix": "prod-"},
    "labels with selectors": {
        "labels": [{"pairs": {"app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "kustomize"}, "includeSelectors": True}]
    },
    "another image": {"images": [{"name": "python", "newName": "registry.example.com/python", "newTag": "3.12"}]},
}


@pytest.fixture
def overlaid(cluster: Cluster, tmp_path):
    """A rendered folder with an overlay, built by kubectl."""

    def build(overlay):
        documents = compiled(batch("train"), service("serve", ingress=True), on_failure=batch("alert"))
        write_folder(documents, tmp_path / "base", pipeline="iris")
        (tmp_path / "overlay").mkdir()
        kustomization = {"resources": ["../base"], "sortOptions": {"order": "fifo"}, **overlay}
        (tmp_path / "overlay" / "kustomization.yaml").write_text(safe_dump(kustomization))
        built = list(safe_load_all(cluster.kubectl("kustomize", str(tmp_path / "overlay"))))
        return documents, built

    return build


@pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=OVERLAYS)
def test_an_overlay_keeps_order_identity_and_what_belongs_together(overlaid, overlay):
    documents, built = overlaid(overlay)
    assert [body["kind"] for body in built] == [document.kind for document in documents]
    for document, body in zip(documents, built, strict=True):
        labels = body["metadata"]["labels"]
        assert labels["bodywork/pipeline"] == "iris"
        assert labels.get("bodywork/stage") == document.stage
        assert labels.get("bodywork/step") == (None if document.step is None else str(document.step))
    by_kind = {body["kind"]: body for body in built if body["kind"] != "Job"}
    deployment, address, ingress = by_kind["Deployment"], by_kind["Service"], by_kind["Ingress"]
    pod_labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= pod_labels.items()
    assert address["spec"]["selector"].items() <= pod_labels.items()
    path = ingress["spec"]["rules"][0]["http"]["paths"][0]
    assert path["backend"]["service"]["name"] == address["metadata"]["name"]
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == by_kind["ServiceAccount"]["metadata"]["name"]
    volumes = {volume["name"]: volume for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    config_maps = [body["metadata"]["name"] for body in built if body["kind"] == "ConfigMap"]
    assert volumes["scripts"]["configMap"]["name"] in config_maps


def test_overlays_do_what_they_say(overlaid):
    everything = {key: value for overlay in OVERLAYS.values() for key, value in overlay.items()}
    _, built = overlaid(everything)
    (deployment,) = (body for body in built if body["kind"] == "Deployment")
    containers = [*deployment["spec"]["template"]["spec"]["initContainers"], *deployment["spec"]["template"]["spec"]["containers"]]
    assert (deployment["metadata"]["name"], deployment["metadata"]["namespace"]) == ("prod-serve", "prod")
    assert {container["image"] for container in containers} == {"registry.example.com/python:3.12"}
    assert deployment["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "kustomize"
    assert deployment["spec"]["selector"]["matchLabels"]["bodywork/stage"] == "serve"


def test_one_step_by_hand(cluster: Cluster, namespace):
    documents = compiled(batch("train"), service("serve"), on_failure=batch("alert"))
    argv = ["apply", "-n", namespace, "--dry-run=client", "-o", "name", "-f", "-"]
    said = cluster.kubectl(*argv, "-l", "bodywork/step=2", stdin=without_namespace(documents))
    assert said.split() == ["deployment.apps/serve", "service/serve"]
