"""`apply --dry-run`: what is asked of kubectl, and what is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, Result, Target
from bodywork_compiler.manifests import Plan, load_stream
from bodywork_compiler.preview.dry_run import dry_run
from bodywork_compiler.runner.events import DryRunEnded, Event, Notice, ObjectChecked, RunStarted, StepStarted

RESOURCES = {
    "Pod": "pod",
    "Job": "job.batch",
    "Deployment": "deployment.apps",
    "Namespace": "namespace",
    "Secret": "secret",
    "ConfigMap": "configmap",
}


def an_object(kind: str, name: str, step: int = 1, **spec: Any) -> dict[str, Any]:
    labels = {"bodywork/pipeline": "iris", "bodywork/stage": name, "bodywork/step": str(step)}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


@dataclass
class PaperServer:
    """Namespaces and objects that are there, and names that are refused. It knows questions only."""

    namespaces: tuple[str, ...] = ("lab",)
    there: tuple[dict[str, Any], ...] = ()
    refuses: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()  # namespaces in which nothing may be read
    warning: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)  # namespace, what

    def __call__(self, argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        words = [word for word in argv[1:] if not word.startswith("-")]
        namespace = next(word.partition("=")[2] for word in argv if word.startswith("--namespace="))
        sent = [json.loads(line) for line in (stdin or "").splitlines()]
        if words[0] == "get" and words[1:] and words[1].startswith("namespace/"):
            return Result(argv=argv, out="namespace/x\n" if words[1].removeprefix("namespace/") in self.namespaces else "")
        if words == ["get"]:
            named = {(each["kind"], each["metadata"]["name"]) for each in sent}
            if namespace in self.closed:
                return Result(argv=argv, err="Error from server (Forbidden): secrets is forbidden", exit_code=1)
            there = [each for each in self.there if each["metadata"].get("namespace", namespace) == namespace]
            found = [each for each in there if (each["kind"], each["metadata"]["name"]) in named]
            return Result(argv=argv, out=json.dumps({"kind": "List", "items": found}))
        if words[0] == "get":  # what bears the pipeline's label, and its lock
            return Result(argv=argv)
        assert "--dry-run=server" in argv
        return self._rehearsed(argv, namespace, sent)

    def _rehearsed(self, argv: tuple[str, ...], namespace: str, sent: list[dict[str, Any]]) -> Result:
        out, err = "", self.warning
        for each in sent:
            name = each["metadata"]["name"]
            self.asked.append((namespace, f"{argv[1]} {each['kind']} {name}"))
            if name in self.refuses:
                err += f"Error from server (Invalid): {each['kind']} is not what it should be: {name}\n"
            else:
                out += f"{RESOURCES[each['kind']]}/{name} created (server dry run)\n"
        return Result(argv=argv, out=out, err=err, exit_code=1 if "Error" in err else 0)


def a_plan(*objects: dict[str, Any]) -> Plan:
    return load_stream("".join(f"---\n{json.dumps(each)}\n" for each in objects), "test")


def ran(plan: Plan, server: PaperServer, *, stand_in: str | None = None) -> tuple[int, list[Event]]:
    told: list[Event] = []
    kubectl = Kubectl(target=Target(context="test", namespace="lab"), execute=server)
    return dry_run(plan, kubectl, told.append, by="server", stand_in=stand_in), told


def test_what_is_somebody_elses_is_refused_beside_all_else() -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared", "labels": {"bodywork/pipeline": "rose"}}}
    shared, broken = an_object("ConfigMap", "shared"), an_object("Service", "broken")
    exit_code, told = ran(a_plan(shared, broken, TRAIN), PaperServer(there=(theirs,), refuses=("broken",)))
    assert exit_code == 1
    assert {"ConfigMap shared": "refused", "Service broken": "refused", "Job train": "created"}.items() <= checked(told).items()
    (why,) = (each.reason for each in told if isinstance(each, ObjectChecked) and each.name == "shared")
    assert why == "not this pipeline's to change: it is pipeline rose's; --adopt configmap/shared"


def checked(told: list[Event]) -> dict[str, str]:
    return {f"{each.kind} {each.name}": each.action for each in told if isinstance(each, ObjectChecked)}


TRAIN, SERVE = an_object("Job", "train", 1), an_object("Deployment", "serve", 2)


def test_the_steps_are_told_in_order_and_one_call_asks_about_each() -> None:
    server = PaperServer()
    exit_code, told = ran(a_plan(TRAIN, an_object("ConfigMap", "facts", 0), SERVE), server)

    assert exit_code == 0
    assert [type(each) for each in told] == [RunStarted, ObjectChecked, StepStarted, ObjectChecked, StepStarted, ObjectChecked, DryRunEnded]
    assert server.asked == [("lab", "apply ConfigMap facts"), ("lab", "apply Job train"), ("lab", "apply Deployment serve")]


def test_all_refusals_are_told_each_with_its_object() -> None:
    bad, worse = an_object("Deployment", "bad", 1), an_object("ConfigMap", "worse", 2)
    exit_code, told = ran(a_plan(TRAIN, bad, worse), PaperServer(refuses=("bad", "worse")))

    assert exit_code == 1
    assert checked(told) == {"Job train": "created", "Deployment bad": "refused", "ConfigMap worse": "refused"}
    reasons = [each.reason for each in told if isinstance(each, ObjectChecked) and each.reason]
    assert [reason.rsplit(" ", 1)[-1] for reason in reasons] == ["bad", "worse"]
    ended = told[-1]
    assert isinstance(ended, DryRunEnded)
    assert (ended.exit_code, ended.objects, ended.refused) == (1, 3, 2)


def test_a_finished_job_is_asked_about_under_a_free_name_and_told_by_its_own() -> None:
    server = PaperServer(there=(TRAIN,))
    exit_code, told = ran(a_plan(TRAIN), server)

    assert exit_code == 0
    assert checked(told) == {"Job train": "created"}
    (_, asked), *_ = server.asked
    assert asked.startswith("apply Job train-")


def test_a_warning_is_told_once_as_a_warning() -> None:
    server = PaperServer(warning='Warning: would violate PodSecurity "restricted:latest": no\n')
    _, told = ran(a_plan(TRAIN, SERVE), server)
    assert [(each.level, each.message) for each in told if isinstance(each, Notice)] == [
        ("WARNING", 'would violate PodSecurity "restricted:latest": no')
    ]


@pytest.mark.parametrize(("stand_in", "asked_in"), [(None, "default"), ("other", "other")])
def test_without_its_namespace_another_one_is_asked_in_and_what_that_does_not_ask_is_told(stand_in: str | None, asked_in: str) -> None:
    server = PaperServer(namespaces=("default", "other"), there=(SERVE,))
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}}
    exit_code, told = ran(a_plan(namespace, TRAIN, SERVE), server, stand_in=stand_in)

    assert exit_code == 0
    assert {where for where, _ in server.asked} == {asked_in}
    assert server.asked[-1][1].startswith("apply Deployment serve-"), "what is there has nothing to do with ours"
    assert checked(told) == {"Namespace lab": "created", "Job train": "created", "Deployment serve": "created"}
    assert {each.namespace for each in told if isinstance(each, ObjectChecked)} == {None, "lab"}
    (notice,) = (each for each in told if isinstance(each, Notice))
    assert f"asked about in namespace {asked_in}" in notice.message
    assert "quotas" in notice.message


def test_a_stand_in_that_is_not_there_is_refused() -> None:
    with pytest.raises(BodyworkError, match="lab and nowhere are not there"):
        ran(a_plan(TRAIN), PaperServer(namespaces=()), stand_in="nowhere")


def test_the_runs_own_namespace_is_never_patched_so_it_is_not_asked_about() -> None:
    server = PaperServer()
    ran(a_plan({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}}, TRAIN), server)
    assert server.asked == [("lab", "apply Job train")]


def test_the_failure_stage_is_asked_about_too() -> None:
    failure = an_object("Job", "clean-up")
    failure["metadata"]["labels"]["bodywork/role"] = "on-failure"
    _, told = ran(a_plan(TRAIN, failure), PaperServer())
    assert checked(told) == {"Job train": "created", "Job clean-up": "created"}
    assert [each.step for each in told if isinstance(each, StepStarted)] == [1, 2]


def a_job_with_a_secret() -> dict[str, Any]:
    variable = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "KEY"}}}
    return an_object("Job", "train", template={"spec": {"containers": [{"name": "stage", "env": [variable]}]}})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(None, "a stage names it, and it is not there", id="no-secret"),
        pytest.param({"OTHER": "eA=="}, "has no KEY, which a stage names", id="no-key"),
        pytest.param({"KEY": "eA=="}, None, id="there"),
    ],
)
def test_a_secret_that_a_run_would_miss_is_refused(data: dict[str, str] | None, reason: str | None) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}, "data": data}
    exit_code, told = ran(a_plan(a_job_with_a_secret()), PaperServer(there=(secret,) if data else ()))
    assert exit_code == (1 if reason else 0)
    assert [each.reason for each in told if isinstance(each, ObjectChecked) and each.kind == "Secret"] == ([reason] if reason else [])


def a_plan_with_a_group() -> Plan:
    facts = {**an_object("ConfigMap", "bodywork-iris", 0), "data": {"dag": "train", "secrets-group": "prod"}}
    del facts["metadata"]["labels"]["bodywork/stage"]
    return a_plan(facts, a_job_with_a_secret())


def a_secret(name: str, namespace: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}


GROUPS = "bodywork-deployment-jobs"


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        pytest.param([], "a stage names it, and it is not there, and not in the secrets group prod", id="nowhere"),
        pytest.param([a_secret("prod-store", GROUPS, OTHER="eA==")], "has no KEY, which a stage names", id="no-key"),
        pytest.param([a_secret("prod-store", GROUPS, KEY="eA==")], None, id="in-the-group"),
        pytest.param([a_secret("store", "lab", KEY="eA==")], None, id="in-the-namespace"),
    ],
)
def test_a_groups_secrets_are_looked_for_where_a_run_copies_them_from(there: list[dict[str, Any]], reason: str | None) -> None:
    exit_code, told = ran(a_plan_with_a_group(), PaperServer(there=tuple(there)))
    assert exit_code == (1 if reason else 0)
    assert [each.reason for each in told if isinstance(each, ObjectChecked) and each.kind == "Secret"] == ([reason] if reason else [])


def test_a_group_that_may_not_be_read_is_told_and_refuses_nothing() -> None:
    exit_code, told = ran(a_plan_with_a_group(), PaperServer(closed=(GROUPS,)))
    assert exit_code == 0
    assert ["secrets group prod may not be read" in each.message for each in told if isinstance(each, Notice)] == [True]


def test_a_clients_dry_run_asks_no_server_and_needs_no_context() -> None:
    asked: list[tuple[str, ...]] = []

    def kubectl(argv: tuple[str, ...], _stdin: str | None, _seconds: float) -> Result:
        asked.append(argv[1:3])
        return Result(argv=argv, err="error: current-context must exist in order to minify", exit_code=1)

    told: list[Event] = []
    exit_code = dry_run(a_plan(TRAIN, SERVE), Kubectl(execute=kubectl), told.append, by="client", stand_in=None)

    assert exit_code == 0
    assert asked == [("config", "view")]
    assert checked(told) == {"Job train": "applied", "Deployment serve": "applied"}
    assert isinstance(told[-1], DryRunEnded)
