"""Secrets by command on a real cluster, from making to deleting, and that no value is seen on the way."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clusters import Cluster, Done

pytestmark = pytest.mark.cluster
GROUPS = "bodywork-deployment-jobs"
VALUE = "s3cr3t-of-this-test"


@dataclass(frozen=True)
class Commands:
    cluster: Cluster
    group: str

    def run(self, *argv: str, stdin: str = "") -> Done:
        return self.cluster.bodywork(
            argv[0], *argv[1:], "--kubeconfig", str(self.cluster.kubeconfig), "--print-commands", cwd=Path("/"), stdin=stdin
        )

    def good(self, *argv: str, stdin: str = "") -> str:
        """What it printed; no value may be in that, nor in the lines of kubectl."""
        done = self.run(*argv, stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert VALUE not in done.stdout + done.stderr
        return done.stdout

    def refused(self, *argv: str) -> str:
        done = self.run(*argv)
        assert done.returncode == 1, done.stdout
        return "\n".join(line for line in done.stderr.splitlines() if not line.startswith("$ "))


@pytest.fixture
def commands(cluster: Cluster) -> Iterator[Commands]:
    group = f"team-{secrets.token_hex(3)}"
    yield Commands(cluster, group)
    cluster.run("kubectl", "--kubeconfig", str(cluster.kubeconfig), "delete", "secrets", "-n", GROUPS, "-l", f"group={group}")


def test_a_groups_secret_from_making_to_deleting(cluster: Cluster, commands: Commands) -> None:
    group = commands.group
    made = commands.good(
        "create", "secret", "aws", "--group", group, "--data", "USER=me", "REGION=eu", "--data", "KEY=-", stdin=f"{VALUE}\n"
    )
    assert made == f"Created secret=aws in group={group}.\n"
    stored = cluster.get("secret", f"{group}-aws", "-n", GROUPS)
    assert (stored["type"], stored["metadata"]["labels"]["group"]) == ("Opaque", group)
    assert "annotations" not in stored["metadata"], "nor last-applied, which would hold the values"
    assert base64.b64decode(stored["data"]["KEY"]).decode() == VALUE

    assert commands.refused("create", "secret", "aws", "--group", group, "--data", "A=1").splitlines() == [
        f"bodywork: Cannot create secret=aws in group={group} as it already exists.",
        f"  Change it: bodywork update secret aws --group {group} --data KEY=VALUE",
    ]
    updated = commands.good("update", "secret", "aws", "--group", group, "--data", f"KEY={VALUE}-2", "--data", "REGION-")
    assert updated == f"Updated secret=aws in group={group}.\n"

    assert commands.good("get", "secret", "aws", "--group", group).split() == [
        *f"aws in group {group} Field Value KEY *** USER ***".split()
    ]
    assert ["aws", group] in [line.split() for line in commands.good("get", "secrets").splitlines()]
    known = json.loads(commands.good("get", "secret", "aws", "--group", group, "-o", "json"))
    assert [(key["key"], key["bytes"], key["value"]) for key in known["keys"]] == [("KEY", len(VALUE) + 2, "***"), ("USER", 2, "***")]
    shown = commands.run("get", "secret", "aws", "--group", group, "-o", "json", "--show-values").stdout
    assert [key["value"] for key in json.loads(shown)["keys"]] == [f"{VALUE}-2", "me"]

    assert commands.good("delete", "secret", "aws", "--group", group) == f"Deleted secret=aws from group={group}.\n"
    for verb in ("get", "delete"):
        assert f"Could not find secret=aws in group={group}." in commands.refused(verb, "secret", "aws", "--group", group)


def test_a_whole_group_is_listed_and_deleted_and_the_ancestors_secret_is_of_it(cluster: Cluster, commands: Commands) -> None:
    group = commands.group
    commands.good("create", "secret", "ours", "--group", group, "--data", f"KEY={VALUE}")
    metadata = {"name": f"{group}-theirs", "labels": {"group": group}}
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": {"KEY": VALUE}}
    cluster.kubectl("create", "-n", GROUPS, "-f", "-", stdin=json.dumps(theirs))

    assert [row["name"] for row in json.loads(commands.good("get", "secrets", "--group", group, "-o", "json"))] == ["ours", "theirs"]
    assert commands.good("delete", "secrets", "--group", group, "--dry-run=server").splitlines() == [
        f"would delete secret/{group}-ours",
        f"would delete secret/{group}-theirs",
    ]
    assert commands.good("delete", "secrets", "--group", group) == f"Deleted secret group={group}.\n"
    assert commands.refused("get", "secrets", "--group", group) == f"bodywork: Could not find secret group={group}."


def test_v1s_secrets_stand_in_their_namespace(cluster: Cluster, namespace: str, commands: Commands) -> None:
    where = ("--namespace", namespace, "--name", "storage")
    made = commands.good("secret", "create", *where, "--data", "USERNAME=bodywork", f"PASSWORD={VALUE}")
    assert made == f"secret=storage created in namespace={namespace}\n"
    assert commands.good("secret", "display", "--ns", namespace).splitlines() == ["-- storage:", "-> PASSWORD=***", "-> USERNAME=***"]
    shown = commands.run("secret", "display", *where, "--show-values").stdout
    assert shown.splitlines()[1:] == [f"-> PASSWORD={VALUE}", "-> USERNAME=bodywork"]
    assert f"secret=storage already exists in namespace={namespace}" in commands.refused("secret", "create", *where, "--data", "A=1")
    assert commands.good("secret", "delete", *where) == f"secret=storage deleted from namespace={namespace}\n"
    assert commands.refused("secret", "delete", *where) == f"bodywork: could not find secret=storage in namespace={namespace}"
    assert "Could not find namespace=no-such-namespace" in commands.refused("secret", "display", "--ns", "no-such-namespace")
