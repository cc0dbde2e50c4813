"""What the controller's account may do: a whole pipeline in its namespace, and nothing elsewhere. The rendered rights are what is tried."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from clusters import Cluster, Done
from hand_made import PIPELINE, Manifest, Run, a_batch, a_service, from_secret, run_of, stream

pytestmark = pytest.mark.cluster
GROUPS = "bodywork-deployment-jobs"
CONTROLLER = "bodywork-workflow-controller"


@dataclass(frozen=True)
class Account:
    """The controller's account, under a name of this test's own: other tests may give the real one more."""

    name: str
    cluster: Cluster  # as it is seen with the account's token

    @property
    def subject(self) -> str:
        return f"system:serviceaccount:{GROUPS}:{self.name}"


@pytest.fixture
def account(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Account]:
    """With exactly the rights that `configure-cluster --namespace NS` prints."""
    own = f"controller-{secrets.token_hex(3)}"
    printed = cluster.bodywork("configure-cluster", "--namespace", namespace, "--dry-run=client", "-o", "yaml", cwd=tmp_path).stdout
    printed = printed.replace(CONTROLLER, own).replace("bodywork-secrets-groups", f"groups-{own}")
    cluster.kubectl("apply", "-f", "-", stdin=printed)
    yield Account(own, Cluster(kubeconfig_of(cluster, own, tmp_path / "kubeconfig")))
    named = [f"serviceaccount/{own}", f"role/groups-{own}", f"rolebinding/groups-{own}"]
    cluster.kubectl("delete", "-n", GROUPS, *named)


def kubeconfig_of(cluster: Cluster, account: str, file: Path, namespace: str = GROUPS) -> Path:
    """Whose only credential is the account's token."""
    known = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "yaml"))
    token = cluster.kubectl("create", "token", account, "-n", namespace).strip()
    known["users"] = [{"name": account, "user": {"token": token}}]
    known["contexts"][0]["context"]["user"] = account
    file.write_text(yaml.safe_dump(known))
    return file


@pytest.fixture
def group(cluster: Cluster, account: Account) -> Iterator[str]:
    name = f"team-{secrets.token_hex(3)}"
    yield name
    cluster.kubectl("delete", "secrets", "-n", GROUPS, "-l", f"group={name}")


def pipeline(group: str, *stages: Manifest) -> list[Manifest]:
    labels = {"bodywork/pipeline": PIPELINE, "bodywork/step": "0"}
    facts = {"dag": "train >> serve", "secrets-group": group, "git-url": "https://git.example.org/tiny.git"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"bodywork-{PIPELINE}", "labels": labels}, "data": facts}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": f"bodywork-{PIPELINE}", "labels": labels}}
    return [config_map, account, *stages]


def an_ingress(stage: str, step: int) -> Manifest:
    labels = {"bodywork/pipeline": PIPELINE, "bodywork/stage": stage, "bodywork/step": str(step)}
    path = {"path": f"/{stage}", "pathType": "Prefix", "backend": {"service": {"name": stage, "port": {"number": 5000}}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": stage, "labels": labels},
        "spec": {"ingressClassName": "nginx", "rules": [{"http": {"paths": [path]}}]},
    }


@dataclass(frozen=True)
class Lab:
    """The account at work in its namespace."""

    account: Account
    namespace: str

    def apply(self, *manifests: Manifest, options: tuple[str, ...] = ()) -> Run:
        words = ("-", "-o", "json", "--namespace", self.namespace, *options)
        done = self.account.cluster.bodywork("apply", *words, cwd=Path("/"), stdin=stream(*manifests))
        return run_of(done.returncode, done.stdout, done.stderr)

    def bodywork(self, verb: str, *argv: str) -> Done:
        where = ("--pipeline", PIPELINE, "--namespace", self.namespace, "--kubeconfig", str(self.account.cluster.kubeconfig))
        return self.account.cluster.bodywork(verb, *argv, *where, cwd=Path("/"))


def complaints(run: Run) -> list[str]:
    """What it could not do or see; that it takes over is no complaint."""
    told = [each["message"] for each in run.of("notice") if each["level"] in {"WARNING", "ERROR"} or "forbidden" in each["message"]]
    return [each for each in told if not each.startswith("taking over")]


def a_strangers_service(name: str) -> list[Manifest]:
    """One that stands under our name with a selector of its own, as the ancestor's do."""
    deployment, service = a_service(name, 2)
    for labels in (deployment["metadata"], deployment["spec"]["template"]["metadata"], service["metadata"]):
        labels["labels"] = {"app": name}
    deployment["spec"]["selector"]["matchLabels"] = service["spec"]["selector"] = {"app": name}
    return [deployment, service]


def put_secret(cluster: Cluster, verb: str, group: str, value: str) -> None:
    done = bodywork(cluster, verb, "secret", "store", "--group", group, "--data", f"KEY={value}")
    assert done.returncode == 0, done.stderr


def test_a_whole_pipeline_runs_under_the_controllers_account(cluster: Cluster, namespace: str, account: Account, group: str) -> None:
    lab = Lab(account, namespace)
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=stream(*a_strangers_service("serve")))
    put_secret(cluster, "create", group, "first")
    train = a_batch("train", 1, "import os; print(len(os.environ['KEY']))", env=[from_secret("KEY", "store", "KEY")])
    serve = [*a_service("serve", 2), an_ingress("serve", 2)]

    first = lab.apply(*pipeline(group, train, *serve, *a_service("former", 2)), options=("--adopt",))
    assert (first.exit_code, complaints(first)) == (0, []), first.err
    assert first.log("train") == ["5"]
    assert len(cluster.get("replicasets", "-n", namespace)["items"]) == 2, "what the stranger left behind is gone"

    put_secret(cluster, "update", group, "second")
    failed = lab.apply(*pipeline(group, train, *a_service("serve", 2, image="NO/SUCH"), an_ingress("serve", 2)))
    assert (failed.exit_code, complaints(failed)) == (4, []), failed.err
    assert failed.log("train") == ["6"]
    assert failed.one("rolled_back")["complete"]

    again = lab.apply(*pipeline(group, a_batch("train", 1), *serve))
    assert (again.exit_code, complaints(again)) == (0, []), again.err
    left = cluster.get("deployments,services,secrets", "-n", namespace)["items"]
    assert {(each["kind"], each["metadata"]["name"]) for each in left} == {("Deployment", "serve"), ("Service", "serve")}, "pruned"

    status = lab.bodywork("status", "-o", "json")
    assert [stage["state"] for stage in json.loads(status.stdout)["stages"]] == ["succeeded", "available"], status.stderr
    assert lab.bodywork("logs", "train").stdout.split()[-1] == "done"
    history = lab.bodywork("history", "-o", "json")
    assert [each["result"] for each in json.loads(history.stdout)["runs"]] == ["succeeded", "failed", "succeeded"], history.stderr
    deleted = lab.bodywork("delete", "--yes")
    assert (deleted.returncode, deleted.stderr.count("\n")) == (0, 1), deleted.stderr
    left = cluster.get("deployments,jobs,services,ingresses,configmaps,secrets,leases", "-n", namespace)["items"]
    assert [each["metadata"]["name"] for each in left if "bodywork/pipeline" in each["metadata"].get("labels", {})] == []


LACKING = {"batch": ("jobs", ["get", "list", "create", "patch", "delete"]), "": ("pods", ["get", "list", "watch"])}


def test_who_lacks_a_right_is_told_all_of_it_before_anything_and_the_rules_said_are_enough(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """Seen: `list` without `watch`, and a run that was silent for ever after a Job of 4 s."""
    here = ("-n", namespace)
    cluster.kubectl("create", "serviceaccount", "runner", *here)
    rules = [{"apiGroups": [group], "resources": [resource], "verbs": verbs} for group, (resource, verbs) in LACKING.items()]
    put_role(cluster, namespace, "some", rules)
    runner = Lab(Account("runner", Cluster(kubeconfig_of(cluster, "runner", tmp_path / "kubeconfig", namespace))), namespace)

    refused = runner.apply(a_batch("train", 1))
    assert refused.exit_code == 1, refused.err
    asked = runner.apply(a_batch("train", 1), options=("--dry-run=server",))
    assert (asked.exit_code, asked.err) == (1, refused.err), "a dry run says the same"
    assert f"system:serviceaccount:{namespace}:runner lacks" in refused.err
    assert "watch jobs.batch" in refused.err
    assert "create leases.coordination.k8s.io" in refused.err
    assert f"--clusterrole=edit --serviceaccount={namespace}:runner" in refused.err
    assert cluster.get("jobs,leases,configmaps", *here, "-l", "bodywork/pipeline")["items"] == []

    put_role(
        cluster, namespace, "rest", yaml.safe_load("\n".join(line for line in refused.err.splitlines() if line.strip().startswith("- {")))
    )
    asked = runner.apply(a_batch("train", 1), options=("--dry-run=server",))
    assert asked.exit_code == 0, asked.err
    done = runner.apply(a_batch("train", 1))
    assert done.exit_code == 0, done.err
    assert [each for each in complaints(done) if each.startswith("you may not")] == [
        "you may not get pods/log: no log of a stage is shown",
        "you may not create configmaps, patch configmaps: this run is not in the history",
    ]


def put_role(cluster: Cluster, namespace: str, name: str, rules: object) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(role))
    cluster.kubectl("create", "rolebinding", name, "-n", namespace, f"--role={name}", f"--serviceaccount={namespace}:runner")


def test_the_account_may_do_no_more(cluster: Cluster, namespace: str, account: Account) -> None:
    own, everywhere = f"--namespace={namespace}", "--namespace=default"
    groups = f"--namespace={GROUPS}"
    may = [
        "create jobs.batch " + own,
        "patch deployments.apps " + own,
        "get pods --subresource=log " + own,
        "watch events " + own,
        "patch leases.coordination.k8s.io " + own,
        "delete ingresses.networking.k8s.io " + own,
        f"get namespaces/{namespace} {own}",  # the API server takes a namespace for one of the objects in it
        "get secrets/prod-aws " + groups,
    ]
    may_not = [
        "get secrets " + everywhere,
        "get secrets --namespace=kube-system",
        "list secrets " + groups,
        "create secrets " + groups,
        "delete secrets " + groups,
        "create jobs.batch " + groups,
        "get pods " + everywhere,
        "get pods --subresource=log --namespace=kube-system",
        "create jobs.batch " + everywhere,
        "create pods " + own,
        "create pods --subresource=exec " + own,
        "create serviceaccounts --subresource=token " + own,
        "create roles.rbac.authorization.k8s.io " + own,
        "bind roles.rbac.authorization.k8s.io " + own,
        "create rolebindings.rbac.authorization.k8s.io " + own,
        "get clusterroles.rbac.authorization.k8s.io",
        "create clusterrolebindings.rbac.authorization.k8s.io",
        "list nodes",
        "list namespaces",
        "create namespaces",
        f"delete namespaces/{namespace} {own}",
        "get namespaces/default " + everywhere,
        "impersonate serviceaccounts " + groups,
    ]
    cluster.kubectl("get", "namespace", namespace, f"--as={account.subject}")
    allowed = [row for row in [*may, *may_not] if can_i(cluster, account.subject, row)]
    assert allowed == may


def test_the_account_of_a_stages_pod_may_read_nothing(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "serviceaccount", f"bodywork-{PIPELINE}", "-n", namespace)
    subject = f"system:serviceaccount:{namespace}:bodywork-{PIPELINE}"
    rows = [f"{verb} {kind} --namespace={namespace}" for verb in ("get", "list") for kind in ("secrets", "configmaps", "pods")]
    assert [row for row in rows if can_i(cluster, subject, row)] == []


def can_i(cluster: Cluster, subject: str, row: str) -> bool:
    argv = ["kubectl", "--kubeconfig", str(cluster.kubeconfig), "auth", "can-i", f"--as={subject}", *row.split()]
    return cluster.run(*argv).stdout.strip() == "yes"


def bodywork(cluster: Cluster, *argv: str) -> Done:
    return cluster.bodywork(argv[0], *argv[1:], "--kubeconfig", str(cluster.kubeconfig), cwd=Path("/"))


def test_configure_cluster_says_what_it_makes_and_what_is_there(cluster: Cluster, namespace: str) -> None:
    made = bodywork(cluster, "configure-cluster", "--namespace", namespace)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-3:] == [
        f"namespace={namespace} already exists.",
        f"Creating role={CONTROLLER} in namespace={namespace}.",
        f"Creating role-binding={CONTROLLER}--{GROUPS} in namespace={namespace}.",
    ]
    again = bodywork(cluster, "configure-cluster", "--namespace", namespace)
    assert (again.returncode, [line for line in again.stdout.splitlines() if "already exists" not in line]) == (0, [])

    cluster.kubectl("patch", "role", CONTROLLER, "-n", namespace, "--type=json", "-p", '[{"op": "remove", "path": "/rules/0"}]')
    mended = bodywork(cluster, "configure-cluster", "--namespace", namespace)
    assert f"Updating role={CONTROLLER} in namespace={namespace}." in mended.stdout


def test_setup_namespace_prints_what_the_guide_shows_over_what_was_left_over(cluster: Cluster) -> None:
    namespace = f"ml-pipeline-{secrets.token_hex(3)}"
    binding = f"{CONTROLLER}--{namespace}"
    lines = [
        f"namespace={namespace}",
        f"service-account={CONTROLLER} in namespace={namespace}",
        f"cluster-role-binding={binding}",
        f"service-account=bodywork-jobs-and-deployments in namespace={namespace}",
    ]
    try:
        first = bodywork(cluster, "setup-namespace", namespace)
        assert (first.returncode, first.stdout.splitlines()) == (0, [f"creating {line}" for line in lines]), first.stderr
        subject = f"system:serviceaccount:{namespace}:{CONTROLLER}"
        assert can_i(cluster, subject, "list namespaces")
        assert can_i(cluster, subject, f"create jobs.batch --namespace={namespace}")
        assert not can_i(cluster, subject, "get secrets --namespace=default")

        # a binding outlives its namespace; the ancestor's led to another role
        cluster.kubectl("delete", "clusterrolebinding", binding)
        cluster.kubectl("create", "clusterrolebinding", binding, "--clusterrole=view", f"--serviceaccount={namespace}:{CONTROLLER}")
        again = bodywork(cluster, "setup-namespace", namespace)
        assert (again.returncode, again.stdout.splitlines()[2]) == (0, f"updating cluster-role-binding={binding}"), again.stderr
        assert cluster.get("clusterrolebinding", binding)["roleRef"]["name"] == "bodywork-namespaces"

        third = bodywork(cluster, "setup-namespace", namespace)
        assert [line for line in third.stdout.splitlines() if "already exists" not in line] == []
    finally:
        cluster.kubectl("delete", "clusterrolebinding", binding, "--ignore-not-found")
        cluster.delete_namespace(namespace)
