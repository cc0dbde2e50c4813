"""Which questions `bodywork diff` asks, in which order, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, Result, Target
from bodywork_compiler.manifests import Plan, load_stream
from bodywork_compiler.preview.compare import compare

OURS = {"bodywork/pipeline": "iris", "bodywork/stage": "train", "bodywork/step": "1"}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "labels": OURS}, "spec": {"backoffLimit": 0}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}, "stringData": {"KEY": "hunter2"}}


@dataclass
class Answers:
    """A kubectl that answers by the first words of a call; one that nobody has foreseen fails the test."""

    by_words: dict[str, Result]
    ran: list[str] = field(default_factory=list)
    stdins: list[str] = field(default_factory=list)

    def __call__(self, argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        line = " ".join(word for word in argv[1:] if not word.startswith(("--context", "--namespace", "--request-timeout")))
        self.ran.append(line)
        self.stdins.append(stdin or "")
        if line.startswith("apply") and "apply" not in self.by_words:  # the server makes of an object what was sent
            return Result(argv=argv, out=json.dumps({"kind": "List", "items": [json.loads(each) for each in (stdin or "").splitlines()]}))
        return next(answer for words, answer in self.by_words.items() if line.startswith(words))


def a_plan(*objects: dict[str, Any]) -> Plan:
    return load_stream("".join(f"---\n{json.dumps(each)}\n" for each in objects), "test")


def good(out: object = "") -> Result:
    return Result(argv=(), out=out if isinstance(out, str) else json.dumps(out))


def bad(err: str) -> Result:
    return Result(argv=("kubectl", "get"), err=err, exit_code=1)


def kubectl(answers: Answers) -> Kubectl:
    return Kubectl(target=Target(context="test", namespace="lab"), execute=answers)


OUTLINES = (
    '--output=jsonpath={range .items[*]}{.kind}{"\\t"}{.metadata.name}{"\\t"}{.metadata.annotations.bodywork/git-url}{"\\t"}'
    '{.metadata.ownerReferences[*].name}{.metadata.deletionTimestamp}{"\\n"}{end}'
)
NAMES = "get job.batch,deployment.apps,service,ingress.networking.k8s.io,configmap,secret,serviceaccount"


def test_few_questions_and_only_questions() -> None:
    answers = Answers({"get namespace": good("namespace/lab"), "get --ignore": good(JOB), NAMES: good("Job\ttrain\t\t\n")})
    found = compare(a_plan(JOB), kubectl(answers))

    assert answers.ran == [
        "get namespace lab --ignore-not-found --output=name",
        "get --ignore-not-found --output=json -f -",
        "apply --dry-run=server -f - --output=json",
        f"{NAMES} --selector=bodywork/pipeline=iris,bodywork/step {OUTLINES}",
    ]
    assert json.loads(answers.stdins[2])["metadata"]["name"].startswith("train-")
    assert found.is_same


def test_a_namespace_that_is_not_there_ends_the_questions() -> None:
    answers = Answers({"get namespace": good()})
    found = compare(a_plan(JOB), kubectl(answers))

    assert len(answers.ran) == 1
    assert (found.has_namespace, [each.action for each in found.changes]) == (False, ["new"])


def test_who_may_not_read_namespaces_or_all_kinds_sees_the_rest() -> None:
    forbidden = bad("Error from server (Forbidden): not for you")
    answers = Answers({"get namespace": forbidden, "get --ignore": good(), NAMES: forbidden})
    assert [each.action for each in compare(a_plan(JOB), kubectl(answers)).changes] == ["new"]


def test_what_could_not_be_asked_is_no_absence() -> None:
    answers = Answers({"get namespace": bad("The connection to the server was refused - did you specify the right host or port?")})
    with pytest.raises(BodyworkError, match="refused"):
        compare(a_plan(JOB), kubectl(answers))


def test_all_refusals_are_raised_at_once_without_a_secrets_value() -> None:
    answers = Answers(
        {
            "get namespace": good("namespace/lab"),
            "get --ignore": good(),
            "apply": bad("Error from server (Invalid): no such field"),
            "create": bad("Error from server (BadRequest): bad value hunter2"),
        }
    )
    with pytest.raises(BodyworkError) as refused:
        compare(a_plan(JOB, SECRET), kubectl(answers))
    assert "no such field" in refused.value.message
    assert "bad value ***" in refused.value.message


def test_the_failure_stage_is_not_compared() -> None:
    failure = {**JOB, "metadata": {"name": "clean-up", "labels": {"bodywork/pipeline": "iris", "bodywork/role": "on-failure"}}}
    answers = Answers({"get namespace": good("namespace/lab"), "get --ignore": good(), NAMES: good()})
    assert [each.name for each in compare(a_plan(JOB, failure), kubectl(answers)).changes] == ["train"]


def test_what_is_left_is_removed_where_a_run_would_remove_it() -> None:
    here, there = "https://git.example.com/iris", "https://git.example.com/rose"
    lines = [
        "Deployment\tgone\thttps://git.example.com/iris\t",
        f"Service\tgone\t{here}\t",
        f"Deployment\tanothers\t{there}\t",
        f"Job\tmade-by-another\t{here}\tscheduled",
        f"Service\tmade-by-another\t{here}\tscheduled",
        f"ConfigMap\tscripts-1\t{here}\t",
        f"Secret\town\t{here}\t",
    ]
    ours = {**JOB, "metadata": {**JOB["metadata"], "annotations": {"bodywork/git-url": here}}}
    answers = Answers({"get namespace": good("namespace/lab"), "get --ignore": good(), NAMES: good("".join(f"{line}\n" for line in lines))})
    assert [(each.kind, each.name, each.is_removed) for each in compare(a_plan(ours), kubectl(answers)).left] == [
        ("Deployment", "gone", True),
        ("Service", "gone", True),
        ("Deployment", "anothers", False),
        ("Job", "made-by-another", True),
        ("Service", "made-by-another", False),
        ("ConfigMap", "scripts-1", False),
        ("Secret", "own", False),
    ]


@dataclass
class GroupServer(Answers):
    """Knows secrets by their namespace too."""

    secrets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __call__(self, argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        namespace = next((word.partition("=")[2] for word in argv if word.startswith("--namespace=")), "")
        if argv[1] == "get" and '"Secret"' in (stdin or ""):
            return good({"kind": "List", "items": self.secrets.get(namespace, [])})
        return super().__call__(argv, stdin, timeout_seconds)


def test_what_a_run_copies_from_a_group_is_compared_and_no_value_is_shown() -> None:
    variables = [{"name": name.upper(), "valueFrom": {"secretKeyRef": {"name": name, "key": "KEY"}}} for name in ("store", "token", "own")]
    pod = {"spec": {"containers": [{"name": "stage", "env": variables}]}}
    facts = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bodywork-iris", "labels": {"bodywork/pipeline": "iris"}}}
    facts |= {"data": {"dag": "train", "secrets-group": "prod"}}
    groups = [
        {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": f"prod-{name}"}, "data": {"KEY": "aHVudGVyMg=="}}
        for name in ("store", "token", "own")
    ]
    copied = {"bodywork/copied-from": "bodywork-deployment-jobs/prod-token"}
    ours = {"bodywork/pipeline": "iris", "app.kubernetes.io/managed-by": "bodywork"}
    stand = [
        {"kind": "Secret", "metadata": {"name": "token", "annotations": copied, "labels": ours}, "data": {"KEY": "b2xk"}},
        {"kind": "Secret", "metadata": {"name": "own"}, "data": {"KEY": "b3du"}},
    ]
    answers = GroupServer(
        {"get namespace": good("namespace/lab"), "get --ignore": good(), NAMES: good()},
        secrets={"bodywork-deployment-jobs": groups, "lab": stand},
    )
    found = compare(a_plan(facts, {**JOB, "spec": {"template": pod}}), kubectl(answers))

    assert [(each.name, each.action) for each in found.changes if each.kind == "Secret"] == [("store", "new"), ("token", "changed")]
    for value in ("aHVudGVyMg", "b2xk", "b3du"):
        assert value not in str(found)
