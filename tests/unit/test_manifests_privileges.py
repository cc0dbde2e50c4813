"""What objects may not ask for unless the person who runs them says so: the table of all of it, in every place where a pod can be."""

from __future__ import annotations

from typing import Any

import pytest
from golden_cases import cases

from bodywork_compiler import names
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, load_stream, to_stream
from bodywork_compiler.manifests.privileges import check_namespace, check_plan, privileges

CASES = cases()
# of a pod's spec, with the path that is named
PODS: dict[str, tuple[dict[str, Any], str]] = {
    "the controller's account": ({"serviceAccountName": "bodywork-workflow-controller"}, "serviceAccountName"),
    "the account by its old name": ({"serviceAccount": "cluster-admin"}, "serviceAccount"),
    "another pipeline's account": ({"serviceAccountName": "bodywork-churn"}, "serviceAccountName"),
    "a token": ({"automountServiceAccountToken": True}, "automountServiceAccountToken"),
    "a token that is projected": (
        {"volumes": [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
        "volumes[0].projected",
    ),
    "files of the node": ({"volumes": [{"name": "a"}, {"name": "root", "hostPath": {"path": "/"}}]}, "volumes[1].hostPath"),
    "the node's network": ({"hostNetwork": True}, "hostNetwork"),
    "the node's processes": ({"hostPID": True}, "hostPID"),
    "the node's shared memory": ({"hostIPC": True}, "hostIPC"),
    "no seccomp": ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "securityContext.seccompProfile.type"),
    "no AppArmor": ({"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}, "securityContext.appArmorProfile.type"),
    "another SELinux type": ({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}, "securityContext.seLinuxOptions"),
    "a sysctl of the node": ({"securityContext": {"sysctls": [{"name": "kernel.msgmax"}]}}, "securityContext.sysctls[0]"),
    "a process of a Windows node": (
        {"securityContext": {"windowsOptions": {"hostProcess": True}}},
        "securityContext.windowsOptions.hostProcess",
    ),
}
CONTAINERS: dict[str, tuple[dict[str, Any], str]] = {
    "privileged": ({"securityContext": {"privileged": True}}, "securityContext.privileged"),
    "may become root": ({"securityContext": {"allowPrivilegeEscalation": True}}, "securityContext.allowPrivilegeEscalation"),
    "capabilities": ({"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}}, "securityContext.capabilities.add"),
    "all of /proc": ({"securityContext": {"procMount": "Unmasked"}}, "securityContext.procMount"),
    "no seccomp": ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "securityContext.seccompProfile.type"),
    "a port of the node": ({"ports": [{"containerPort": 80, "hostPort": 80}]}, "ports[0].hostPort"),
    "a probe of another host": ({"livenessProbe": {"httpGet": {"host": "169.254.169.254"}}}, "livenessProbe.httpGet.host"),
    "a hook to another host": ({"lifecycle": {"preStop": {"tcpSocket": {"host": "10.0.0.1"}}}}, "lifecycle.preStop.tcpSocket.host"),
}
# where a pod's spec is in an object of that kind
PLACES: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "Job": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "PodTemplate": ("template", "spec"),
    "SomebodysKind": ("spec", "sets", "template", "spec"),
}
OTHERS: dict[str, dict[str, Any]] = {
    "a secret that is filled with a token": {"kind": "Secret", "type": "kubernetes.io/service-account-token"},
    "an account whose token all pods get": {"kind": "ServiceAccount", "automountServiceAccountToken": True},
    "a volume of the node's files": {"kind": "PersistentVolume", "spec": {"hostPath": {"path": "/"}}},
    "a volume of a node's disk": {"kind": "PersistentVolume", "spec": {"local": {"path": "/"}}},
    "others' traffic": {"kind": "Service", "spec": {"externalIPs": ["10.0.0.1"]}},
}


def an_object(kind: str, path: tuple[str, ...], spec: dict[str, Any]) -> KubeObject:
    body: Any = spec
    for key in reversed(path):
        body = {key: body}
    return KubeObject({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, **body})


def found_in(*objects: KubeObject, pipeline: str = "iris") -> list[str]:
    return [each.path for each in privileges(objects, pipeline)]


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_asks_for_is_seen_in_every_kind(name: str, kind: str) -> None:
    spec, path = PODS[name]
    where = PLACES[kind]
    assert found_in(an_object(kind, where, {"containers": [], **spec})) == [".".join((*where, path))]


@pytest.mark.parametrize("group", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize("name", CONTAINERS)
def test_what_a_container_asks_for_is_seen_in_every_container(name: str, group: str) -> None:
    container, path = CONTAINERS[name]
    job = an_object("Job", PLACES["Job"], {"containers": [], group: [{"name": "good"}, {"name": "bad", **container}]})
    assert found_in(job) == [f"spec.template.spec.{group}[1].{path}"]


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds_that_give_rights(name: str) -> None:
    assert len(found_in(KubeObject({"apiVersion": "v1", "metadata": {"name": "x"}, **OTHERS[name]}))) == 1


def test_code_for_the_ingress_controller() -> None:
    annotations = {"nginx.ingress.kubernetes.io/configuration-snippet": "lua", "nginx.ingress.kubernetes.io/rewrite-target": "/$2"}
    ingress = KubeObject({"kind": "Ingress", "metadata": {"name": "x", "annotations": annotations}})
    assert found_in(ingress) == ["metadata.annotations.nginx.ingress.kubernetes.io/configuration-snippet"]


def test_an_apparmor_annotation_of_a_pod() -> None:
    metadata = {"annotations": {"container.apparmor.security.beta.kubernetes.io/stage": "unconfined"}}
    job = KubeObject({"kind": "Job", "metadata": {"name": "x"}, "spec": {"template": {"metadata": metadata, "spec": {"containers": []}}}})
    assert found_in(job) == ["spec.template.metadata.annotations.container.apparmor.security.beta.kubernetes.io/stage"]


def test_a_list_of_containers_further_up_hides_no_pod() -> None:
    inner = {"template": {"spec": {"containers": [], "hostPID": True}}}
    assert found_in(an_object("Job", ("spec",), {"containers": [], **inner})) == ["spec.template.spec.hostPID"]


@pytest.mark.parametrize("name", CASES)
def test_what_bodywork_renders_asks_for_nothing(name: str) -> None:
    plan = load_stream(to_stream(CASES[name]()), name)
    check_plan(plan, allow_privileges=False)


def an_account(name: str, namespace: str | None = None, api_version: str = "v1") -> KubeObject:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return KubeObject({"apiVersion": api_version, "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False})


def runs_as(account: str, namespace: str | None = None) -> KubeObject:
    job = an_object("Job", PLACES["Job"], {"containers": [], "serviceAccountName": account})
    return KubeObject({**job.body, "metadata": {"name": "x", **({"namespace": namespace} if namespace else {})}})


def test_an_account_that_an_overlay_has_renamed_is_the_pipelines_own() -> None:
    account, job = an_account("prod-bodywork-iris"), runs_as("prod-bodywork-iris")
    assert found_in(account, job) == []
    assert found_in(job) == ["spec.template.spec.serviceAccountName"]


@pytest.mark.parametrize("home", [None, "lab"])
@pytest.mark.parametrize(
    ("account", "job"),
    [
        (an_account("admin-sa", "scratch"), runs_as("admin-sa")),
        (an_account("admin-sa"), runs_as("admin-sa", "scratch")),
        (an_account("admin-sa", "scratch"), runs_as("admin-sa", "other")),
        (an_account("admin-sa", None, "bogus.example.com/v1"), runs_as("admin-sa")),
        (an_account("admin-sa", None, "v2"), runs_as("admin-sa")),
        (an_account("bodywork-iris"), runs_as("bodywork-iris", "scratch")),
    ],
    ids=["elsewhere", "the pod is elsewhere", "both are elsewhere", "another group's kind", "another version", "the pipeline's, elsewhere"],
)
def test_an_account_of_the_same_name_that_is_not_beside_the_pod_is_anothers(home: str | None, account: KubeObject, job: KubeObject) -> None:
    assert [each.path for each in privileges((account, job), "iris", home)] == ["spec.template.spec.serviceAccountName"]


@pytest.mark.parametrize(
    ("account", "job"),
    [
        (an_account("worker", "scratch"), runs_as("worker", "scratch")),
        (an_account("worker", "lab"), runs_as("worker")),
        (an_account("worker"), runs_as("worker", "lab")),
        (an_account("worker", "lab"), runs_as("bodywork-iris", "lab")),
    ],
)
def test_an_account_that_the_plan_makes_beside_the_pod_is_its_own(account: KubeObject, job: KubeObject) -> None:
    assert list(privileges((account, job), "iris", "lab")) == []


def test_where_a_plan_has_a_namespace_an_account_elsewhere_is_refused() -> None:
    extra = (
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: admin-sa, namespace: scratch}\nautomountServiceAccountToken: false\n"
    )
    text = to_stream(CASES["batch-job"]()).replace('serviceAccountName: "bodywork-batch-job"', 'serviceAccountName: "admin-sa"')
    assert "admin-sa" in text
    with pytest.raises(BodyworkError, match="runs as the account admin-sa"):
        check_plan(load_stream(text + extra, "f.yaml"), allow_privileges=False)


@pytest.mark.parametrize("account", names.CONTROLLER_ACCOUNTS)
def test_the_controllers_account_is_nobodys_own_even_if_the_manifests_make_it(account: str) -> None:
    made = KubeObject({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}})
    job = an_object("Job", PLACES["Job"], {"containers": [], "serviceAccountName": account})
    assert found_in(made, job) == ["metadata.name", "spec.template.spec.serviceAccountName"]
    pipeline = account.removeprefix("bodywork-")
    assert found_in(job, pipeline=pipeline) == ["spec.template.spec.serviceAccountName"]


def test_a_stage_without_a_word_about_tokens_gets_the_one_of_its_account() -> None:
    def job(**spec: Any) -> KubeObject:
        labels = {"bodywork/pipeline": "iris", "bodywork/stage": "train"}
        template = {"spec": {"containers": [], **spec}}
        return KubeObject({"kind": "Job", "metadata": {"name": "train", "labels": labels}, "spec": {"template": template}})

    assert found_in(job(serviceAccountName="bodywork-iris")) == []  # the account itself says no
    assert found_in(job()) == ["spec.template.spec.automountServiceAccountToken"]
    assert found_in(job(automountServiceAccountToken=False)) == []


@pytest.mark.parametrize("bad", [7, "x", None, [], [3], {"x": 1}, True])
def test_malformed_pods_are_left_to_the_api_server(bad: object) -> None:
    keys = ("containers", "volumes", "securityContext", "serviceAccountName", "initContainers")
    for key in keys:
        list(privileges([an_object("Job", PLACES["Job"], {"containers": [], key: bad})], "iris"))
    for key in ("securityContext", "ports", "lifecycle", "livenessProbe"):
        list(privileges([an_object("Job", PLACES["Job"], {"containers": [{key: bad}]})], "iris"))


def test_all_of_it_is_said_at_once_with_what_to_do() -> None:
    text = to_stream(CASES["batch-job"]())
    plan = load_stream(text.replace("      automountServiceAccountToken: false", "      hostPID: true\n      hostIPC: true"), "f.yaml")
    with pytest.raises(BodyworkError) as refused:
        check_plan(plan, allow_privileges=False)
    assert [line.partition("Job ")[2] for line in refused.value.message.splitlines()[1:]] == [
        "score-data: spec.template.spec.hostPID: the node's processes",
        "score-data: spec.template.spec.hostIPC: the node's shared memory",
    ]
    assert "f.yaml" in refused.value.message
    assert "--allow-privileges" in str(refused.value.hint)
    check_plan(plan, allow_privileges=True)


@pytest.mark.parametrize("namespace", [*names.RESERVED_NAMESPACES, "Kube-System", " kube-system "])
def test_reserved_namespaces(namespace: str) -> None:
    with pytest.raises(BodyworkError):
        check_namespace(namespace)


@pytest.mark.parametrize("namespace", [None, "", "kube", "kube-systems", "bodywork-deployment-jobs-2", "default"])
def test_all_others_are_for_pipelines(namespace: str | None) -> None:
    check_namespace(namespace)


def test_no_object_of_a_plan_may_be_in_a_reserved_namespace_whoever_says_so() -> None:
    extra = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: kube-system}\n"
    plan = load_stream(to_stream(CASES["batch-job"]()) + extra, "f.yaml")
    with pytest.raises(BodyworkError, match="kube-system"):
        check_plan(plan, allow_privileges=True)
