"""Secrets of a group: copied in, updated, put back, removed; and what is refused before anything is changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fakes
import pytest
from fakes import (
    NAMESPACE,
    Object,
    PaperCluster,
    a_deployment,
    a_failure_stage,
    a_job,
    a_plan,
    a_session,
    a_template,
    as_failed,
    as_good,
    closing,
)

from bodywork_compiler.api import Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import Plan
from bodywork_compiler.runner import copies, preflight, secrets
from bodywork_compiler.runner.events import Event, LogLine, Notice, RunEnded, StepStarted

GROUP = "iris-team"


class Forbidden(PaperCluster):
    def find(self, kind: str, name: str) -> Object | None:
        raise Refused(f'the API server says: secrets "{name}" is forbidden')


@dataclass
class WithGroups(PaperCluster):
    """The run's namespace, and beside it the one of the groups."""

    groups: PaperCluster = field(default_factory=PaperCluster)

    def elsewhere(self, namespace: str) -> PaperCluster:
        assert namespace == copies.NAMESPACE
        return self.groups

    def _do(self, words: tuple[str, ...], manifests: list[Object]) -> Iterator[str]:
        if words[0] == "delete" and words[1].startswith("secret/"):
            for name in (word.removeprefix("secret/") for word in words[1:] if not word.startswith("--")):
                self.remove("Secret", name)
                yield f'secret "{name}" deleted'
        else:
            yield from super()._do(words, manifests)

    def value(self, name: str, key: str = "KEY") -> str:
        return base64.b64decode(self.objects["Secret", name]["data"][key]).decode()

    def writes_of(self, name: str) -> list[str]:
        return [
            words[0] for words, stdin in zip(self.ran, self.stdins, strict=True) if words[0] != "apply" and f'"name": "{name}"' in stdin
        ]


@pytest.fixture
def cluster() -> WithGroups:
    cluster = WithGroups(on_apply=as_good)
    cluster.put(NAMESPACE)
    cluster.groups.put(a_secret(f"{GROUP}-aws", "first-value", labels={"group": GROUP}))
    return cluster


def a_secret(name: str, value: str, **metadata: Any) -> Object:
    data = {"KEY": base64.b64encode(value.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name, **metadata}, "data": data}


def needing(secret: str, *, stage: str = "train", key: str = "KEY", **spec: Any) -> Object:
    return a_job(stage, 1, template=a_template(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": secret, "key": key, **spec}}}]))


def put_copy(cluster: WithGroups, name: str, *, has_mark: bool, renamed: str = "") -> None:
    """As a run has copied it in, or an earlier one, whose copies had no mark; or a person then, under another name."""
    source = a_secret(f"{GROUP}-{name}", "first-value")
    body = copies.as_copy(source, name, namespace="lab", pipeline="iris").body
    annotations = {key: text for key, text in body["metadata"]["annotations"].items() if has_mark or key != "bodywork/tracking-id"}
    cluster.put({**body, "metadata": {**body["metadata"], "name": renamed or name, "annotations": annotations}})


def of_group(*manifests: Object, **facts: str) -> Plan:
    metadata = {"name": "bodywork-iris", "labels": {"bodywork/pipeline": "iris", "bodywork/step": "0"}}
    data = {"dag": "train", **(facts or {"secrets-group": GROUP})}
    return a_plan({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}, *manifests)


def execute(cluster: WithGroups, plan: Plan) -> tuple[int, list[Event]]:
    """A run of its own, also when others were before it."""
    return fakes.execute(cluster, plan)


def refusal(cluster: WithGroups, plan: Plan) -> BodyworkError:
    with pytest.raises(BodyworkError) as refused:
        execute(cluster, plan)
    assert cluster.ran == [], "refused before anything is changed"
    return refused.value


def test_a_secret_is_copied_in_before_step_1_with_its_origin(cluster: WithGroups) -> None:
    assert execute(cluster, of_group(needing("aws")))[0] == 0

    copy = cluster.objects["Secret", "aws"]
    assert cluster.value("aws") == "first-value"
    assert copy["metadata"]["labels"]["bodywork/pipeline"] == "iris"
    assert copy["metadata"]["annotations"] == {
        "bodywork/copied-from": f"bodywork-deployment-jobs/{GROUP}-aws",
        "bodywork/tracking-id": "lab/iris:/Secret:lab/aws",
    }
    assert [words[0] for words in cluster.ran].index("create") < [words[0] for words in cluster.ran].index("apply")


def test_no_value_is_an_argument(cluster: WithGroups) -> None:
    execute(cluster, of_group(needing("aws")))
    argv = json.dumps(cluster.ran)
    assert "first-value" not in argv
    assert base64.b64encode(b"first-value").decode() not in argv


def test_what_no_stage_names_stays_in_the_group(cluster: WithGroups) -> None:
    cluster.groups.put(a_secret(f"{GROUP}-other", "other"))
    execute(cluster, of_group(needing("aws")))
    assert ("Secret", "other") not in cluster.objects


def test_a_copy_that_is_right_is_left_alone_and_one_that_changed_is_updated(cluster: WithGroups) -> None:
    execute(cluster, of_group(needing("aws")))
    execute(cluster, of_group(needing("aws")))
    assert cluster.writes_of("aws") == ["create"]

    cluster.groups.put(a_secret(f"{GROUP}-aws", "second-value"))
    execute(cluster, of_group(needing("aws")))
    assert cluster.writes_of("aws") == ["create", "replace"]
    assert cluster.value("aws") == "second-value"


def test_the_ancestors_copy_is_taken_over(cluster: WithGroups) -> None:
    cluster.put(a_secret("aws", "old", labels={"group": GROUP}))
    assert execute(cluster, of_group(needing("aws")))[0] == 0
    assert cluster.value("aws") == "first-value"


def test_a_secret_that_is_somebody_elses_is_never_overwritten(cluster: WithGroups) -> None:
    cluster.put(a_secret("aws", "mine"))
    refused = refusal(cluster, of_group(needing("aws")))
    assert "secret aws in namespace lab is not a copy of" in refused.message
    assert "kubectl label secret/aws group=iris-team --namespace=lab" in (refused.hint or "")
    assert cluster.value("aws") == "mine"


def test_one_with_the_same_values_is_used_as_it_stands(cluster: WithGroups) -> None:
    cluster.put(a_secret("aws", "first-value"))
    assert execute(cluster, of_group(needing("aws")))[0] == 0
    assert cluster.writes_of("aws") == []


def test_a_pipeline_may_change_its_group(cluster: WithGroups) -> None:
    execute(cluster, of_group(needing("aws")))
    cluster.groups.put(a_secret("other-team-aws", "other-value"))
    assert execute(cluster, of_group(needing("aws"), **{"secrets-group": "other-team"}))[0] == 0
    assert cluster.value("aws") == "other-value"


def test_a_copy_of_another_pipelines_group_is_not_overwritten(cluster: WithGroups) -> None:
    annotations = {"bodywork/copied-from": "bodywork-deployment-jobs/other-aws"}
    cluster.put(a_secret("aws", "theirs", labels={"bodywork/pipeline": "other"}, annotations=annotations))
    refusal(cluster, of_group(needing("aws")))


@pytest.mark.parametrize("has_mark", [True, False])
def test_a_persons_copy_of_a_copy_is_not_overwritten(cluster: WithGroups, *, has_mark: bool) -> None:
    put_copy(cluster, "aws", renamed="mail", has_mark=has_mark)
    cluster.groups.put(a_secret(f"{GROUP}-mail", "the group's"))
    assert "secret mail in namespace lab is not a copy of" in refusal(cluster, of_group(needing("mail"))).message


def test_missing_is_missing_in_the_group_with_the_commands_that_make_it(cluster: WithGroups) -> None:
    refused = refusal(cluster, of_group(needing("mail", key="PASSWORD")))
    assert refused.message == "missing in namespace bodywork-deployment-jobs: secret iris-team-mail is not there"
    assert (refused.hint or "").splitlines()[1:] == [
        "  bodywork create secret mail --group iris-team --data PASSWORD",
    ]


def test_a_key_that_is_missing_is_missing_in_the_group(cluster: WithGroups) -> None:
    refused = refusal(cluster, of_group(needing("aws", key="OTHER")))
    assert refused.message == "missing in namespace bodywork-deployment-jobs: secret iris-team-aws has no OTHER"
    assert "--namespace=bodywork-deployment-jobs" in (refused.hint or "")


def test_an_old_copy_does_not_stand_in_for_a_secret_that_is_gone(cluster: WithGroups) -> None:
    execute(cluster, of_group(needing("aws")))
    cluster.ran.clear()
    cluster.groups.remove("Secret", f"{GROUP}-aws")
    assert "iris-team-aws is not there" in refusal(cluster, of_group(needing("aws"))).message


def test_what_only_the_namespace_has_is_used_as_it_stands(cluster: WithGroups) -> None:
    cluster.put(a_secret("mail", "by-hand"))
    assert execute(cluster, of_group(needing("mail")))[0] == 0


def test_a_secret_with_another_groups_label_is_not_ours_by_its_name(cluster: WithGroups) -> None:
    """`iris-team-aws` is also the secret team-aws of group iris."""
    plan = of_group(needing("team-aws"), **{"secrets-group": "iris"})
    assert "secret iris-team-aws is not there" in refusal(cluster, plan).message


def test_an_optional_secret_that_is_nowhere_is_none(cluster: WithGroups) -> None:
    assert execute(cluster, of_group(needing("perhaps", optional=True)))[0] == 0


def test_a_group_that_may_not_be_read_says_what_is_needed(cluster: WithGroups) -> None:
    cluster.groups = Forbidden()
    refused = refusal(cluster, of_group(needing("aws")))
    assert "the secrets group iris-team cannot be read" in refused.message
    assert "--verb=get --resource=secrets --namespace=bodywork-deployment-jobs" in (refused.hint or "")


def test_without_a_group_only_the_ssh_key_is_looked_for_in_the_pipelines_own(cluster: WithGroups) -> None:
    cluster.put(a_secret("aws", "by-hand"))
    cluster.groups.put(a_secret("iris-aws", "not-this-one"))
    cluster.groups.put(a_secret("iris-ssh-git-private-key", "the-key"))
    jobs = [needing("aws"), needing("ssh-git-private-key", stage="fetches")]
    assert execute(cluster, of_group(*jobs, **{"ssh-secret": "ssh-git-private-key"}))[0] == 0
    assert (cluster.value("aws"), cluster.value("ssh-git-private-key")) == ("by-hand", "the-key")


@pytest.mark.parametrize("key_stands", [True, False])
def test_a_group_that_nobody_named_may_be_closed_to_us(cluster: WithGroups, *, key_stands: bool) -> None:
    cluster.groups = Forbidden()
    plan = of_group(needing("ssh-git-private-key"), **{"ssh-secret": "ssh-git-private-key"})
    if key_stands:
        cluster.put(a_secret("ssh-git-private-key", "by-hand"))
        assert execute(cluster, plan)[0] == 0
    else:
        assert "missing in namespace lab: secret ssh-git-private-key" in refusal(cluster, plan).message


def test_a_failed_run_puts_the_values_back_before_it_rolls_back(cluster: WithGroups) -> None:
    before = {"labels": {"group": GROUP, "own": "yes"}, "annotations": {"kept": "too"}}
    cluster.put(a_secret("aws", "old-value", **before))
    cluster.put(a_deployment("serve", 1))
    cluster.on_apply = as_failed
    assert execute(cluster, of_group(needing("aws"), a_deployment("serve", 1)))[0] == 4

    stands = cluster.objects["Secret", "aws"]
    assert cluster.value("aws") == "old-value"
    assert {key: stands["metadata"][key] for key in before} == before
    assert cluster.writes_of("aws") == ["replace", "replace"]
    last_write = max(number for number, stdin in enumerate(cluster.stdins) if '"name": "aws"' in stdin and '"Secret"' in stdin)
    way_back = [
        number for number, words in enumerate(cluster.ran) if words[0] in {"rollout", "replace"} and "serve" in cluster.stdins[number]
    ]
    assert all(last_write < number for number in way_back)


def test_a_value_that_somebody_changed_meanwhile_is_not_put_back(cluster: WithGroups) -> None:
    cluster.put(a_secret("aws", "old-value", labels={"group": GROUP}))

    def fails(manifest: Object) -> Object:
        if manifest["kind"] == "Job":
            cluster.put(a_secret("aws", "somebody's"))
        return as_failed(manifest)

    cluster.on_apply = fails
    assert execute(cluster, of_group(needing("aws")))[0] == 4
    assert cluster.value("aws") == "somebody's"


def test_that_values_could_not_be_put_back_is_told(cluster: WithGroups) -> None:
    cluster.put(a_secret("aws", "old-value", labels={"group": GROUP}))

    def fails(manifest: Object) -> Object:
        if manifest["kind"] == "Job":
            cluster.refusals["replace"] = "Error from server (Forbidden): old-value"
        return as_failed(manifest)

    cluster.on_apply = fails
    exit_code, told = execute(cluster, of_group(needing("aws")))
    assert exit_code == 4
    said = next(event.message for event in told if isinstance(event, Notice) and event.level == "ERROR")
    assert said.startswith("secrets NOT put back as they were: aws: ")
    assert "old-value" not in said


def test_a_copy_that_no_stage_names_any_more_is_removed_after_success(cluster: WithGroups) -> None:
    execute(cluster, of_group(needing("aws")))
    execute(cluster, of_group(a_job("train", 1)))
    assert ("Secret", "aws") not in cluster.objects


@pytest.mark.parametrize("has_mark", [True, False])
def test_a_persons_copy_of_it_under_another_name_stays(cluster: WithGroups, *, has_mark: bool) -> None:
    put_copy(cluster, "aws", has_mark=has_mark)
    put_copy(cluster, "aws", has_mark=has_mark, renamed="aws-backup")
    assert execute(cluster, of_group(a_job("train", 1)))[0] == 0
    assert ("Secret", "aws") not in cluster.objects
    assert ("Secret", "aws-backup") in cluster.objects


def test_a_secret_in_the_plan_that_was_a_copy_once_stays(cluster: WithGroups) -> None:
    copied_from = {"bodywork/copied-from": f"bodywork-deployment-jobs/{GROUP}-aws"}
    plan = of_group(a_job("train", 1), a_secret("aws", "in an overlay", annotations=copied_from))
    assert execute(cluster, plan)[0] == 0
    assert ("Secret", "aws") in cluster.objects


def test_where_an_overlay_has_added_secrets_copies_go_once_and_only_when_unneeded(cluster: WithGroups) -> None:
    cluster.groups.put(a_secret(f"{GROUP}-mail", "second-value"))
    added = {**a_secret("added", "in an overlay"), "metadata": {"name": "added"}}
    needs_both = needing("aws"), needing("mail", stage="tell")
    assert execute(cluster, of_group(*needs_both, added))[0] == 0
    exit_code, told = execute(cluster, of_group(needs_both[0]))
    assert exit_code == 0
    assert {each for kind, each in cluster.objects if kind == "Secret"} == {"aws"}
    assert [each.message for each in told if isinstance(each, Notice) and "no stage needs" in each.message] == [
        "removing what no stage needs any more: secret/added, secret/mail"
    ]


def test_a_copy_that_was_new_in_a_failed_run_is_removed_again_after_its_failure_stage(cluster: WithGroups) -> None:
    cluster.on_apply = lambda manifest: as_good(manifest) if manifest["metadata"]["name"] == "tell" else as_failed(manifest)
    assert execute(cluster, of_group(needing("aws"), a_failure_stage("tell")))[0] == 4
    assert ("Secret", "aws") not in cluster.objects
    told, removed = (next(at for at, words in enumerate(cluster.ran) if what in words) for what in ("job/tell", "secret/aws"))
    assert told < removed


def test_a_new_copy_that_a_good_service_of_an_earlier_step_names_stays(cluster: WithGroups) -> None:
    cluster.on_apply = lambda manifest: as_failed(manifest) if manifest["kind"] == "Job" else as_good(manifest)
    service = a_deployment("serve", 1)
    service["spec"]["template"] = a_template(envFrom=[{"secretRef": {"name": "aws"}}])
    assert execute(cluster, of_group(service, a_job("train", 2)))[0] == 4
    assert ("Secret", "aws") in cluster.objects


def test_nothing_is_removed_when_the_run_failed(cluster: WithGroups) -> None:
    execute(cluster, of_group(needing("aws")))
    cluster.on_apply = as_failed
    execute(cluster, of_group(a_job("train", 1)))
    assert ("Secret", "aws") in cluster.objects


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job", "Pod"])
def test_a_copy_that_something_still_names_stays(cluster: WithGroups, kind: str) -> None:
    execute(cluster, of_group(needing("aws")))
    spec = {"template": a_template(envFrom=[{"secretRef": {"name": "aws"}}])}
    cluster.put({"kind": kind, "metadata": {"name": "old", "labels": {}}, "spec": spec})
    execute(cluster, of_group(a_job("train", 1)))
    assert ("Secret", "aws") in cluster.objects


@pytest.mark.parametrize(
    "decoy",
    [
        {"labels": {"bodywork/pipeline": "iris"}},
        {"annotations": {"bodywork/copied-from": "bodywork-deployment-jobs/x-y"}, "labels": {"bodywork/pipeline": "other"}},
        {"labels": {"group": GROUP}},
    ],
)
def test_secrets_of_others_survive(cluster: WithGroups, decoy: dict[str, Any]) -> None:
    cluster.put(a_secret("decoy", "theirs", **decoy))

    def of_selector(kind: str, query: Any) -> tuple[list[Object], str]:
        objects, position = PaperCluster.list(cluster, kind, query)
        asked = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
        return [each for each in objects if asked.items() <= each["metadata"].get("labels", {}).items()], position

    cluster.list = of_selector  # type: ignore[method-assign]
    assert execute(cluster, of_group(a_job("train", 1)))[0] == 0
    assert ("Secret", "decoy") in cluster.objects


@pytest.mark.parametrize("stands", ["in the group", "in the namespace"])
def test_what_a_stage_prints_of_them_is_masked(cluster: WithGroups, stands: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, value = ("aws", "first-value") if stands == "in the group" else ("mail", "by-hand")
    if stands == "in the namespace":
        cluster.put(a_secret(secret, value))
    told: list[Event] = []
    with closing(a_session(cluster, of_group(needing(secret)), told)) as session:
        secrets.check(session)
        session.tell(LogLine(stage="train", pod="p", container="stage", attempt=1, line=f"KEY={value}"))
    assert [event.line for event in told if isinstance(event, LogLine)] == ["KEY=***"]


def test_kubectls_no_is_masked_too(cluster: WithGroups) -> None:
    cluster.refusals["create"] = 'Error from server (BadRequest): webhook "audit" denied: data KEY=first-value'
    with pytest.raises(BodyworkError) as refused:
        execute(cluster, of_group(needing("aws")))
    assert "KEY=***" in refused.value.message


def test_a_bug_in_mid_run_is_masked_too(cluster: WithGroups, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no room for first-value")

    monkeypatch.setattr("bodywork_compiler.runner.run.run_step", broken)
    with pytest.raises(RuntimeError, match=r"^no room for \*\*\*$"):
        execute(cluster, of_group(needing("aws")))


def test_the_reason_in_the_failure_stages_environment_is_masked(cluster: WithGroups) -> None:
    def fails(manifest: Object) -> Object:
        failed = as_failed(manifest)
        if manifest["metadata"]["name"] == "train":
            failed["status"]["conditions"][0]["message"] = "it said first-value"
        return failed

    cluster.on_apply = fails
    _, told = execute(cluster, of_group(needing("aws"), a_failure_stage("tell")))
    made = next(stdin for stdin in cluster.stdins if "EXCEPTION_MESSAGE" in stdin)
    assert "first-value" not in made
    assert "first-value" not in repr([event for event in told if isinstance(event, RunEnded)])


OURS = {"command": ["python3", "/opt/bodywork/scripts/run.py"]}
TOLD = {"name": "BODYWORK_SECRET_VARIABLES", "value": "A B"}


def from_secret(variable: str, secret: str = "mail") -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": "KEY"}}}


@pytest.mark.parametrize(
    ("container", "is_said"),
    [
        ({**OURS, "env": [TOLD, from_secret("A")]}, False),
        ({**OURS, "env": [TOLD, from_secret("C")]}, True),
        ({**OURS, "env": [from_secret("A")]}, True),
        ({"command": ["sh", "-c", "env"], "env": [TOLD, from_secret("A")]}, True),
        ({"env": [TOLD, from_secret("A")]}, True),
        ({**OURS, "env": [TOLD], "envFrom": [{"secretRef": {"name": "mail"}}]}, True),
        ({**OURS, "env": [TOLD], "volumeMounts": [{"name": "files", "mountPath": "/files"}]}, True),
        ({**OURS, "env": [TOLD]}, False),
    ],
    ids=["ours", "another variable", "of an earlier render", "own command", "the image's command", "envFrom", "files", "files not mounted"],
)
def test_what_neither_the_run_nor_the_pod_can_mask_is_said_before_step_1(cluster: WithGroups, container: Object, *, is_said: bool) -> None:
    template = a_template()
    template["spec"]["containers"] = [{"name": "stage", "image": "i", **container}]
    template["spec"]["volumes"] = [{"name": "files", "secret": {"secretName": "mail"}}]
    find = cluster.find
    cluster.find = lambda kind, name: Forbidden().find(kind, name) if kind == "Secret" else find(kind, name)  # type: ignore[method-assign]
    _, events = execute(cluster, a_plan(a_job("train", 1, template=template)))
    said = [
        number
        for number, each in enumerate(events)
        if isinstance(each, Notice) and "secret mail are not masked in the logs of train" in each.message
    ]
    begun = [number for number, each in enumerate(events) if isinstance(each, StepStarted)]
    assert len(said) == is_said
    assert not said or said[0] < begun[0]


@pytest.mark.parametrize(
    ("version", "group"), [("v1", None), ("1.0", None), ("1.1", copies.Group(name="iris", only="ssh-git-private-key"))]
)
def test_before_v3_the_ssh_key_is_in_no_group(version: str, group: copies.Group | None) -> None:
    plan = of_group(needing("aws"), **{"ssh-secret": "ssh-git-private-key", "config-version": version})
    assert copies.group_of(plan) == group


@pytest.mark.parametrize(("secret", "is_refused"), [("aws", True), ("elsewhere", False)])
def test_the_right_to_copy_is_asked_for_in_advance_where_there_is_something_to_copy(
    cluster: WithGroups, secret: str, *, is_refused: bool
) -> None:
    cluster.lacking = {"update secrets"}
    with closing(a_session(cluster, of_group(needing(secret)))) as session:
        if not is_refused:
            preflight.check_foreseen(session)
            return
        with pytest.raises(BodyworkError, match=r"needs rights that .* lacks: in namespace lab: update secrets"):
            preflight.check_foreseen(session)
