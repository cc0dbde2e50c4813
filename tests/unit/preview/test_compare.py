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
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner.tracking import Home

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


OUTLINES = '--output=jsonpath={range .items[*]}{.apiVersion}{"\\t"}{.kind}{"\\t"}{.metadata}{"\\n"}{end}'
NAMES = "get Ingress.v1.networking.k8s.io,Service.v1.,Deployment.v1.apps,Job.v1.batch,ConfigMap.v1.,ServiceAccount.v1."
LEASE = "get lease"


def made(manifest: dict[str, Any]) -> dict[str, Any]:
    """As a run in namespace lab has made it."""
    metadata = manifest["metadata"]
    mark = Home("iris", "lab").mark(manifest["apiVersion"], manifest["kind"], None, metadata["name"])
    labels = {"bodywork/pipeline": "iris", **(metadata.get("labels") or {})}
    return {
        **manifest,
        "metadata": {**metadata, "labels": labels, "annotations": {**metadata.get("annotations", {}), "bodywork/tracking-id": mark}},
    }


def lines(*objects: dict[str, Any]) -> str:
    return "".join(f"{each['apiVersion']}\t{each['kind']}\t{json.dumps(each['metadata'])}\n" for each in objects)


def test_few_questions_and_only_questions() -> None:
    answers = Answers(
        {"get namespace": good("namespace/lab"), "get --ignore": good(made(JOB)), LEASE: good(), NAMES: good(lines(made(JOB)))}
    )
    found = compare(a_plan(JOB), kubectl(answers))

    assert answers.ran == [
        "get namespace/lab --ignore-not-found --output=name",
        "get --ignore-not-found --output=json -f -",
        f"{NAMES} --selector=bodywork/pipeline=iris {OUTLINES}",
        "get lease/bodywork-iris --ignore-not-found --output=json",
        "apply --dry-run=server -f - --output=json",
    ]
    assert json.loads(answers.stdins[4])["metadata"]["name"].startswith("train-")
    assert found.is_same


def test_a_namespace_that_is_not_there_ends_the_questions() -> None:
    answers = Answers({"get namespace": good()})
    found = compare(a_plan(JOB), kubectl(answers))

    assert len(answers.ran) == 1
    assert (found.has_namespace, [each.action for each in found.changes]) == (False, ["new"])


def test_who_may_not_read_namespaces_or_all_kinds_sees_the_rest() -> None:
    forbidden = bad("Error from server (Forbidden): not for you")
    answers = Answers({"get namespace": forbidden, "get --ignore": good(), LEASE: forbidden, NAMES: forbidden})
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
            NAMES: good(),
            LEASE: good(),
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
    answers = Answers({"get namespace": good("namespace/lab"), "get --ignore": good(), NAMES: good(), LEASE: good()})
    assert [each.name for each in compare(a_plan(JOB, failure), kubectl(answers)).changes] == ["train"]


def test_what_is_left_is_removed_where_a_run_would_remove_it() -> None:
    here, there = "https://git.example.com/iris", "https://git.example.com/rose"

    def an(kind: str, name: str, url: str, api_version: str = "v1", **metadata: Any) -> dict[str, Any]:
        labels = {"bodywork/pipeline": "iris", "bodywork/step": "1"}
        more = {"labels": labels, "annotations": {"bodywork/git-url": url}, **metadata}
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **more}}

    owner = {"ownerReferences": [{"name": "scheduled"}]}
    stand = lines(
        made(an("Deployment", "gone", here, "apps/v1")),
        made(an("Service", "gone", here)),
        an("Service", "not-by-a-run", here),
        made(an("Job", "made-by-another", here, "batch/v1", **owner)),
        made(an("Service", "made-by-another", here, **owner)),
        made(an("ConfigMap", "scripts-1", here)),
        an("ConfigMap", "own", here, labels={"bodywork/pipeline": "iris"}),
    )
    added = made(an("DaemonSet", "agent", here, "apps/v1", labels={}))
    ours = {**JOB, "metadata": {**JOB["metadata"], "annotations": {"bodywork/git-url": here}}}
    lease = {"metadata": {"annotations": {"bodywork/places": '{"places": [["apps/v1", "DaemonSet", null], ["x"], 3]}'}}}
    answers = Answers(
        {
            "get namespace": good("namespace/lab"),
            "get --ignore": good(),
            NAMES: good(stand),
            LEASE: good(lease),
            "get DaemonSet.v1.apps": good(lines(added)),
        }
    )
    assert [(each.kind, each.name, each.is_removed) for each in compare(a_plan(ours), kubectl(answers)).left] == [
        ("Deployment", "gone", True),
        ("Service", "gone", True),
        ("Service", "not-by-a-run", False),
        ("Job", "made-by-another", False),
        ("Service", "made-by-another", False),
        ("ConfigMap", "scripts-1", False),
        ("DaemonSet", "agent", True),
    ]
    of_another = Answers({**answers.by_words, NAMES: good(lines(made(an("Deployment", "theirs", there, "apps/v1"))))})
    with pytest.raises(BodyworkError, match=r"belongs to another repository: https://git.example.com/rose \(Deployment theirs\)"):
        compare(a_plan(ours), kubectl(of_another))


def test_what_is_somebody_elses_is_refused_all_at_once_unless_it_is_adopted() -> None:
    shared = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}}
    helms = {**JOB, "metadata": {"name": "train", "annotations": {"meta.helm.sh/release-name": "shop"}}}
    stand = good({"kind": "List", "items": [helms, shared]})
    answers = Answers({"get namespace": good("namespace/lab"), "get --ignore": stand, NAMES: good(), LEASE: good()})
    with pytest.raises(BodyworkError) as refused:
        compare(a_plan(JOB, shared), kubectl(answers))
    found = "ConfigMap shared (Bodywork did not make it); Job train (it is Helm release shop's)"
    assert refused.value.message == f"not this pipeline's to change, in namespace lab: {found}"
    assert "--adopt configmap/shared --adopt job/train (or --adopt all)" in str(refused.value.hint)
    both = RunOptions(adopt=("job/train", "configmap/shared"))
    assert {each.name for each in compare(a_plan(JOB, shared), kubectl(answers), options=both).changes} == {"shared", "train"}
    with pytest.raises(BodyworkError, match=r"in namespace lab: ConfigMap shared \(Bodywork did not make it\)$"):
        compare(a_plan(JOB, shared), kubectl(answers), options=RunOptions(adopt=("job/train",)))


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
        {"get namespace": good("namespace/lab"), "get --ignore": good(), NAMES: good(), LEASE: good()},
        secrets={"bodywork-deployment-jobs": groups, "lab": stand},
    )
    found = compare(a_plan(facts, {**JOB, "spec": {"template": pod}}), kubectl(answers))

    assert [(each.name, each.action) for each in found.changes if each.kind == "Secret"] == [("store", "new"), ("token", "changed")]
    for value in ("aHVudGVyMg", "b2xk", "b3du"):
        assert value not in str(found)


def facts(commit: str, tree: str) -> dict[str, Any]:
    data = {"dag": "train", "git-commit": commit, "git-tree": tree, "plan-digest": f"of {commit}"}
    own = {"bodywork/pipeline": "iris", "bodywork/role": "pipeline", "bodywork/step": "0"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bodywork-iris", "labels": own}, "data": data}


def job_of(commit: str, args: str = "main.py") -> dict[str, Any]:
    env = [{"name": "BODYWORK_GIT_COMMIT", "value": commit}, {"name": "GIT_COMMIT_HASH", "value": commit[:7]}]
    spec = {"template": {"spec": {"containers": [{"name": "stage", "args": [args], "env": env}]}}}
    metadata = {**JOB["metadata"], "annotations": {"bodywork/git-commit": commit}}  # type: ignore[dict-item]
    return {**JOB, "metadata": metadata, "spec": spec}


OLD, NEW = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("tree", "args", "known", "actions", "same"),
    [
        ("1", "main.py", [OLD, NEW], ["same", "same"], OLD),
        ("1", "other.py", [OLD, NEW], ["same", "replaced"], OLD),
        ("2", "main.py", [OLD, NEW], ["changed", "replaced"], None),
        ("1", "main.py", [], ["changed", "replaced"], None),
    ],
    ids=["another commit with the same files", "and another change", "other files", "only the texts say that they are the same"],
)
def test_another_commit_with_the_same_files_is_no_change(
    tree: str, args: str, known: list[str], actions: list[str], same: str | None
) -> None:
    live = [made(facts(OLD, "1")), made(job_of(OLD))]
    ours = [facts(NEW, tree), job_of(NEW, args)]
    answers = Answers(
        {"get namespace/lab": good("namespace/lab"), "get --ignore": good({"kind": "List", "items": live}), NAMES: good(), LEASE: good()}
        | {"replace": good(made(job_of(NEW, args))), "create": good(made(job_of(NEW, args)))}
    )
    found = compare(a_plan(*ours), kubectl(answers), have_same_files=lambda one, other, folder: [one, other, folder] == [*known, ""])
    assert [each.action for each in found.changes] == actions
    assert found.same_files_as == same


def test_who_may_not_ask_the_server_sees_what_the_manifests_name_and_which_rights_lack() -> None:
    live = made({**JOB, "spec": {"backoffLimit": 0, "completions": 1}})
    no = 'Error from server (Forbidden): jobs.batch is forbidden: User "eve" cannot create resource "jobs" in API group "batch" in the namespace "lab"'
    answers = Answers(
        {"get namespace/lab": good("namespace/lab"), "get --ignore": good(live), NAMES: good(), LEASE: good(), "apply": bad(no)}
    )
    same = compare(a_plan(JOB), kubectl(answers))
    assert ([each.action for each in same.changes], same.lacking) == (["same"], ("create jobs.batch",))
    (changed,) = compare(a_plan({**JOB, "spec": {"backoffLimit": 3}}), kubectl(answers)).changes
    assert [line for line in changed.diff if line[:1] in "+-"][2:] == ["-  backoffLimit: 0", "+  backoffLimit: 3"]


def test_what_may_not_be_read_is_named_but_for_the_lock() -> None:
    def no(*resources: tuple[str, str]) -> Result:
        rights = "\n".join(
            f'{each} "x" is forbidden: User "eve" cannot get resource "{each}" in API group "{group}"' for each, group in resources
        )
        return bad(f"Error from server (Forbidden): {rights}")

    lock, secret = ("leases", "coordination.k8s.io"), ("secrets", "")
    answers = Answers({"get namespace/lab": good("namespace/lab"), "get --ignore": no(lock, secret), NAMES: good(), LEASE: good()})
    with pytest.raises(BodyworkError, match="you may not get secrets in namespace lab"):
        compare(a_plan(JOB, SECRET), kubectl(answers))
