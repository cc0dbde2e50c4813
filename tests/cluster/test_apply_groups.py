"""Secrets of a group on a real cluster: what stands in the run's namespace after good and bad runs."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster
from hand_made import PIPELINE, Manifest, a_batch, apply, from_secret

pytestmark = pytest.mark.cluster
GROUPS = "bodywork-deployment-jobs"
SAYS_HASH = "import hashlib, os; print(hashlib.sha256(os.environ['KEY'].encode()).hexdigest()[:8])"
FAILS = "raise SystemExit('no data today')"


@pytest.fixture
def group(cluster: Cluster) -> Iterator[str]:
    """A group of this test's own. The namespace is everybody's, and stays."""
    cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "create", "namespace", GROUPS)
    name = f"team-{secrets.token_hex(3)}"
    yield name
    cluster.kubectl("delete", "secrets", "-n", GROUPS, "-l", f"group={name}")


def put_in(cluster: Cluster, group: str, name: str, value: str) -> None:
    metadata = {"name": f"{group}-{name}", "namespace": GROUPS, "labels": {"group": group}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"KEY": in_base64(value)}}
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(secret))


def in_base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def in_short(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:8]


def of(group: str) -> Manifest:
    metadata = {"name": f"bodywork-{PIPELINE}", "labels": {"bodywork/pipeline": PIPELINE, "bodywork/step": "0"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"dag": "train", "secrets-group": group}}


def secrets_in(cluster: Cluster, namespace: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in cluster.get("secrets", "-n", namespace)["items"]}


def test_copies_follow_the_group_from_run_to_run(cluster: Cluster, namespace: str, group: str) -> None:
    train = a_batch("train", 1, SAYS_HASH, env=[from_secret("KEY", "aws", "KEY")])
    cluster.make_secret(namespace, "decoy", KEY="theirs")
    put_in(cluster, group, "aws", "value-1")
    assert apply(cluster, namespace, of(group), train).log("train") == [in_short("value-1")]
    copy = secrets_in(cluster, namespace)["aws"]
    assert copy["metadata"]["annotations"] == {
        "bodywork/copied-from": f"{GROUPS}/{group}-aws",
        "bodywork/tracking-id": f"{namespace}/{PIPELINE}:/Secret:{namespace}/aws",
    }, "and no last-applied, which would hold the value"

    put_in(cluster, group, "aws", "value-2")
    failed = apply(cluster, namespace, of(group), train, a_batch("fails", 2, FAILS))
    assert failed.exit_code == 4
    assert failed.log("train") == [in_short("value-2")]
    back = secrets_in(cluster, namespace)["aws"]
    assert (back["data"], back["metadata"]["annotations"]) == (copy["data"], copy["metadata"]["annotations"]), "put back"

    unnamed = apply(cluster, namespace, of(group), a_batch("train", 1))
    assert unnamed.exit_code == 0, unnamed.err
    assert set(secrets_in(cluster, namespace)) == {"decoy"}


def test_a_secret_that_is_not_a_copy_is_never_overwritten(cluster: Cluster, namespace: str, group: str) -> None:
    cluster.make_secret(namespace, "aws", KEY="mine")
    put_in(cluster, group, "aws", "value-1")
    run = apply(cluster, namespace, of(group), a_batch("train", 1, env=[from_secret("KEY", "aws", "KEY")]))

    assert run.exit_code == 1
    assert "is not overwritten" in run.err
    assert run.of("object_changed") == []
    assert secrets_in(cluster, namespace)["aws"]["data"]["KEY"] == in_base64("mine")


def test_the_commands_that_make_a_groups_secret_can_be_run_as_they_stand(cluster: Cluster, namespace: str, group: str) -> None:
    pipeline = [of(group), a_batch("train", 1, "import os; print(len(os.environ['KEY']))", env=[from_secret("KEY", "aws", "KEY")])]
    refused = apply(cluster, namespace, *pipeline)
    assert f"missing in namespace {GROUPS}: secret {group}-aws is not there" in refused.err
    (command,) = (line.strip() for line in refused.err.splitlines() if line.strip().startswith("bodywork create secret "))
    done = cluster.run("sh", "-c", f'export KEY=VALUE PATH="{Path(sys.executable).parent}:$PATH"; {command}')
    assert done.returncode == 0, done.stderr

    assert apply(cluster, namespace, *pipeline).log("train") == [str(len("VALUE"))]
