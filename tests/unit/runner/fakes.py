"""A cluster of paper: kubectl that is recorded and answers what the test says, an API server whose objects the test changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bodywork_compiler.api import Conflict, NotThere, Resource, WatchEvent
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, Result, Target
from bodywork_compiler.manifests import Plan, load_stream
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner import run
from bodywork_compiler.runner.events import Event
from bodywork_compiler.runner.inbox import Inbox
from bodywork_compiler.runner.namespace import Whereabouts
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home

Object = dict[str, Any]
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "lab"}}
HERE = Whereabouts(context="test", namespace="lab")
API_VERSIONS = {"Ingress": "networking.k8s.io/v1", "Deployment": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1"}
PLURALS = {"job.batch": "Job", "deployment.apps": "Deployment", "service": "Service", "configmap": "ConfigMap", "secret": "Secret"}


@dataclass
class PaperCluster:
    """What kubectl did, in order, and what the API server knows. `on_apply` says what becomes of each object that is applied."""

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    stdins: list[str] = field(default_factory=list)
    records: list[tuple[tuple[str, ...], str]] = field(default_factory=list)  # the same, of what a run writes down about itself
    refusals: dict[str, str] = field(default_factory=dict)  # the first words of a call → kubectl's error
    says: dict[str, tuple[str, str]] = field(default_factory=dict)  # the same → what it prints, and its error then
    lacking: set[str] = field(default_factory=set)  # what we may not do: `watch jobs`
    rehearsed: list[Object] = field(default_factory=list)  # what the dry run before step 1 was asked about
    dry_run_says: dict[str, str] = field(default_factory=dict)  # kind/name, or Pod for all of them → kubectl's error; of a warning its line
    on_apply: Callable[[Object], Object] = lambda manifest: manifest
    _history: list[tuple[int, WatchEvent]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _closings: int = 0
    _uids: int = 0

    def put(self, obj: Object) -> Object:
        """The object is in the cluster from now on, as if a controller or a person had put it there."""
        self._uids += 1
        known = self.objects.get((obj["kind"], obj["metadata"]["name"]), {})
        uid = known.get("metadata", {}).get("uid") or f"uid-{self._uids}"
        generation = known.get("metadata", {}).get("generation", 0) + (known.get("spec") != obj.get("spec"))
        metadata = {"uid": uid, "generation": generation or 1, **obj["metadata"], "resourceVersion": str(self._uids)}
        version = API_VERSIONS.get(obj["kind"], "v1")
        self.objects[obj["kind"], obj["metadata"]["name"]] = kept = {"apiVersion": version, **obj, "metadata": metadata}
        self._tell("ADDED", kept)
        return kept

    def remove(self, kind: str, name: str) -> None:
        gone = self.objects.pop((kind, name), None)
        if gone:
            self._tell("DELETED", gone)

    def _tell(self, type_: str, obj: Object) -> None:
        """Every watch hears it once, as an API server has it: what was before its list it does not hear again."""
        with self._news:
            self._uids += 1
            metadata = {**obj["metadata"], "resourceVersion": str(self._uids)}
            self._history.append((self._uids, WatchEvent(type_, {**obj, "metadata": metadata})))
            self._news.notify_all()

    # as kubectl

    def execute(self, argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        assert argv[0] == "kubectl"
        words = tuple(word for word in argv[1:] if not word.startswith(("--namespace", "--context", "--kubeconfig", "--request-timeout")))
        if "--dry-run=server" in words:
            return self._rehearse(argv, [json.loads(line) for line in (stdin or "").splitlines()])
        if _is_about_records(words):
            self.records.append((words, stdin or ""))
        else:
            self.ran.append(words)
            self.stdins.append(stdin or "")
        for refused, error in self.refusals.items():
            if " ".join(words).startswith(refused):
                return Result(argv=argv, err=error, exit_code=1)
        for half_done, (out, error) in self.says.items():
            if " ".join(words).startswith(half_done):
                return Result(argv=argv, out=out, err=error, exit_code=1)
        return Result(argv=argv, out="\n".join(self._do(words, json.loads(stdin)["items"] if stdin else [])) + "\n")

    def _rehearse(self, argv: tuple[str, ...], manifests: list[Object]) -> Result:
        out, err = "", ""
        for each in manifests:
            self.rehearsed.append(each)
            kind, name = each["kind"], each["metadata"]["name"]
            error = self.dry_run_says.get(f"{kind}/{name}") or self.dry_run_says.get(kind)
            err += f"{error}\n" if error else ""
            out += "" if error and not error.startswith("Warning: ") else f"{_plural(kind)}/{name} created (server dry run)\n"
        return Result(argv=argv, out=out, err=err, exit_code=int("Error" in err))

    def _do(self, words: tuple[str, ...], manifests: list[Object]) -> Iterator[str]:
        verb = words[0]
        if verb in {"apply", "create", "replace"}:
            for manifest in manifests:
                self.put(self.on_apply(manifest))
                action = {"apply": "created", "create": "created", "replace": "replaced"}[verb]
                yield f"{_plural(manifest['kind'])}/{manifest['metadata']['name']} {action}"
        elif verb == "delete" and manifests:
            for manifest in manifests:
                self.remove(manifest["kind"], manifest["metadata"]["name"])
                yield f'{_plural(manifest["kind"])} "{manifest["metadata"]["name"]}" deleted'
        elif verb == "delete" and "--cascade" in " ".join(words):
            for kind, _, name in (word.partition("/") for word in words[1:] if not word.startswith("--")):
                self.remove(kind.capitalize(), name)
                yield f'{_plural(kind.capitalize())} "{name}" deleted'
        elif verb in {"delete", "rollout", "annotate", "label"}:
            yield ""
        else:
            raise AssertionError(f"no kubectl call like this was expected: {words}")

    # as the API server

    def get(self, kind: str, name: str) -> Object:
        if (kind, name) not in self.objects:
            raise NotThere(f"{kind} {name}")
        return self.objects[kind, name]

    def create(self, kind: str, body: Object) -> Object:
        if ("Namespace", "lab") not in self.objects:
            raise NotThere('namespaces "lab" not found')
        if (kind, body["metadata"]["name"]) in self.objects:
            raise Conflict(f"{kind} {body['metadata']['name']} already exists")
        return self.put(body)

    def patch(self, kind: str, name: str, body: Object) -> Object:
        """A merge patch, as far as a Lease needs one."""
        stands = self.objects.get((kind, name))
        if stands is None:
            raise NotThere(f'{kind.lower()}s "{name}" not found')
        if body["metadata"].get("resourceVersion") not in {None, stands["metadata"]["resourceVersion"]}:
            raise Conflict("the object has been modified")
        return self.put({**stands, **merged(stands, body)})

    def elsewhere(self, namespace: str) -> PaperCluster:
        return self

    def resource_of(self, api_version: str, kind: str) -> Resource:
        return Resource(f"{kind.lower()}s", is_namespaced=kind != "Namespace")

    def own_rules(self) -> list[Object]:  # type: ignore[valid-type]  # `list` is a method here
        return [] if self.lacking else [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]

    def may(self, *, verb: str, resource: str, subresource: str = "", **_where: str) -> bool:
        return f"{verb} {resource}{'/' if subresource else ''}{subresource}" not in self.lacking

    def own_name(self) -> str:
        return "system:serviceaccount:lab:runner"

    def outlines_any(self, api_version: str, kind: str, query: Mapping[str, str]) -> list[Object]:  # type: ignore[valid-type]
        return [{**each, "apiVersion": api_version} for each in self.outlines(kind, query)]

    def find_any(self, api_version: str, kind: str, name: str) -> Object | None:
        return self.objects.get((kind, name))

    def find(self, kind: str, name: str) -> Object | None:
        return self.objects.get((kind, name))

    def list(self, kind: str, query: Mapping[str, str]) -> tuple[list[Object], str]:
        with self._news:
            return [each for (its_kind, _), each in list(self.objects.items()) if its_kind == kind], str(self._uids)

    def outlines(self, kind: str, query: Mapping[str, str]) -> list[Object]:  # type: ignore[valid-type]  # `list` is a method here
        selector = query.get("labelSelector", "")
        return [
            {"apiVersion": API_VERSIONS.get(kind, "v1"), "kind": kind, "metadata": each["metadata"]}
            for each in self.list(kind, {})[0]
            if _selects(selector, each)
        ]

    def watch(self, kind: str, query: Mapping[str, str], since: str) -> Iterator[WatchEvent]:
        seen, closings = int(since), self._closings
        while closings == self._closings:
            with self._news:
                news = [(number, event) for number, event in self._history if number > seen and event.object["kind"] == kind]
                if not news and closings == self._closings:
                    self._news.wait()
            for number, event in news:
                seen = number
                yield event

    def log(self, pod: str, query: Mapping[str, str]) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        with self._news:
            self._closings += 1
            self._news.notify_all()


def _is_about_records(words: tuple[str, ...]) -> bool:
    return "--server-side" in words or words[:2] == ("delete", "configmap/bodywork-iris-before")


def _selects(selector: str, obj: Object) -> bool:
    key, is_not, value = selector.partition("!=") if "!=" in selector else selector.partition("=")
    found = (obj["metadata"].get("labels") or {}).get(key)
    return not selector or (found != value if is_not == "!=" else found == value)


def merged(stands: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    found = dict(stands) if isinstance(stands, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def _plural(kind: str) -> str:
    return next((plural for plural, singular in PLURALS.items() if singular == kind), kind.lower())


def a_session(cluster: PaperCluster, plan: Plan, told: list[Event] | None = None, options: RunOptions = DEFAULT_RUN) -> Session:
    events = told if told is not None else []
    kubectl = Kubectl(target=Target(namespace="lab"), execute=cluster.execute)
    return Session(
        plan=plan,
        namespace="lab",
        kubectl=kubectl,
        api=cluster,  # type: ignore[arg-type]  # what it asks of one is all there
        inbox=Inbox(),
        tell=events.append,
        restart_proxy=lambda: None,
        options=options,
    )


@contextmanager
def closing(session: Session) -> Iterator[Session]:
    try:
        yield session
    finally:
        session.close()


def execute(cluster: PaperCluster, plan: Plan, *, may_raise: bool = False, options: RunOptions = DEFAULT_RUN) -> tuple[int, list[Event]]:
    """A whole run: its exit code, and what was told."""
    told: list[Event] = []
    with closing(a_session(cluster, plan, told, options)) as session:
        try:
            return run.execute(session, run.about_to_start(plan, HERE)), told
        except BodyworkError as refused:
            if not may_raise:
                raise
            return refused.exit_code, told


def a_plan(*manifests: Object) -> Plan:
    return load_stream("".join(f"---\n{json.dumps(each)}\n" for each in manifests), "test")


def a_job(stage: str, step: int, **spec: Any) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": stage, "labels": labels_of(stage, step)},
        "spec": {"completions": 1, "template": a_template(), **spec},
    }


def a_deployment(stage: str, step: int, **metadata: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": stage, "labels": labels_of(stage, step), **metadata},
        "spec": {"replicas": 1, "template": a_template()},
    }


def a_service_of(stage: str, step: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": stage, "labels": labels_of(stage, step)},
        "spec": {"ports": [{"port": 5000}]},
    }


def made(manifest: Object) -> Object:
    """As a run of pipeline iris in namespace lab has made it."""
    version = str(manifest.get("apiVersion") or API_VERSIONS.get(manifest["kind"], "v1"))
    metadata = manifest["metadata"]
    mark = Home("iris", "lab").mark(version, manifest["kind"], metadata.get("namespace"), metadata["name"])
    marks = {**(metadata.get("annotations") or {}), "bodywork/tracking-id": mark}
    return {"apiVersion": version, **manifest, "metadata": {**metadata, "annotations": marks}}


def a_template(**container: Any) -> Object:
    return {"spec": {"containers": [{"name": "stage", "image": "python:3.11", **container}]}}


def labels_of(stage: str, step: int) -> dict[str, str]:
    return {"bodywork/pipeline": "iris", "bodywork/stage": stage, "bodywork/step": str(step)}


def as_good(manifest: Object) -> Object:
    """The manifest as the cluster has it once all went well."""
    kind = manifest["kind"]
    if kind == "Job":
        return {**manifest, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    if kind == "Deployment":
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1)
        return {**manifest, "status": {"observedGeneration": 99, **counts}}
    if kind == "DaemonSet":  # on a cluster without nodes
        return {**manifest, "status": {"observedGeneration": 99}}
    return manifest


def as_too_slow(manifest: Object) -> Object:
    """A service that never answers."""
    if manifest["kind"] != "Deployment":
        return as_good(manifest)
    said = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    return {**manifest, "status": {"observedGeneration": 99, "conditions": [said]}}


def a_failure_stage(stage: str) -> Object:
    job = a_job(stage, 0, suspend=True)
    job["metadata"]["labels"] = {"bodywork/pipeline": "iris", "bodywork/stage": stage, "bodywork/role": "on-failure"}
    return job


def as_failed(manifest: Object) -> Object:
    if manifest["kind"] != "Job":
        return as_good(manifest)
    said = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}
    return {**manifest, "status": {"failed": 1, "conditions": [said]}}
