"""What is told, and what is left, when a deployment fails: bodywork, Helm 4 and plain kubectl on the same objects, on a cluster.

    HELM=<a Helm 4> BODYWORK_TEST_KUBECONFIG=<a throw-away cluster's> python bench/failures.py [--only CASE] [-o table.md]

Each tool brings a good first version into a namespace of its own, then a second one that fails. Told is the exit code, how long it took, the last
words; and what is found afterwards: which version each service answers with, which objects are not as they were before, what still starts pods.

The tools: `bodywork apply --rollback all`; `helm upgrade --install --wait --wait-for-jobs --rollback-on-failure`, with Jobs as hooks before the
services, since Helm knows no steps; `kubectl apply` for each step, then `kubectl wait` or `kubectl rollout status`, to the first that fails. Time limits are
short, so that the whole table takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]

IMAGE = "python:3.11"
PIPELINE = "shop"
LIMIT_SECONDS = 30
KINDS = "deployments,services,configmaps,jobs,poddisruptionbudgets,cronjobs"
OTHERS = ("kube-root-ca.crt", "bodywork-")  # objects that are no part of what is deployed: the cluster's, a record of runs
SERVER = """\
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["VERSION"].encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Answer).serve_forever()
"""
CRASHES_LATER = "import os, threading\nthreading.Timer(4, lambda: os._exit(1)).start()\n" + SERVER
EATS = "x = []\nwhile True: x.append(bytearray(10_000_000))"
SLEEPS = "import time; time.sleep(600)"


def labels(stage: str, step: int) -> Manifest:
    return {"bodywork/pipeline": PIPELINE, "bodywork/stage": stage, "bodywork/step": str(step)}


def pod(stage: str, code: str, restart: str, container: Manifest) -> Manifest:
    main = {
        "name": "stage",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", "-c", code],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        **container,
    }
    spec = {
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [main],
    }
    return {"metadata": {"labels": {"bodywork/pipeline": PIPELINE, "bodywork/stage": stage}}, "spec": spec}


def batch(stage: str, step: int = 1, code: str = "print('trained')", *, retries: int = 0, seconds: int = 300, **container: Any) -> Manifest:
    spec = {"backoffLimit": retries, "activeDeadlineSeconds": seconds, "template": pod(stage, code, "Never", container)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": stage, "labels": labels(stage, step)}, "spec": spec}


def service(version: str, stage: str = "serve", step: int = 2, code: str = SERVER, *, port: int = 8000, **container: Any) -> list[Manifest]:
    """A Deployment and its Service. It answers every request with its version; `env` adds to its variables."""
    variables = [{"name": "VERSION", "value": version}, {"name": "PORT", "value": str(port)}, *container.pop("env", ())]
    main = {"env": variables, "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1}, **container}
    selector = {"bodywork/pipeline": PIPELINE, "bodywork/stage": stage}
    deployment = {
        "replicas": 1,
        "progressDeadlineSeconds": 15,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": selector},
        "template": pod(stage, code, "Always", main),
    }
    address = {"selector": selector, "ports": [{"port": 5000, "targetPort": port, "protocol": "TCP"}]}
    metadata = {"name": stage, "labels": labels(stage, step)}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": address},
    ]


def settings(value: str, step: int = 2) -> Manifest:
    metadata = {"name": "settings", "labels": {"bodywork/pipeline": PIPELINE, "bodywork/step": str(step)}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"VALUE": value}}


def budget(minimum: int) -> Manifest:
    metadata = {"name": "serve", "labels": {"bodywork/pipeline": PIPELINE, "bodywork/step": "2"}}
    spec = {"minAvailable": minimum, "selector": {"matchLabels": {"bodywork/pipeline": PIPELINE}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}


def changed(manifests: list[Manifest], change: Callable[[Manifest], None]) -> list[Manifest]:
    copy: list[Manifest] = json.loads(json.dumps(manifests))
    for each in copy:
        change(each)
    return copy


def other_selector(manifest: Manifest) -> None:
    if manifest["kind"] == "Deployment":
        manifest["spec"]["selector"]["matchLabels"]["also"] = "this"
        manifest["spec"]["template"]["metadata"]["labels"]["also"] = "this"


def word_for_replicas(manifest: Manifest) -> None:
    if manifest["kind"] == "Deployment":
        manifest["spec"]["replicas"] = "two"


def quota(**hard: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}}


def limit_range() -> Manifest:
    limits = [{"type": "Container", "max": {"memory": "64Mi"}, "default": {"memory": "64Mi"}}]
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": limits}}


def somebody_elses() -> list[Manifest]:
    """A Deployment and Service of another team, under the name of our second service."""
    found = service("theirs", "extra")
    for each in found:
        each["metadata"]["labels"] = {"team": "other"}
        if each["kind"] == "Deployment":
            each["spec"]["selector"]["matchLabels"] = each["spec"]["template"]["metadata"]["labels"] = {"team": "other"}
        else:
            each["spec"]["selector"] = {"team": "other"}
    return found


V1 = [batch("train"), *service("v1")]
V2 = [batch("train"), *service("v2")]
MISSING_SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "TOKEN"}}}
MISSING_MAP = {"name": "VALUE", "valueFrom": {"configMapKeyRef": {"name": "nowhere", "key": "VALUE"}}}


@dataclass(frozen=True, kw_only=True)
class Case:
    """`before` is what is deployed well, `around` what is done to the namespace then, `after` what fails. `then`: how the tool is run."""

    what: str
    after: list[Manifest]
    before: list[Manifest] = field(default_factory=lambda: V1)
    around: list[Manifest] = field(default_factory=list)
    then: str = "once"
    wanted: str = "v1"  # what `serve` answers afterwards, at best


CASES: dict[str, Case] = {
    "image-name": Case(what="a faulty image name", after=[batch("train"), *service("v2", image="Not//A:Name")]),
    "image-missing": Case(what="an image that is not there", after=[batch("train"), *service("v2", image="registry.invalid/nothing:1")]),
    "crash": Case(what="a service crashes at its start", after=[batch("train"), *service("v2", code="raise SystemExit('no model')")]),
    "crash-later": Case(what="a service crashes 4 s after it was ready", after=[batch("train"), *service("v2", code=CRASHES_LATER)]),
    "exits-0": Case(what="a service ends with exit code 0", after=[batch("train"), *service("v2", code="print('done')")]),
    "never-ready": Case(what="a service never listens", after=[batch("train"), *service("v2", code=SLEEPS)]),
    "memory": Case(
        what="a service needs more memory than its limit",
        after=[batch("train"), *service("v2", code=EATS, resources={"limits": {"memory": "64Mi", "cpu": "500m"}})],
    ),
    "secret": Case(what="a secret that is not there", after=[batch("train"), *service("v2", env=[MISSING_SECRET])]),
    "config-map": Case(what="a ConfigMap that is not there", after=[batch("train"), *service("v2", env=[MISSING_MAP])]),
    "quota": Case(what="a quota that is used up", after=V2, around=[quota(pods="1")]),
    "limit-range": Case(
        what="a LimitRange forbids the memory",
        after=[batch("train"), *service("v2", resources={"limits": {"memory": "1Gi"}})],
        around=[limit_range()],
    ),
    "pod-security": Case(
        what="Pod Security refuses the pod", after=[batch("train"), *service("v2", securityContext={"runAsUser": 0, "runAsNonRoot": False})]
    ),
    "immutable": Case(what="a field that cannot be changed", after=[batch("train"), *changed(service("v2"), other_selector)]),
    "invalid": Case(what="a field with a value of the wrong type", after=[batch("train"), *changed(service("v2"), word_for_replicas)]),
    "unschedulable": Case(what="no node has the CPUs", after=[batch("train"), *service("v2", resources={"requests": {"cpu": "100"}})]),
    "job-fails": Case(what="a Job fails, and its retry too", after=[batch("train", code="raise SystemExit(3)", retries=1), *service("v2")]),
    "job-too-long": Case(what="a Job takes longer than its limit", after=[batch("train", code=SLEEPS, seconds=8), *service("v2")]),
    "second-service": Case(
        what="the second service of a step fails",
        before=[*V1, *service("v1", "extra")],
        after=[*V2, *service("v2", "extra", code="raise SystemExit(1)")],
    ),
    "later-step": Case(
        what="step 3 fails after step 2 was changed",
        before=[*V1, *service("v1", "extra", 3)],
        after=[*V2, *service("v2", "extra", 3, code="raise SystemExit(1)")],
    ),
    "extras": Case(
        what="other objects changed and added, then a failure",
        before=[settings("v1"), *V1],
        after=[settings("v2"), budget(1), batch("train"), *service("v2", code="raise SystemExit(1)")],
    ),
    "port": Case(what="another port, and a failure", after=[batch("train"), *service("v2", port=9000, code="raise SystemExit(1)")]),
    "removed": Case(
        what="a service is removed, and another fails",
        before=[*V1, *service("v1", "extra")],
        after=[batch("train"), *service("v2", code="raise SystemExit(1)")],
    ),
    "foreign": Case(
        what="somebody else's Deployment under the name of ours", around=somebody_elses(), after=[*V2, *service("v2", "extra")]
    ),
    "unknown-kind": Case(
        what="a kind that the cluster does not know",
        after=[
            *V2,
            {
                "apiVersion": "shop.example.com/v1",
                "kind": "Basket",
                "metadata": {"name": "basket", "labels": {"bodywork/pipeline": PIPELINE, "bodywork/step": "3"}},
            },
        ],
    ),
    "first": Case(
        what="the first deployment of all crashes",
        before=[],
        after=[batch("train"), *service("v1", code="raise SystemExit(1)")],
        wanted="nothing",
    ),
    "interrupted": Case(what="Ctrl-C while a service starts", after=[batch("train"), *service("v2", code=SLEEPS)], then="interrupted"),
    "killed": Case(
        what="`kill -9` while a service starts, then run again",
        after=[batch("train"), *service("v2", code=f"import time; time.sleep(6)\n{SERVER}")],
        then="killed",
        wanted="v2",
    ),
    "killed-bad": Case(
        what="`kill -9` while a service starts that never will, then a good version", after=V2, then="killed-bad", wanted="v2"
    ),
    "two-at-once": Case(
        what="two runs at once",
        after=[batch("train"), *service("v2", code=f"import time; time.sleep(3)\n{SERVER}")],
        then="two-at-once",
        wanted="v2",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Result:
    exit_code: int
    seconds: float
    words: str
    answers: dict[str, str]
    differs: tuple[str, ...]  # objects that are not as they were, or were not there
    restless: tuple[str, ...]  # what still tries to start pods, or runs

    @property
    def state(self) -> str:
        said = [f"{name} answers {answer}" for name, answer in sorted(self.answers.items())] or ["nothing answers"]
        left = sorted({*self.differs, *self.restless})
        return "; ".join([*said, f"left: {', '.join(left)}" if left else "as before"])


class Cluster:
    def __init__(self, kubeconfig: str) -> None:
        self.kubeconfig = kubeconfig
        self.environment = {**os.environ, "KUBECONFIG": kubeconfig}

    def kubectl(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(["kubectl", *words], env=self.environment, input=stdin, text=True, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else ""

    def make_namespace(self, name: str) -> None:
        metadata = {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted", "bodywork-test": "true"}}
        self.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))

    def objects(self, namespace: str) -> dict[str, Manifest]:
        """Kind and name → what a person said of it."""
        found = json.loads(self.kubectl("get", KINDS, "-n", namespace, "-o", "json") or '{"items": []}')["items"]
        return {
            f"{each['kind']}/{each['metadata']['name']}": {key: each.get(key) for key in ("spec", "data")}
            for each in found
            if not each["metadata"]["name"].startswith(OTHERS)
        }

    def restless(self, namespace: str) -> tuple[str, ...]:
        """Pods that are not at rest: still starting, again and again, or running for a Job."""
        pods = json.loads(self.kubectl("get", "pods", "-n", namespace, "-o", "json") or '{"items": []}')["items"]
        return tuple(sorted({f"a pod of {_owner(each)} that {_state(each)}" for each in pods if _state(each)}))

    def answer(self, namespace: str, name: str) -> str:
        """What the service says, as its clients would hear it; asked for a few seconds, since endpoints follow pods."""
        path = f"/api/v1/namespaces/{namespace}/services/{name}:5000/proxy/"
        for _ in range(4):
            if answer := self.kubectl("get", "--raw", path).strip():
                return answer
            time.sleep(1)
        return "nothing"

    def settle(self, namespace: str) -> None:
        """What was deleted goes in its own time."""
        for _ in range(15):
            pods = json.loads(self.kubectl("get", "pods", "-n", namespace, "-o", "json") or '{"items": []}')["items"]
            if not any("deletionTimestamp" in each["metadata"] for each in pods):
                return
            time.sleep(1)


def _owner(each: Manifest) -> str:
    return str(each["metadata"]["labels"].get("bodywork/stage") or each["metadata"]["name"])


def _state(each: Manifest) -> str:
    if "deletionTimestamp" in each["metadata"]:
        return ""
    is_job = any(owner["kind"] == "Job" for owner in each["metadata"].get("ownerReferences") or ())
    phase = each["status"].get("phase")
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in each["status"].get("conditions") or ())
    if is_job:
        return "runs on" if phase in {"Running", "Pending"} else ""
    return "" if ready else "cannot start"


@dataclass(frozen=True)
class Tool:
    """Brings manifests into a namespace: a process that is started, its words that matter told by `words`."""

    name: str
    start: Callable[[Cluster, str, Path, list[Manifest]], subprocess.Popen[str]]

    def run(self, cluster: Cluster, namespace: str, folder: Path, manifests: list[Manifest]) -> tuple[int, str]:
        process = self.start(cluster, namespace, folder, manifests)
        said, _ = process.communicate(timeout=400)
        return process.returncode, said


def popen(cluster: Cluster, argv: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=folder,
        env=cluster.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def stream(manifests: Sequence[Manifest]) -> str:
    return "".join(f"---\n{json.dumps(each, indent=1)}\n" for each in manifests)


def with_bodywork(cluster: Cluster, namespace: str, folder: Path, manifests: list[Manifest]) -> subprocess.Popen[str]:
    file = folder / "manifests" / "all.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(stream(manifests))
    options = [
        "--rollback",
        "all",
        "--schedule-timeout",
        f"{LIMIT_SECONDS}s",
        "--yes",
        "--kubeconfig",
        cluster.kubeconfig,
        "--namespace",
        namespace,
    ]
    return popen(cluster, [sys.executable, "-m", "bodywork_compiler", "apply", "manifests", "-o", "json", *options], folder)


def with_helm(cluster: Cluster, namespace: str, folder: Path, manifests: list[Manifest]) -> subprocess.Popen[str]:
    chart = folder / "chart"
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: {PIPELINE}\nversion: 1.0.0\n")
    hooks = {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": "before-hook-creation"}
    objects = [
        {
            **each,
            "metadata": {**each["metadata"], "annotations": {**hooks, "helm.sh/hook-weight": each["metadata"]["labels"]["bodywork/step"]}},
        }
        if each["kind"] == "Job"
        else each
        for each in manifests
    ]
    (chart / "templates" / "all.yaml").write_text(stream(objects))
    options = [
        "--install",
        "--wait",
        "--wait-for-jobs",
        "--rollback-on-failure",
        "--timeout",
        f"{LIMIT_SECONDS}s",
        "--namespace",
        namespace,
    ]
    return popen(cluster, [os.environ.get("HELM", "helm"), "upgrade", PIPELINE, str(chart), *options], folder)


PLAIN = f"""
set -eu; shopt -s nullglob
for step in steps/*/; do
  for job in "$step"job-*.json; do kubectl delete -n "$1" --ignore-not-found -f "$job"; done
  kubectl apply -n "$1" -f "$step"
  for job in "$step"job-*.json; do kubectl wait -n "$1" --for=condition=complete --timeout={LIMIT_SECONDS}s -f "$job"; done
  for one in "$step"deployment-*.json; do kubectl rollout status -n "$1" --timeout={LIMIT_SECONDS}s -f "$one"; done
done
"""


def with_kubectl(cluster: Cluster, namespace: str, folder: Path, manifests: list[Manifest]) -> subprocess.Popen[str]:
    subprocess.run(["rm", "-rf", str(folder / "steps")], check=True)
    for each in manifests:
        file = folder / "steps" / each["metadata"]["labels"]["bodywork/step"] / f"{each['kind'].lower()}-{each['metadata']['name']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(each))
    return popen(cluster, ["bash", "-c", PLAIN, "plain", namespace], folder)


TOOLS = (Tool("bodywork", with_bodywork), Tool("helm", with_helm), Tool("kubectl", with_kubectl))


def last_words(said: str) -> str:
    """The line that says why, as a reader would look for it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for line in lines:
        if line.startswith("{") and json.loads(line).get("event") == "run_ended":
            ended = json.loads(line)
            return str(ended["reason"] or ended["result"])
    telling = [line for line in lines if line.lower().startswith(("error", "bodywork: ", "the "))]
    return (telling or lines or [""])[-1]


def has_begun(cluster: Cluster, namespace: str, version: str) -> None:
    """Until a pod of that version of `serve` is there."""
    for _ in range(120):
        pods = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-l", "bodywork/stage=serve", "-o", "json") or '{"items": []}')[
            "items"
        ]
        if any(
            {"name": "VERSION", "value": version} in each["spec"]["containers"][0]["env"] and each["status"]["phase"] == "Running"
            for each in pods
        ):
            return
        time.sleep(0.5)


def execute(tool: Tool, case: Case, cluster: Cluster, namespace: str, folder: Path) -> tuple[int, str]:
    """Run the tool as the case has it; its last exit code, and what it said."""
    if case.then == "once":
        return tool.run(cluster, namespace, folder, case.after)
    first = [batch("train"), *service("v2", code=SLEEPS)] if case.then == "killed-bad" else case.after
    process = tool.start(cluster, namespace, folder, first)
    if case.then == "two-at-once":
        other = Path(tempfile.mkdtemp(dir=folder))
        time.sleep(1)
        code, said = tool.run(cluster, namespace, other, case.after)
        process.communicate(timeout=400)
        return code, said + f"\n(the first run ended with exit code {process.returncode})"
    has_begun(cluster, namespace, "v2")
    os.killpg(process.pid, signal.SIGINT if case.then == "interrupted" else signal.SIGKILL)
    said, _ = process.communicate(timeout=400)
    if case.then == "interrupted":
        return process.returncode, said
    return tool.run(cluster, namespace, folder, case.after)


def run_case(tool: Tool, case: Case, cluster: Cluster) -> Result:
    namespace = f"failures-{tool.name}-{uuid.uuid4().hex[:6]}"
    cluster.make_namespace(namespace)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(3 if case.before else 0):  # a machine that is too busy is no case
                code, said = tool.run(cluster, namespace, Path(folder), case.before)
                if code == 0:
                    break
            else:
                if case.before:
                    raise SystemExit(f"{tool.name} cannot deploy what is good:\n{said}")
            if case.around:
                cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=stream(case.around))
            before = cluster.objects(namespace)
            began = time.monotonic()
            code, said = execute(tool, case, cluster, namespace, Path(folder))
            seconds = time.monotonic() - began
        return judged(
            case,
            cluster,
            namespace,
            before,
            Result(exit_code=code, seconds=seconds, words=last_words(said), answers={}, differs=(), restless=()),
        )
    finally:
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def judged(case: Case, cluster: Cluster, namespace: str, before: dict[str, Manifest], told: Result) -> Result:
    """What is there some seconds after the tool's end."""
    time.sleep(5)
    cluster.settle(namespace)
    after = cluster.objects(namespace)
    jobs = {name for name in {*before, *after} if name.startswith("Job/")}  # a Job is run anew; a failed one is evidence
    differs = tuple(sorted(name for name in {*before, *after} - jobs if before.get(name) != after.get(name))) if case.wanted != "v2" else ()
    services = sorted(name.partition("/")[2] for name in {*before, *after} if name.startswith("Service/"))
    answers = {name: cluster.answer(namespace, name) for name in services}
    return Result(
        exit_code=told.exit_code,
        seconds=told.seconds,
        words=told.words,
        answers=answers,
        differs=differs,
        restless=cluster.restless(namespace),
    )


def badness(case: Case, result: Result) -> int:
    """0 is the best end state; more is worse: a service that is not as it was, then whatever is left."""
    wrong = sum(answer != ("theirs" if name == "extra" and case.around else case.wanted) for name, answer in result.answers.items())
    return 100 * wrong + len(result.differs) + len(result.restless)


def cell(result: Result) -> str:
    words = re.sub(r"failures-\w+-\w{6}", "NS", " ".join(result.words.split()).replace("|", "\\|").replace("`", "'"))
    words = words.replace("release shop failed, and has been rolled back due to rollback-on-failure being set", "rolled back")
    words = words if len(words) <= 110 else words[:109] + "…"
    return f"{result.exit_code}, {result.seconds:.0f} s: {words}<br>**{result.state}**"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=sorted(CASES), help="this case; may be given several times")
    parser.add_argument("--tool", action="append", choices=[tool.name for tool in TOOLS], help="only this tool")
    parser.add_argument("--at-once", type=int, default=2, help="cases side by side; each runs its tools side by side")
    parser.add_argument("-o", "--output", type=Path, help="write the table to this file")
    asked = parser.parse_args()
    cluster = Cluster(os.environ["BODYWORK_TEST_KUBECONFIG"])
    tools = [tool for tool in TOOLS if tool.name in (asked.tool or [tool.name])]
    rows: dict[str, str] = {}
    worse: list[str] = []

    def one(name: str) -> None:
        case = CASES[name]
        with ThreadPoolExecutor(len(tools)) as pool:
            results = dict(zip([tool.name for tool in tools], pool.map(lambda tool: run_case(tool, case, cluster), tools), strict=True))
        for tool, result in results.items():
            print(
                f"{name:15} {tool:9} exit {result.exit_code:3} {result.seconds:5.0f} s  {result.state}\n{'':26}{result.words[:220]}",
                flush=True,
            )
        rows[name] = f"| {case.what} | " + " | ".join(cell(result) for result in results.values()) + " |"
        ours = results.get("bodywork")
        if ours and any(badness(case, ours) > badness(case, result) for result in results.values()):
            worse.append(name)

    with ThreadPoolExecutor(asked.at_once) as pool:
        list(pool.map(one, asked.only or CASES))
    if asked.output:
        head = ["| what fails | " + " | ".join(tool.name for tool in tools) + " |", "| --- |" + " --- |" * len(tools)]
        asked.output.write_text("\n".join([*head, *(rows[name] for name in CASES if name in rows), ""]))
    print(f"{len(rows)} cases; another tool leaves a better state: {', '.join(worse) or 'none'}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
