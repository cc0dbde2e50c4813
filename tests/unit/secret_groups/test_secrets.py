"""Names, labels and kubectl's calls: secrets of the ancestor are found, values are on standard input alone."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, KubectlFailed, Result
from bodywork_compiler.manifests.kube_yaml import values
from bodywork_compiler.secret_groups import in_cluster
from bodywork_compiler.secret_groups.in_cluster import Place, find, objects_in, stored
from bodywork_compiler.secret_groups.sources import Change

GROUPS = "bodywork-deployment-jobs"
PROD = Place(group="prod")
NOT_FOUND = f'Error from server (NotFound): error when creating "STDIN": namespaces "{GROUPS}" not found'
EXISTS = 'Error from server (AlreadyExists): error when creating "STDIN": secrets "prod-aws" already exists'


def an_object(name: str, group: str | None = None, *, namespace: str = GROUPS, type_: str = "Opaque", **data: str) -> dict[str, Any]:
    labels = {"labels": {"group": group}} if group else {}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "7", **labels},
        "type": type_,
        "data": encoded,
    }


@dataclass
class PaperApi:
    """An API server that has these secrets, in whatever namespace."""

    objects: list[dict[str, Any]]

    def elsewhere(self, _namespace: str) -> PaperApi:
        return self

    def find(self, _kind: str, name: str) -> dict[str, Any] | None:
        return next((each for each in self.objects if each["metadata"]["name"] == name), None)

    def list(self, _kind: str, _query: object) -> tuple[list[dict[str, Any]], str]:
        return self.objects, "1"


@dataclass
class PaperKubectl:
    """Writes down what it is told, and answers with the errors that it was given, one a call; then all is well."""

    errors: list[str] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    stdins: list[str] = field(default_factory=list)

    def execute(self, argv: tuple[str, ...], stdin: str | None, _seconds: float) -> Result:
        self.calls.append(tuple(word for word in argv[1:] if not word.startswith("--request-timeout")))
        self.stdins.append(stdin or "")
        error = self.errors.pop(0) if self.errors else ""
        return Result(argv=argv, err=error, exit_code=1 if error else 0)

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(execute=self.execute)

    def sent(self, number: int = -1) -> dict[str, Any]:
        items: list[dict[str, Any]] = json.loads(self.stdins[number])["items"]
        return items[0]


STORED = [
    an_object("prod-aws", "prod", KEY="v"),
    an_object("prod-eu-aws", "prod-eu", KEY="v"),
    an_object("my-team-aws", "my_team", KEY="v"),
    an_object("prod-hand-made", KEY="v"),
    an_object("default-token-x", type_="kubernetes.io/service-account-token"),
]


@pytest.mark.parametrize(
    ("place", "secret", "found"),
    [
        pytest.param(PROD, "aws", "prod-aws", id="the ancestor's"),
        pytest.param(PROD, "hand-made", "prod-hand-made", id="without a label"),
        pytest.param(PROD, "eu-aws", None, id="another group's, of the same name"),
        pytest.param(Place(group="prod-eu"), "aws", "prod-eu-aws", id="that group's"),
        pytest.param(Place(group="my_team"), "aws", "my-team-aws", id="a group's name that the ancestor cleaned"),
        pytest.param(PROD, "nothing", None, id="none"),
    ],
)
def test_a_secret_is_found_by_group_and_name(place: Place, secret: str, found: str | None) -> None:
    assert ((find(PaperApi(STORED), place, secret) or {}).get("metadata") or {}).get("name") == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (PROD, ["prod-aws", "prod-hand-made"]),
        (Place(group="prod-eu"), ["prod-eu-aws"]),
        (Place(), ["my-team-aws", "prod-aws", "prod-eu-aws", "prod-hand-made"]),
        (Place(group="other"), []),
    ],
)
def test_a_group_has_its_own_secrets_and_no_tokens_of_accounts(place: Place, found: list[str]) -> None:
    assert [each["metadata"]["name"] for each in objects_in(PaperApi(STORED), place)] == found  # type: ignore[arg-type]


def test_a_secret_is_shown_as_stages_call_it() -> None:
    assert [(each.name, each.group) for each in map(stored, STORED[:4])] == [
        ("aws", "prod"),
        ("aws", "prod-eu"),
        ("aws", "my_team"),
        ("prod-hand-made", None),
    ]
    assert stored(STORED[0]).data == {"KEY": b"v"}


def test_the_manifest_is_what_the_ancestor_made() -> None:
    (body,) = values(in_cluster.manifest(PROD, "my_aws", {"B": b"\x00", "A": b"1"}))
    assert body == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "prod-my-aws",
            "namespace": GROUPS,
            "labels": {"app.kubernetes.io/managed-by": "bodywork", "group": "prod"},
        },
        "type": "Opaque",
        "data": {"A": "MQ==", "B": "AA=="},
    }
    assert "group" not in values(in_cluster.manifest(Place(namespace="iris"), "aws", {}))[0]["metadata"]["labels"]


@pytest.mark.parametrize(
    ("place", "secret", "said"),
    [
        (
            Place(group="Prod_1"),
            "aws",
            "the group Prod_1 cannot be named in a config: lower-case letters, digits, `-` and `.`, for example prod-1",
        ),
        (Place(group=""), "", "its name may not be empty; the group may not be empty"),
        (PROD, "__", "its name __ has no letter and no digit"),
        (PROD, "x" * 250, "its name has, with its group, more than 253 characters"),
    ],
)
def test_names_that_cannot_be_are_refused_with_all_that_is_wrong(place: Place, secret: str, said: str) -> None:
    with pytest.raises(BodyworkError) as refused:
        in_cluster.check_name(place, secret)
    assert refused.value.message == f"secret {secret}: {said}"


def test_create_sends_values_on_standard_input_and_applies_nothing() -> None:
    paper = PaperKubectl()
    assert in_cluster.create(paper.kubectl, PROD, in_cluster.manifest(PROD, "aws", {"KEY": b"hunter2"}))
    assert paper.calls == [("create", "-f", "-", f"--namespace={GROUPS}")]
    assert paper.sent()["data"] == {"KEY": "aHVudGVyMg=="}


def test_create_makes_the_groups_namespace_when_it_is_not_there() -> None:
    paper = PaperKubectl([NOT_FOUND])
    assert in_cluster.create(paper.kubectl, PROD, in_cluster.manifest(PROD, "aws", {}))
    assert [call[:1] for call in paper.calls] == [("create",), ("create",), ("create",)]
    assert (paper.sent(1)["kind"], paper.sent(1)["metadata"]["name"]) == ("Namespace", GROUPS)


def test_who_may_not_make_the_groups_namespace_is_told_who_can() -> None:
    paper = PaperKubectl([NOT_FOUND, "Error from server (Forbidden): namespaces is forbidden"])
    with pytest.raises(KubectlFailed, match="namespaces is forbidden") as refused:
        in_cluster.create(paper.kubectl, PROD, in_cluster.manifest(PROD, "aws", {}))
    assert "bodywork configure-cluster" in (refused.value.hint or "")


def test_create_makes_no_other_namespace() -> None:
    paper = PaperKubectl([NOT_FOUND])
    with pytest.raises(BodyworkError, match="Could not find namespace=iris") as refused:
        in_cluster.create(paper.kubectl, Place(namespace="iris"), in_cluster.manifest(Place(namespace="iris"), "aws", {}))
    assert refused.value.hint == "bodywork setup-namespace iris"


def test_create_overwrites_nothing_and_hides_no_refusal() -> None:
    text = in_cluster.manifest(PROD, "aws", {})
    assert not in_cluster.create(PaperKubectl([EXISTS]).kubectl, PROD, text)
    with pytest.raises(KubectlFailed, match="is forbidden"):
        in_cluster.create(PaperKubectl(["Error from server (Forbidden): secrets is forbidden"]).kubectl, PROD, text)


def test_update_merges_and_keeps_what_is_not_its_own() -> None:
    there = an_object("prod-aws", A="1", B="2")
    there["metadata"] |= {
        "uid": "u",
        "managedFields": [],
        "labels": {"team": "x"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "mine"},
    }
    body = in_cluster.changed(there, PROD, Change(values={"B": b"3", "C": b"4"}, removed=("A",)))
    assert body["data"] == {"B": "Mw==", "C": "NA=="}
    assert body["metadata"] == {
        "name": "prod-aws",
        "namespace": GROUPS,
        "resourceVersion": "7",
        "labels": {"team": "x", "group": "prod"},
        "annotations": {"note": "mine"},
    }


def test_keys_that_are_not_there_cannot_be_removed() -> None:
    with pytest.raises(BodyworkError, match=r"secret prod-aws has no X, Y to be removed; it has A\. Nothing was changed\."):
        in_cluster.changed(an_object("prod-aws", A="1"), PROD, Change(values={}, removed=("X", "Y")))


def test_a_change_by_somebody_else_meanwhile_is_not_overwritten() -> None:
    paper = PaperKubectl(["Error from server (Conflict): the object has been modified"])
    with pytest.raises(BodyworkError, match="was changed by somebody else meanwhile"):
        in_cluster.replace(paper.kubectl, PROD, an_object("prod-aws", A="1"))
    assert paper.sent()["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize("dry_run", ["client", "server", None])
def test_a_dry_run_is_one_at_kubectl_too(dry_run: Any) -> None:
    paper = PaperKubectl()
    in_cluster.delete(paper.kubectl, PROD, ["prod-a", "prod-b"], dry_run=dry_run)
    words = [f"--dry-run={dry_run}"] if dry_run else []
    assert paper.calls == [("delete", "secret/prod-a", "secret/prod-b", "--ignore-not-found", *words, f"--namespace={GROUPS}")]
