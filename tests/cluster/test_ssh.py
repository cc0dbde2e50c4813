"""A private repository by SSH on a real cluster: `--ssh` stores the key, only `fetch` gets it, and what is wrong with it is said in one line."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import a_bare_copy, a_batch_stage, a_pipeline, a_repository, write
from clusters import Cluster, Done
from servers import address_for_pods
from ssh_server import SshServer, make_key, needs_sshd, ssh_server

pytestmark = [pytest.mark.cluster, needs_sshd]
GROUPS = "bodywork-deployment-jobs"


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(address_for_pods(cluster.node_address()), tmp_path / "server") as running:
        yield running


OF_BODYWORK_2 = """\
version: "1.0"
project: {name: iris, docker_image: "python:3.11", DAG: train}
stages:
  train:
    executable_module_path: train.py
    cpu_request: 0
    memory_request_mb: 0
    batch: {max_completion_time_seconds: 60, retries: 0}
logging: {log_level: INFO}
"""


@pytest.fixture
def pipeline(cluster: Cluster) -> Iterator[str]:
    """A name of its own: the key's group is called so."""
    name = f"iris-{secrets.token_hex(3)}"
    yield name
    cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "delete", "secrets", "-n", GROUPS, "-l", f"group={name}")


def test_a_private_repository_by_ssh(cluster: Cluster, namespace: str, server: SshServer, pipeline: str, tmp_path: Path) -> None:
    stage = a_batch_stage(batch={"max_completion_time_seconds": 60, "retries": 0})
    repository = a_pipeline(tmp_path / "iris", remote=None, name=pipeline, stages={"train": stage})
    url = server.url(a_bare_copy(repository, tmp_path / "iris.git"))
    key = ["--ssh", str(server.key), "--known-hosts", str(server.known_hosts(tmp_path / "known_hosts"))]

    def bodywork(verb: str, *argv: str) -> Done:
        return cluster.bodywork(verb, *argv, "--namespace", namespace, cwd=tmp_path)

    def stored(values: dict[str, str]) -> None:
        """As if somebody had stored something else for the pods."""
        patch = json.dumps({"stringData": values})
        cluster.kubectl("patch", "secret", f"{pipeline}-ssh-git-private-key", "-n", GROUPS, "-p", patch)

    refused = bodywork("apply", url, *key[:2], "--known-hosts", str(server.folder / "authorized_keys"))
    assert refused.returncode == 1
    assert f"ssh-keyscan -p {server.port} {server.address}" in refused.stderr

    good = bodywork("apply", url, *key)
    assert good.returncode == 0, good.stdout + good.stderr
    assert f"the SSH key is stored as secret {pipeline}-ssh-git-private-key in namespace {GROUPS}" in good.stderr
    assert server.key.read_text().splitlines()[1] not in good.stdout + good.stderr
    pod = cluster.get("pods", "-n", namespace, "-l", "bodywork/stage=train")["items"][0]["spec"]
    mounts = {each["name"]: {mount["name"] for mount in each["volumeMounts"]} for each in (*pod["initContainers"], *pod["containers"])}
    assert {name for name, mounted in mounts.items() if "ssh" in mounted} == {"fetch"}

    again = bodywork("apply", url, *key)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "SSH key" not in again.stderr, "it is there already"

    manifests = tmp_path / "manifests"
    rendered = bodywork("render", url, *key, "-o", str(manifests))
    assert rendered.returncode == 0, rendered.stderr
    right = {"BODYWORK_GIT_SSH_PRIVATE_KEY": server.key.read_text()}
    pasted = {"BODYWORK_GIT_SSH_PRIVATE_KEY": server.key.read_text().strip().replace("\n", "\\n")}
    wrong = {"BODYWORK_GIT_SSH_PRIVATE_KEY": make_key(tmp_path / "other").read_text()}
    locked = {"BODYWORK_GIT_SSH_PRIVATE_KEY": make_key(tmp_path / "locked", passphrase="correct horse").read_text()}
    imposter = {**right, "known_hosts": server.known_hosts(tmp_path / "k", host_key=tmp_path / "other").read_text()}
    stranger = {**right, "known_hosts": ""}
    for values, said in (
        (wrong, "it does not accept the SSH key of the secret"),
        (locked, "has a passphrase"),
        (imposter, "its host key is another one than known_hosts says"),
        (stranger, f"its host key is not known; what `ssh-keyscan -p {server.port} {server.address}` prints"),
    ):
        stored(values)
        failed = bodywork("apply", str(manifests))
        assert failed.returncode == 4, failed.stdout + failed.stderr
        assert said in failed.stdout
    stored({**pasted, "known_hosts": server.known_hosts(tmp_path / "k").read_text()})
    mended = bodywork("apply", str(manifests))
    assert mended.returncode == 0, mended.stdout + mended.stderr


def test_config_1_0_finds_the_key_where_bodywork_2_0_had_it(
    cluster: Cluster, namespace: str, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = a_repository(tmp_path / "iris")
    write(repository.path / "bodywork.yaml", OF_BODYWORK_2)
    write(repository.path / "train.py", "print('trained')\n")
    repository.commit("As it ran under Bodywork 2.0")
    repository.has_remote(server.url(a_bare_copy(repository, tmp_path / "iris.git")))
    known_hosts = server.known_hosts(tmp_path / "known_hosts")
    monkeypatch.setenv(
        "GIT_SSH_COMMAND", f"ssh -i {server.key} -o IdentitiesOnly=yes -o UserKnownHostsFile={known_hosts}"
    )  # of this machine alone

    def apply(*options: str) -> Done:
        return cluster.bodywork("apply", "--namespace", namespace, *options, cwd=repository.path)

    for refused in (apply(), apply("--dry-run=server")):
        assert refused.returncode == 1, refused.stdout
        assert "ssh-git-private-key" in refused.stdout + refused.stderr
    host = known_hosts.read_text()
    cluster.make_secret(namespace, "ssh-github-private-key", BODYWORK_GITHUB_SSH_PRIVATE_KEY=server.key.read_text(), known_hosts=host)
    assert apply("--dry-run=server").returncode == 0
    run = apply()
    assert run.returncode == 0, run.stdout + run.stderr
    assert "trained" in run.stdout + run.stderr

    other = make_key(tmp_path / "other").read_text()
    cluster.make_secret(namespace, "ssh-git-private-key", BODYWORK_GIT_SSH_PRIVATE_KEY=other, known_hosts=host)
    newer = apply()
    assert newer.returncode == 4
    assert "it does not accept the SSH key of the secret" in newer.stdout + newer.stderr, "where both are there it is 2.1's"
