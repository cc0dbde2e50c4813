"""The objects around the pods: Job, Deployment, Service, Ingress."""

import re

import pytest
from project_values import COMMIT, batch, compiled, project, secret, service
from yaml import safe_load

from bodywork_compiler.compiler import RenderOptions, compile_project, notes_about
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.source import Source


def the(kind, *stages, **others):
    return next(safe_load(document.text) for document in compiled(*stages, **others) if document.kind == kind)


def test_a_drained_node_is_no_failure():
    job = the("Job", batch(retries=2))
    assert job["spec"]["podFailurePolicy"]["rules"] == [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_an_update_leaves_the_old_pods_until_the_new_ones_are_ready():
    spec = the("Deployment", service(replicas=3))["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert spec["revisionHistoryLimit"] > 1


def test_a_service_may_be_told_to_rest():
    assert the("Deployment", service(replicas=0))["spec"]["replicas"] == 0


def test_the_service_has_the_stages_name_and_port():
    address = the("Service", service("scoring_service", port=5000))
    assert address["metadata"]["name"] == "scoring-service"
    assert address["spec"]["ports"] == [{"port": 5000, "targetPort": 5000, "protocol": "TCP"}]


def test_no_ingress_unless_asked():
    assert "Ingress" not in [document.kind for document in compiled(service(ingress=False))]


def test_ingress_keeps_the_ancestors_route_and_the_service_sees_its_own_paths():
    ingress = the("Ingress", service("serve", port=5000, ingress=True), namespace="flowers")
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/flowers/serve(/|$)(.*)", "ImplementationSpecific")
    assert path["backend"] == {"service": {"name": "serve", "port": {"number": 5000}}}
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/use-regex"] == "true"
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/rewrite-target"] == "/$2"


def test_other_ingress_classes_get_a_plain_prefix():
    ingress = the("Ingress", service("serve", ingress=True), options=RenderOptions(ingress_class="traefik"))
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/iris/serve", "Prefix")
    assert ingress["spec"]["ingressClassName"] == "traefik"
    assert not any("nginx" in key for key in ingress["metadata"]["annotations"])


def test_a_class_without_rewriting_is_warned_of():
    stages = (service("serve", ingress=True), service("inside"))
    (note,) = notes_about(project(*stages), RenderOptions(ingress_class="traefik"))
    assert note.startswith("ingress class traefik: no rewriting is known for it, so serve will see the whole path")
    assert notes_about(project(*stages), RenderOptions()) == ()
    assert notes_about(project(batch()), RenderOptions(ingress_class="traefik")) == ()


def test_the_failure_stage_can_fetch_a_private_repository_and_knows_the_commit():
    """It is a stage as any other: the ancestor's got neither the key nor the commit."""
    tell = batch("tell", secrets=(secret("TOKEN", "mail"),))
    private = Source(commit=COMMIT, url="git@git.example.com:acme/iris.git", branch="main")
    jobs = [safe_load(document.text) for document in compiled(batch(), on_failure=tell, source=private) if document.kind == "Job"]
    pod = next(job["spec"]["template"]["spec"] for job in jobs if job["metadata"]["name"] == "tell")
    assert "ssh" in {mount["name"] for mount in pod["initContainers"][0]["volumeMounts"]}
    assert {"name": "ssh", "secret": {"secretName": "ssh-git-private-key", "defaultMode": 0o400}} in pod["volumes"]
    env = {each["name"]: each for each in pod["containers"][0]["env"]}
    assert env["GIT_COMMIT_HASH"]["value"] == COMMIT[:7]
    assert env["EXCEPTION_MESSAGE"]["value"] == ""
    assert env["TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "mail", "key": "TOKEN"}


def test_pods_have_an_identity_without_rights_of_their_own():
    account = the("ServiceAccount", batch(), name="flowers")
    assert account["metadata"]["name"] == "bodywork-flowers"
    assert account["automountServiceAccountToken"] is False
    assert the("Job", batch(), name="flowers")["spec"]["template"]["spec"]["serviceAccountName"] == "bodywork-flowers"


@pytest.mark.parametrize("arg", ["x" * 262_144, "\n" * 131_072, "<" * 50_000])
def test_an_object_that_kubectl_could_not_keep_is_told_before_it_is_tried(arg):
    with pytest.raises(BodyworkError, match=r"Job train is too large for `kubectl apply`: \d{3},\d{3} bytes"):
        compiled(batch(args=(arg,)))


def test_an_object_that_only_its_indentation_makes_large_is_none_of_those():
    assert compiled(batch(requirements=tuple(f"package{number}" for number in range(10_000))))


def test_addresses_of_thousands_of_services_fit_into_config_maps_that_kubectl_can_apply():
    documents = compile_project(
        project(*(service(f"s-{'x' * 50}-{number}") for number in range(1500))), Source(commit=COMMIT, url="https://git.example.com/a.git")
    )
    maps = [each for each in documents if each.path.startswith("0000-setup/addresses")]
    assert all(re.fullmatch("bodywork-iris-services-[0-9a-f]{10}", each.name) for each in maps)
    assert len({each.name for each in maps}) == 3
    assert sum(each.text.count("_URL") for each in maps) == 1500
    deployment = safe_load(next(each.text for each in documents if each.kind == "Deployment"))
    (stage,) = deployment["spec"]["template"]["spec"]["containers"]
    assert [each["configMapRef"]["name"] for each in stage["envFrom"]] == [each.name for each in maps]
