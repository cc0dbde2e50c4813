"""Which secrets a plan cannot do without."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import PaperCluster, a_job, a_plan, a_session, a_template

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.runner import references, secrets


def needing(**container: Any) -> dict[str, Any]:
    return a_job("train", 1, template=a_template(**container))


def with_volume(volume: dict[str, Any]) -> dict[str, Any]:
    job = needing()
    job["spec"]["template"]["spec"]["volumes"] = [{"name": "v", **volume}]
    return job


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (needing(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "KEY"}}}]), {"aws": {("KEY", False)}}),
        (needing(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "KEY", "optional": True}}}]), {}),
        (needing(env=[{"name": "A", "value": "plain"}]), {}),
        (needing(envFrom=[{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "no"}}]), {"all": {("", False)}}),
        (with_volume({"secret": {"secretName": "ssh", "items": [{"key": "id", "path": "id"}]}}), {"ssh": {("id", True)}}),
        (with_volume({"secret": {"secretName": "tls"}}), {"tls": {("", True)}}),
        (
            with_volume({"projected": {"sources": [{"secret": {"name": "p", "optional": True}}, {"secret": {"name": "q"}}]}}),
            {"q": {("", True)}},
        ),
    ],
)
def test_what_a_pod_cannot_start_without(job: dict[str, Any], wanted: dict[str, set[str]]) -> None:
    assert references.wanted(a_plan(job)) == wanted


def test_the_failure_stages_secrets_count_and_the_plans_own_do_not() -> None:
    tell = needing(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "mail", "key": "PASSWORD"}}}])
    tell["metadata"] = {"name": "tell", "labels": {"bodywork/pipeline": "iris", "bodywork/stage": "tell", "bodywork/role": "on-failure"}}
    train = needing(envFrom=[{"secretRef": {"name": "own"}}])
    own = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own"}}
    assert references.wanted(a_plan(own, train, tell)) == {"mail": {("PASSWORD", False)}}


def test_a_secrets_value_is_never_part_of_what_is_said() -> None:
    cluster = PaperCluster()
    cluster.put({"kind": "Secret", "metadata": {"name": "aws"}, "data": {"OTHER": "aGlkZGVu"}})
    session = a_session(cluster, a_plan(needing(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "KEY"}}}])))
    with pytest.raises(BodyworkError, match="secret aws has no KEY") as missing:
        secrets.check(session)
    session.close()
    assert "aGlkZGVu" not in f"{missing.value.message}{missing.value.hint}"


def test_a_missing_file_is_made_from_a_file_and_a_variable_from_a_value() -> None:
    job = with_volume({"secret": {"secretName": "both", "items": [{"key": "id_rsa", "path": "id"}]}})
    job["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"secretRef": {"name": "all"}}]
    job["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "both", "key": "USER"}}}
    ]
    session = a_session(PaperCluster(), a_plan(job))
    with pytest.raises(BodyworkError) as missing:
        secrets.check(session)
    session.close()
    assert (missing.value.hint or "").splitlines()[1:] == [
        "  kubectl create namespace lab",  # a first run's: nothing is there yet
        "  bodywork secret create --namespace lab --name all --data KEY",
        "  bodywork secret create --namespace lab --name both --data USER --from-file id_rsa=FILE",
    ]


def test_the_ssh_keys_name_is_what_fetch_is_told() -> None:
    job = needing(env=[{"name": "BODYWORK_SSH_KEY", "value": "BODYWORK_GIT_SSH_PRIVATE_KEY"}])
    job["spec"]["template"]["spec"]["volumes"] = [{"name": "ssh", "secret": {"secretName": "ssh-git-private-key"}}]
    assert references.wanted(a_plan(job)) == {"ssh-git-private-key": {("BODYWORK_GIT_SSH_PRIVATE_KEY", True)}}


def test_a_missing_ssh_key_is_made_together_with_the_hosts_that_may_be_trusted() -> None:
    job = needing(env=[{"name": "BODYWORK_SSH_KEY", "value": "BODYWORK_GIT_SSH_PRIVATE_KEY"}])
    job["spec"]["template"]["spec"]["volumes"] = [{"name": "ssh", "secret": {"secretName": "ssh-git-private-key"}}]
    session = a_session(PaperCluster(), a_plan(job))
    with pytest.raises(BodyworkError) as missing:
        secrets.check(session)
    session.close()
    assert "--from-file BODYWORK_GIT_SSH_PRIVATE_KEY=FILE --from-file known_hosts=FILE" in (missing.value.hint or "")


READS = {"containers": [{"name": "main", "image": "a", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "A"}}}]}]}
STATEFUL_SET = {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"template": {"spec": READS}}}
CRON_JOB = {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": READS}}}}}


@pytest.mark.parametrize(
    "added",
    [
        STATEFUL_SET,
        {**STATEFUL_SET, "kind": "DaemonSet"},
        CRON_JOB,
        {"apiVersion": "v1", "kind": "Pod", "spec": READS},
        {**STATEFUL_SET, "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"},
    ],
    ids=lambda each: str(each["kind"]),
)
def test_what_only_an_overlays_pods_read_is_masked_and_not_asked_for(added: dict[str, Any]) -> None:
    plan = a_plan(needing(), {**added, "metadata": {"name": "extra"}})
    assert (references.wanted(plan), references.named(plan)) == ({}, set())
    cluster = PaperCluster()
    session = a_session(cluster, plan)
    secrets.check(session)
    cluster.put({"kind": "Secret", "metadata": {"name": "db"}, "data": {"A": "aGlkZGVuIHZhbHVl"}})
    secrets.check(session)
    session.close()
    assert session.mask.text("it is hidden value") == "it is ***"
    assert references.unmasked(plan, {"db"}) == {"db": ["extra"]}


BOTH = [{"secret": {"name": name, "optional": True}} for name in ("ssh-github-private-key", "ssh-git-private-key")]


def of_config_1_0() -> dict[str, Any]:
    job = needing(env=[{"name": "BODYWORK_SSH_KEY", "value": "BODYWORK_GIT_SSH_PRIVATE_KEY BODYWORK_GITHUB_SSH_PRIVATE_KEY"}])
    job["spec"]["template"]["spec"]["volumes"] = [{"name": "ssh", "projected": {"sources": BOTH}}]
    return job


@pytest.mark.parametrize(
    ("secret", "key"),
    [("ssh-git-private-key", "BODYWORK_GIT_SSH_PRIVATE_KEY"), ("ssh-github-private-key", "BODYWORK_GITHUB_SSH_PRIVATE_KEY")],
)
def test_of_config_1_0_one_of_two_secrets_is_enough(secret: str, key: str) -> None:
    cluster = PaperCluster()
    cluster.put({"kind": "Secret", "metadata": {"name": secret}, "data": {key: "aGlkZGVu"}})
    session = a_session(cluster, a_plan(of_config_1_0()))
    secrets.check(session)
    session.close()


def test_what_is_there_of_the_two_must_have_its_key_and_one_must_be_there() -> None:
    cluster = PaperCluster()
    session = a_session(cluster, a_plan(of_config_1_0()))
    with pytest.raises(BodyworkError, match="secret ssh-git-private-key is not there"):
        secrets.check(session)
    cluster.put({"kind": "Secret", "metadata": {"name": "ssh-github-private-key"}, "data": {"KEY": "aGlkZGVu"}})
    with pytest.raises(BodyworkError, match="secret ssh-github-private-key has no BODYWORK_GITHUB_SSH_PRIVATE_KEY"):
        secrets.check(session)
    session.close()
