"""Reads from the API server, over the Unix socket of a `kubectl proxy`: get, list, watch, followed logs. Plain HTTP; kubectl authenticates.

Three things are told apart, always: it is not there (`NotThere`), we may not know (`Refused`), and we could not ask (`CouldNotAsk`).
One write goes this way too, and no other: that of the run's Lease (`create`, `patch`), which must be quick, and must not be kubectl's `replace`.
Questions about our own rights are POST requests that the API server answers and does not keep.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.names import is_path_segment
from bodywork_compiler.printable import without_go_values

Object = dict[str, Any]
READ_TIMEOUT_SECONDS = 60.0
WRITE_TIMEOUT_SECONDS = 10.0  # of a Lease that must be renewed again soon
# https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
_METADATA_ALONE = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
LONGEST_PIECE = 65536  # of a log whose container prints no line breaks
WATCH_SECONDS = 290  # the API server ends a watch after that, so that one that was lost on the way is noticed
_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Node": "/api/v1/nodes",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{namespace}/daemonsets",
    "ReplicaSet": "/apis/apps/v1/namespaces/{namespace}/replicasets",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
    "CronJob": "/apis/batch/v1/namespaces/{namespace}/cronjobs",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses",
}


_RULES_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_ACCESS_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_SUBJECT_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class Resource(NamedTuple):
    """What the API server calls a kind: `deployments`."""

    name: str
    is_namespaced: bool


class CouldNotAsk(Exception):
    """No answer, or none that says anything about the object: the server, the proxy or the way to them is gone."""


class Expired(Exception):
    """The watch's position is too old: list anew."""


class NotThere(Exception):
    """The API server says that there is no such object."""


class Conflict(Exception):
    """Somebody else was quicker: it is there already, or has changed since we looked."""


class Refused(BodyworkError):
    """The API server understood, and said no. `causes` are its reasons as the API names them."""

    def __init__(self, message: str, *, hint: str | None = None, causes: frozenset[str] = frozenset()) -> None:
        super().__init__(message, hint=hint)
        self.causes = causes

    @property
    def is_namespace_going(self) -> bool:
        """https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/api/core/v1/types.go"""
        return "NamespaceTerminating" in self.causes


class _Request(NamedTuple):
    """What is said beside the path."""

    method: str = "GET"
    headers: Mapping[str, str] = MappingProxyType({})
    body: str | None = None


_PLAIN = _Request()


class WatchEvent(NamedTuple):
    type: str
    object: Object


class Api:
    """Reads in one namespace, or lists in all of them (""). Any thread may ask; each question has a connection of its own (0.1 ms)."""

    def __init__(self, socket_path: str, namespace: str) -> None:
        self._resources: dict[tuple[str, str], Resource] = {}
        self._socket_path = socket_path
        self.namespace = namespace
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False

    def elsewhere(self, namespace: str) -> Api:
        """The same API server, asked about another namespace: single reads only."""
        there = Api(self._socket_path, namespace)
        there._resources = self._resources
        return there

    def get(self, kind: str, name: str) -> Object:
        with _whole():
            found: Object = json.loads(self._read(f"{self._path(kind)}/{_segment(name)}", {}))
        return {"kind": kind, **found}

    def find_any(self, api_version: str, kind: str, name: str) -> Object | None:
        """An object of any kind, None when it is not there. NotThere: the API server knows no such kind."""
        resource = self.resource_of(api_version, kind)
        place = f"/namespaces/{_segment(self.namespace)}" if resource.is_namespaced else ""
        try:
            with _whole():
                found: Object = json.loads(self._read(f"{_base(api_version)}{place}/{_segment(resource.name)}/{_segment(name)}", {}))
        except NotThere:
            return None
        return found

    def resource_of(self, api_version: str, kind: str) -> Resource:
        """What a kind is called in paths and roles. NotThere: the API server knows no such kind, or not yet."""
        key = (api_version, kind)
        if key not in self._resources:
            self._resources[key] = self._asked_resource(api_version, kind)
        return self._resources[key]

    def _asked_resource(self, api_version: str, kind: str) -> Resource:
        with _whole():
            known = json.loads(self._read(_base(api_version), {}))["resources"]
            found = next((each for each in known if each["kind"] == kind and "/" not in each["name"]), None)
            if found is None:
                raise NotThere(f"{kind} of {api_version}")
            return Resource(found["name"], bool(found.get("namespaced")))

    def own_rules(self) -> list[Object]:
        """The rules by which we may do things in this namespace, as far as the API server can list them: there may be more."""
        answer = self._review(_RULES_REVIEW, "SelfSubjectRulesReview", {"namespace": self.namespace})
        return list((answer.get("status") or {}).get("resourceRules") or ())

    def may(self, **attributes: str) -> bool:
        """Whether we may do one thing: `verb`, `group`, `resource`, `subresource`, `namespace`."""
        answer = self._review(_ACCESS_REVIEW, "SelfSubjectAccessReview", {"resourceAttributes": attributes})
        return bool((answer.get("status") or {}).get("allowed"))

    def own_name(self) -> str:
        """Who we are for the API server, "" where it does not tell."""
        try:
            answer = self._review(_SUBJECT_REVIEW, "SelfSubjectReview", {})
        except (NotThere, Refused):
            return ""
        return str(((answer.get("status") or {}).get("userInfo") or {}).get("username") or "")

    def _review(self, path: str, kind: str, spec: Object) -> Object:
        version = path.removeprefix("/apis/").rpartition("/")[0]
        return self._send(path, "POST", "application/json", {"apiVersion": version, "kind": kind, "spec": spec})

    def find(self, kind: str, name: str) -> Object | None:
        """The object, or None when it is not there."""
        try:
            return self.get(kind, name)
        except NotThere:
            return None

    def outlines(self, kind: str, query: Mapping[str, str]) -> list[Object]:
        """The metadata of all objects, without what they hold: megabytes of ConfigMaps and values of secrets stay where they are."""
        return self._outlines(self._path(kind), _api_version(kind), kind, query)

    def outlines_any(self, api_version: str, kind: str, query: Mapping[str, str]) -> list[Object]:
        """The same of any kind; all of the cluster's where the kind has no namespace. NotThere: the API server knows no such kind."""
        resource = self.resource_of(api_version, kind)
        place = f"/namespaces/{quote(self.namespace)}" if resource.is_namespaced else ""
        return self._outlines(f"{_base(api_version)}{place}/{resource.name}", api_version, kind, query)

    def _outlines(self, path: str, api_version: str, kind: str, query: Mapping[str, str]) -> list[Object]:
        with _whole():
            pieces = self._stream(path, query, timeout_seconds=READ_TIMEOUT_SECONDS, request=_Request(headers=_METADATA_ALONE))
            answer = json.loads(b"".join(pieces))
            return [{**item, "apiVersion": api_version, "kind": kind} for item in answer["items"] or ()]

    def list(self, kind: str, query: Mapping[str, str]) -> tuple[list[Object], str]:
        """All objects, and the position from which a watch goes on. Items of a list carry no kind and version: they get theirs."""
        with _whole():
            answer = json.loads(self._read(self._path(kind), query))
            return [{"apiVersion": _api_version(kind), "kind": kind, **item} for item in answer["items"] or ()], str(
                answer["metadata"]["resourceVersion"]
            )

    def create(self, kind: str, body: Object) -> Object:
        return self._send(self._path(kind), "POST", "application/json", body)

    def patch(self, kind: str, name: str, body: Object) -> Object:
        """A merge patch; with `metadata.resourceVersion` in it, a Conflict when the object has changed since."""
        return self._send(f"{self._path(kind)}/{_segment(name)}", "PATCH", "application/merge-patch+json", body)

    def watch(self, kind: str, query: Mapping[str, str], since: str) -> Iterator[WatchEvent]:
        """Changes after `since`, until the server or the proxy ends it: then it is over, and that means nothing."""
        asked = {
            **query,
            "watch": "true",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        for line in _lines(self._stream(self._path(kind), asked, timeout_seconds=WATCH_SECONDS + 60.0)):
            with _whole():
                event = json.loads(line)
                change = WatchEvent(event["type"], {"kind": kind, **event["object"]})
            if change.type == "ERROR":
                raise _watch_error(change.object)
            yield change

    def log(self, pod: str, query: Mapping[str, str]) -> Iterator[bytes]:
        """A container's log as it comes, in pieces that are whole lines (but the last, perhaps, and a line without end)."""
        pending = b""
        for piece in self._stream(f"{self._path('Pod')}/{_segment(pod)}/log", query, timeout_seconds=None):
            whole, newline, rest = (pending + piece).rpartition(b"\n")
            if newline:
                yield whole + newline
            pending = rest
            if len(pending) >= LONGEST_PIECE:
                yield pending
                pending = b""
        if pending:
            yield pending

    def close(self) -> None:
        """End every open stream, so that its thread ends too."""
        with self._lock:
            self._closed = True
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _path(self, kind: str) -> str:
        path = _PATHS[kind]
        return path.format(namespace=_segment(self.namespace)) if self.namespace else path.replace("/namespaces/{namespace}", "")

    def _read(self, path: str, query: Mapping[str, str]) -> bytes:
        return b"".join(self._stream(path, query, timeout_seconds=READ_TIMEOUT_SECONDS))

    def _send(self, path: str, method: str, form: str, body: Object) -> Object:
        request = _Request(method, {"Content-Type": form}, json.dumps(body))
        with _whole():
            answer: Object = json.loads(b"".join(self._stream(path, {}, timeout_seconds=WRITE_TIMEOUT_SECONDS, request=request)))
        return answer

    def _stream(self, path: str, query: Mapping[str, str], *, timeout_seconds: float | None, request: _Request = _PLAIN) -> Iterator[bytes]:
        """The body of the answer, piece by piece as it comes."""
        connection = _UnixConnection(self._socket_path, timeout_seconds)
        try:
            connection.connect()
            self._remember(connection.sock)
            asked = f"{path}?{urlencode(query)}" if query else path
            connection.request(request.method, asked, body=request.body, headers=dict(request.headers))
            response = connection.getresponse()
            if response.status not in {http.client.OK, http.client.CREATED}:
                raise _error(response.status, response.read())
            while piece := response.read1(65536):
                yield piece
        except (OSError, http.client.HTTPException) as broken:
            raise CouldNotAsk(f"{type(broken).__name__}: {broken}".rstrip(": ")) from broken
        finally:
            self._forget(connection)

    def _remember(self, sock: socket.socket) -> None:
        with self._lock:
            if self._closed:
                raise CouldNotAsk("the run is over")
            self._open.add(sock)

    def _forget(self, connection: _UnixConnection) -> None:
        with self._lock:
            self._open.discard(connection.kept)
        connection.kept.close()
        connection.close()


def _segment(name: str) -> str:
    """A foreign word as one part of a path: what would lead to another object is never asked for."""
    if not is_path_segment(name):
        raise Refused(f"no object in Kubernetes can have the name {name[:80]!a}")
    return quote(name, safe="")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_seconds: float | None) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path
        # http.client forgets `sock` once it has a response that ends with the connection
        self.kept = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def connect(self) -> None:
        self.kept.settimeout(self.timeout)
        self.kept.connect(self._path)
        self.sock = self.kept


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """An answer that was cut off on its way is none."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as cut:
        raise CouldNotAsk("the API server's answer was cut off") from cut


def _api_version(kind: str) -> str:
    return _PATHS[kind].removeprefix("/apis/").removeprefix("/api/").partition("/namespaces")[0].removesuffix("/nodes")


def _base(api_version: str) -> str:
    group, slash, version = api_version.partition("/")
    return f"/apis/{_segment(group)}/{_segment(version)}" if slash else f"/api/{_segment(group)}"


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    pending = b""
    for piece in pieces:
        *whole, pending = (pending + piece).split(b"\n")
        yield from whole


def _error(status: int, body: bytes) -> Exception:
    message = _message(body)
    if status == http.client.NOT_FOUND:
        return NotThere(message)
    if status == http.client.GONE:
        return Expired(message)
    if status == http.client.CONFLICT:
        return Conflict(message)
    # the proxy answers 500 with plain text while the API server is away: only 4xx is an answer about what was asked
    if status >= http.client.INTERNAL_SERVER_ERROR or status in {http.client.TOO_MANY_REQUESTS, http.client.REQUEST_TIMEOUT}:
        return CouldNotAsk(message)
    return Refused(f"the API server says: {message}", causes=_causes(body))


def _causes(body: bytes) -> frozenset[str]:
    try:
        return frozenset(str(each["reason"]) for each in json.loads(body)["details"]["causes"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def _watch_error(status: Object) -> Exception:
    if status.get("code") == http.client.GONE:
        return Expired(str(status.get("message", "")))
    return CouldNotAsk(str(status.get("message") or status))


def _message(body: bytes) -> str:
    text = body.decode(errors="replace").strip()
    try:
        return without_go_values(str(json.loads(text)["message"]))
    except (ValueError, KeyError, TypeError):
        return text
