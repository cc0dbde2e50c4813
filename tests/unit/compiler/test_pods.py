"""What a stage's pod is allowed, given and told."""

import pytest
from project_values import COMMIT, PUSHED, batch, compiled, secret, service
from yaml import safe_load

from bodywork_compiler.compiler import RenderOptions
from bodywork_compiler.source import Source

SSH = Source(commit=COMMIT, url="git@git.example.com:acme/iris.git", branch="main")


def pod_of(stage, **others):
    (template,) = (
        safe_load(document.text)["spec"]["template"] for document in compiled(stage, **others) if document.kind in {"Job", "Deployment"}
    )
    return template["spec"]


def containers(pod):
    return {container["name"]: container for container in (*pod["initContainers"], *pod["containers"])}


def env(pod, container):
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in containers(pod)[container]["env"]}


def test_only_what_is_needed_is_started():
    assert list(containers(pod_of(batch()))) == ["fetch", "stage"]
    assert list(containers(pod_of(batch(requirements=("numpy",))))) == ["fetch", "install", "stage"]
    assert list(containers(pod_of(batch(requirements_file="train/requirements.txt")))) == ["fetch", "install", "stage"]


def test_args_reach_the_stage_as_arguments():
    main = containers(pod_of(batch(executable="train/main.py", args=("--alpha", "0.5", "$(HOME)"))))["stage"]
    assert main["args"] == ["train/main.py", "--alpha", "0.5", "$$(HOME)"]


def test_requirements_are_pips_arguments():
    assert containers(pod_of(batch(requirements=("numpy==1.26", "six"))))["install"]["args"] == ["numpy==1.26", "six"]
    v1 = batch(requirements_file="stage-1/requirements.txt")
    assert containers(pod_of(v1))["install"]["args"] == ["--requirement", "stage-1/requirements.txt"]


def test_a_notebook_gets_what_runs_it_where_the_image_lacks_it():
    pod = pod_of(batch(executable="look.ipynb"))
    assert "args" not in containers(pod)["install"]
    assert env(pod, "install")["BODYWORK_INSTALL_IF_MISSING"] == "nbclient nbformat ipykernel"


def test_env_of_the_pipeline_reaches_all_and_env_of_a_stage_what_comes_after_fetch():
    pod = pod_of(batch(requirements=("six",), env=(("B", "stage"), ("A", "stage"))), env=(("A", "pipeline"), ("HTTPS_PROXY", "http://p")))
    assert {name: env(pod, name).get("HTTPS_PROXY") for name in containers(pod)} == dict.fromkeys(containers(pod), "http://p")
    assert {name: env(pod, name).get("A") for name in containers(pod)} == {"fetch": "pipeline", "install": "stage", "stage": "stage"}
    assert {name: env(pod, name).get("B") for name in containers(pod)} == {"fetch": None, "install": "stage", "stage": "stage"}


def test_secrets_reach_the_stage_only_and_pips_install_too():
    stage = batch(
        requirements=("six",), secrets=(secret("TOKEN"), secret("PIP_INDEX_URL", "index", "url"), secret("UV_INDEX_URL", "index"))
    )
    pod = pod_of(stage)
    assert env(pod, "stage")["TOKEN"] == {"secretKeyRef": {"name": "aws", "key": "TOKEN"}}
    assert env(pod, "stage")["PIP_INDEX_URL"] == {"secretKeyRef": {"name": "index", "key": "url"}}
    assert "PIP_INDEX_URL" in env(pod, "install")
    assert "UV_INDEX_URL" in env(pod, "install")
    assert "TOKEN" not in env(pod, "install")
    assert not {"TOKEN", "PIP_INDEX_URL"} & set(env(pod, "fetch"))


def test_no_variable_is_given_twice():
    twice = (("TOKEN", "plain"), ("HOME", "/home/me"), ("PIP_INDEX_URL", "plain"))
    pod = pod_of(batch(requirements=("six",), env=twice, secrets=(secret("TOKEN"), secret("PIP_INDEX_URL"))), env=twice)
    for container in containers(pod).values():
        variables = [entry["name"] for entry in container["env"]]
        assert len(variables) == len(set(variables))
    assert env(pod, "stage")["HOME"] == "/home/me"
    assert "secretKeyRef" in env(pod, "stage")["TOKEN"]
    assert "secretKeyRef" in env(pod, "install")["PIP_INDEX_URL"]


def test_a_stage_knows_its_commit_and_a_service_its_port():
    assert env(pod_of(batch()), "stage")["GIT_COMMIT_HASH"] == "25921e0"
    assert env(pod_of(service(port=8080)), "stage")["BODYWORK_SERVICE_PORT"] == "8080"
    assert "BODYWORK_SERVICE_PORT" not in env(pod_of(batch()), "stage")


def test_the_commit_and_not_the_branch_is_fetched():
    fetch = env(pod_of(batch()), "fetch")
    assert fetch["BODYWORK_GIT_COMMIT"] == COMMIT
    assert fetch["BODYWORK_GIT_URL"] == PUSHED.url


def test_a_project_may_be_any_folder_of_a_repository():
    pod = pod_of(batch(), source=Source(commit=COMMIT, url=PUSHED.url, folder="models/iris"))
    assert {name: env(pod, name)["BODYWORK_FOLDER"] for name in containers(pod)} == {"fetch": "models/iris", "stage": "models/iris"}


@pytest.mark.parametrize(
    "url", ["git@github.com:a/b.git", "ssh://git@git.example.com:2222/a/b.git", "me@host:b", "git+ssh://git@git.example.com/a/b.git"]
)
def test_only_fetch_sees_the_ssh_key(url):
    pod = pod_of(batch(requirements=("six",)), source=Source(commit=COMMIT, url=url))
    assert {"name": "ssh", "secret": {"secretName": "ssh-git-private-key", "defaultMode": 0o400}} in pod["volumes"]
    seen = {name for name, container in containers(pod).items() if "ssh" in [mount["name"] for mount in container["volumeMounts"]]}
    assert seen == {"fetch"}
    assert env(pod, "fetch")["BODYWORK_SSH_KEY"] == "BODYWORK_GIT_SSH_PRIVATE_KEY"
    assert "BODYWORK_SSH" not in env(pod, "stage")


def test_v1_has_its_own_secret_for_the_ssh_key():
    pod = pod_of(batch(object_name="iris--train"), source=SSH, generation="v1")
    assert "ssh-github-private-key" in str(pod["volumes"])
    assert env(pod, "fetch")["BODYWORK_SSH_KEY"] == "BODYWORK_GITHUB_SSH_PRIVATE_KEY"


def test_config_1_0_has_the_secrets_of_both_bodyworks_that_read_it():
    """2.1's is the last: of what both have, its known_hosts among it, the last one's is mounted."""
    pod = pod_of(batch(object_name="iris--train"), source=SSH, generation="1.0")
    (volume,) = (each for each in pod["volumes"] if each["name"] == "ssh")
    names = ("ssh-github-private-key", "ssh-git-private-key")
    assert volume["projected"] == {"defaultMode": 0o400, "sources": [{"secret": {"name": name, "optional": True}} for name in names]}
    assert env(pod, "fetch")["BODYWORK_SSH_KEY"] == "BODYWORK_GIT_SSH_PRIVATE_KEY BODYWORK_GITHUB_SSH_PRIVATE_KEY"


@pytest.mark.parametrize("url", ["https://github.com/a/b", "https://user@host:443/a/b", "git://host:9418/b.git", "http://host/a@b:c"])
def test_other_urls_need_no_key(url):
    pod = pod_of(batch(), source=Source(commit=COMMIT, url=url))
    assert "ssh" not in [volume["name"] for volume in pod["volumes"]]


def test_pods_are_restricted():
    pod = pod_of(service())
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "fsGroup": 65534,
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "runAsGroup": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in containers(pod).values():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("where", ["config", "option"])
def test_a_project_that_needs_root_says_so(where):
    pod = pod_of(batch(), pod_security="none") if where == "config" else pod_of(batch(), options=RenderOptions(pod_security="none"))
    assert pod["securityContext"] == {"fsGroup": 65534}
    assert all("securityContext" not in container for container in containers(pod).values())


def test_baseline_leaves_the_user_to_the_image():
    pod = pod_of(batch(), pod_security="restricted", options=RenderOptions(pod_security="baseline"))
    assert "runAsUser" not in pod["securityContext"]
    assert containers(pod)["stage"]["securityContext"] == {"allowPrivilegeEscalation": False}
    assert "/tmp" not in {mount["mountPath"] for mount in containers(pod)["stage"]["volumeMounts"]}


def test_low_ports_need_no_root():
    sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    assert pod_of(service(port=80))["securityContext"]["sysctls"] == [sysctl]
    assert "sysctls" not in pod_of(service(port=1024))["securityContext"]


def test_home_and_temporary_files_are_on_the_shared_volume():
    pod = pod_of(batch())
    assert (env(pod, "stage")["HOME"], env(pod, "stage")["TMPDIR"]) == ("/bodywork/home", "/bodywork/tmp")
    assert {"name": "workspace", "mountPath": "/bodywork"} in containers(pod)["stage"]["volumeMounts"]


def test_the_root_file_system_is_read_only_and_each_container_has_a_tmp_of_its_own():
    pod = pod_of(batch(requirements=("six",)))
    for name, container in containers(pod).items():
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"name": "tmp", "mountPath": "/tmp", "subPath": name} in container["volumeMounts"]
    assert {"name": "tmp", "emptyDir": {"sizeLimit": "20000M"}} in pod["volumes"]


@pytest.mark.parametrize("pod_security", ["restricted", "none"])
def test_a_pod_fills_no_more_disk_than_its_limit(pod_security):
    def volumes(stage):
        return [volume["emptyDir"] for volume in pod_of(stage, pod_security=pod_security)["volumes"] if "emptyDir" in volume]

    assert {volume["sizeLimit"] for volume in volumes(batch(disk_limit_mb=500))} == {"500M"}
    assert all(volume == {} for volume in volumes(batch(disk_limit_mb=0)))


def test_every_container_says_why_it_failed_and_takes_an_image_that_is_there():
    for container in containers(pod_of(batch(requirements=("six",), image="me/mine:1"))).values():
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert container["image"] == "me/mine:1"


@pytest.mark.parametrize(
    ("cores", "megabytes", "resources"),
    [
        (0.5, 100, {"cpu": "500m", "memory": "100M"}),
        (2, 0, {"cpu": "2"}),
        (0.29, 0, {"cpu": "290m"}),
        (0.0001, 0, {"cpu": "1m"}),
        (0, 250, {"memory": "250M"}),
    ],
)
def test_requests(cores, megabytes, resources):
    for container in containers(pod_of(batch(cpu_request=cores, memory_request_mb=megabytes))).values():
        assert container["resources"] == {"requests": resources}


def test_limits_and_requests_of_nothing_are_left_out():
    pod = pod_of(batch(cpu_limit=1.5, memory_limit_mb=512))
    assert containers(pod)["stage"]["resources"] == {"limits": {"cpu": "1500m", "memory": "512M"}}
    assert "resources" not in containers(pod_of(batch()))["stage"]


def test_images_may_be_pulled_with_secrets():
    assert pod_of(batch(), image_pull_secrets=("registry", "other"))["imagePullSecrets"] == [{"name": "registry"}, {"name": "other"}]


def test_a_service_is_asked_on_its_port_and_leaves_without_refusing_anyone():
    main = containers(pod_of(service(port=5000)))["stage"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert main[probe]["tcpSocket"] == {"port": 5000}
    assert main["ports"] == [{"name": "http", "containerPort": 5000, "protocol": "TCP"}]
    assert main["lifecycle"]["preStop"]["exec"]["command"][0] == "python3"


def test_a_busy_service_is_given_two_minutes_before_it_is_started_again():
    main = containers(pod_of(service()))["stage"]
    ready, alive = main["readinessProbe"], main["livenessProbe"]
    assert alive["periodSeconds"] * alive["failureThreshold"] == 120
    assert ready["periodSeconds"] * 3 < 20


def test_a_batch_stage_has_no_port_and_no_probe():
    main = containers(pod_of(batch()))["stage"]
    assert not {"ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} & set(main)


def test_addresses_of_other_services_are_no_variables_of_a_stage():
    assert pod_of(batch())["enableServiceLinks"] is False
