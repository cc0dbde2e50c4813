"""`create secret` and its like without a cluster: what is asked, refused and printed, and that no value is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from terminal import opened_terminal, pieces

Done = subprocess.CompletedProcess[str]
DRY = ("--dry-run=client", "-o", "yaml")


def bodywork(*argv: str, stdin: str = "", **environ: str) -> Done:
    words = [sys.executable, "-m", "bodywork_compiler", *argv]
    return subprocess.run(words, text=True, capture_output=True, check=False, input=stdin, env={**os.environ, **environ})


def test_a_dry_run_prints_the_secret_with_its_values_hidden() -> None:
    done = bodywork("create", "secret", "aws", "--group", "prod", "--data", "A=1", "B=hunter2", "--data", "C", *DRY, C="hunter3")
    assert done.returncode == 0, done.stderr
    body = yaml.safe_load(done.stdout)
    assert (body["kind"], body["metadata"]["name"], body["metadata"]["labels"]["group"]) == ("Secret", "prod-aws", "prod")
    assert body["data"] == {"A": "***", "B": "***", "C": "***"}
    assert done.stderr == "its values are hidden; with --show-values they are printed\n"

    shown = bodywork("create", "secret", "aws", "--group", "prod", "--data", "A=1", *DRY, "--show-values")
    assert (yaml.safe_load(shown.stdout)["data"], shown.stderr) == ({"A": "MQ=="}, "")


def test_on_a_terminal_a_value_is_asked_for_and_not_shown() -> None:
    words = ["create", "secret", "db", "--group", "g", "--data", "PASSWORD", *DRY, "--show-values"]
    shown = b""
    with opened_terminal() as (ours, its):
        argv = [sys.executable, "-m", "bodywork_compiler", *words]
        with subprocess.Popen(argv, stdin=its, stdout=its, stderr=its, start_new_session=True) as process:
            os.close(its)
            for piece in pieces(ours):
                shown += piece
                if shown.endswith(b"PASSWORD: "):  # what is typed before the question is thrown away
                    os.write(ours, b"hunter2\n")
    assert process.returncode == 0, shown
    assert b"hunter2" not in shown
    assert b"aHVudGVyMg==" in shown


def test_in_a_pipe_nothing_is_asked() -> None:
    done = bodywork("create", "secret", "db", "--group", "g", "--data", "PASSWORD", "--data", "EMPTY=", *DRY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[:3] == [
        "bodywork: the secret's values cannot be read:",
        "  --data EMPTY: an empty value",
        "  --data PASSWORD: has no value, and there is no environment variable of that name",
    ]


def test_a_pasted_key_is_mended_and_that_is_said(tmp_path: Path) -> None:
    key = r"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
    (tmp_path / "known_hosts").write_text("example.org ssh-ed25519 AAAA\n")
    sources = ("--data", f"BODYWORK_GIT_SSH_PRIVATE_KEY={key}", "--from-file", f"known_hosts={tmp_path / 'known_hosts'}")
    done = bodywork("create", "secret", "ssh-git-private-key", "--group", "iris", *sources, *DRY)
    assert sorted(yaml.safe_load(done.stdout)["data"]) == ["BODYWORK_GIT_SSH_PRIVATE_KEY", "known_hosts"]
    assert r"BODYWORK_GIT_SSH_PRIVATE_KEY: mended: `\n` became line breaks, its last line break was missing" in done.stderr


def test_a_name_that_kubernetes_does_not_take_is_cleaned_as_the_ancestor_did_and_that_is_said() -> None:
    done = bodywork("create", "secret", "my_aws", "--group", "prod", "--data", "A=1", *DRY)
    assert yaml.safe_load(done.stdout)["metadata"]["name"] == "prod-my-aws"
    assert "call it my-aws in the config" in done.stderr


@pytest.mark.parametrize(
    ("argv", "exit_code", "said"),
    [
        (["create", "secret", "a", "--group", "g"], 2, "no values. Give them as --data KEY=VALUE"),
        (["create", "secret", "a", "--data", "A=1"], 2, "Missing option '--group'"),
        (["create", "secret", "a", "--group", "g", "--data", "A=1", "-o", "yaml"], 2, "--output: only with --dry-run"),
        (["get", "secret", "a"], 1, "Please specify which secrets group the secret belongs to."),
        (["delete", "secret", "a"], 1, "Please specify which secrets group the secret belongs to."),
        (["delete", "secrets"], 1, "Please specify a secret or a secrets group to delete."),
        (["secret", "create", "--ns", "lab", "--data", "A=1"], 1, "please specify --name for the secret"),
        (["secret", "delete", "--ns", "lab"], 1, "please specify --name for the secret"),
        (["secret", "display"], 2, "Missing option '--namespace' / '--ns'"),
        (["configure-cluster", "-o", "yaml"], 2, "--output: only with --dry-run"),
        (["configure-cluster", "--namespace", "Lab", "--dry-run=client"], 2, "must be at most 63 lower-case letters"),
        (["configure-cluster", "--image", ""], 2, "an empty name"),
        (["configure-cluster", "--namespace", "bodywork-deployment-jobs"], 2, "is the controller's own"),
        (["setup-namespace", "bodywork-deployment-jobs"], 2, "is the controller's own"),
        (["setup-namespace", "a_b"], 2, "must be at most 63 lower-case letters"),
    ],
)
def test_what_is_wrong_is_said_before_any_cluster_is_asked(argv: list[str], exit_code: int, said: str) -> None:
    done = bodywork(*argv)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert said in " ".join(done.stderr.split())


def test_what_configure_cluster_would_make_can_be_committed() -> None:
    done = bodywork("configure-cluster", "--namespace", "iris", "churn", "--image", "controller:1", "--dry-run=client", "-o", "yaml")
    assert (done.returncode, done.stderr) == (0, "")
    made = [(each["kind"], each["metadata"].get("namespace", "")) for each in yaml.safe_load_all(done.stdout)]
    assert made[-4:] == [("Namespace", ""), ("Role", "churn"), ("RoleBinding", "churn"), ("ConfigMap", "bodywork-deployment-jobs")]
    as_json = bodywork("configure-cluster", "--namespace", "iris", "churn", "--image", "controller:1", "--dry-run=client", "-o", "json")
    assert yaml.safe_load(as_json.stdout)["items"] == list(yaml.safe_load_all(done.stdout))


def test_setup_namespace_prints_what_it_would_make() -> None:
    done = bodywork("setup-namespace", "iris", "--dry-run=client")
    kinds = [each["kind"] for each in yaml.safe_load_all(done.stdout)]
    assert kinds == ["Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ServiceAccount"]
