"""What kubectl says when it could not ask, as small named questions to its error text: only these are worth another try.

A refusal ("no" from the API server, for a reason that stays) is never tried again.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bodywork_compiler.printable import without_go_values

Predicate = Callable[[str], bool]

_REFUSALS = re.compile(
    r"\((Forbidden|Unauthorized|Invalid|NotFound|AlreadyExists|BadRequest|MethodNotAllowed|NotAcceptable|RequestEntityTooLarge|UnsupportedMediaType)\)"
)
# "Comprehensive list of errors": https://github.com/etcd-io/etcd/blob/main/server/etcdserver/errors.go
_ETCD = re.compile(r"etcdserver: (?:(?!etcdserver: ).)*(leader changed|timed out|no leader)")
_NETWORK = (
    "TLS handshake timeout",
    "i/o timeout",
    "connection timed out",
    "network is unreachable",
    "server misbehaving",
    "Temporary failure in name resolution",
    "connection reset by peer",
    "http2: client connection lost",
    "unexpected EOF",
    "context deadline exceeded",
    "no route to host",
    "Client.Timeout exceeded",
)
_HUNG_UP = re.compile(r": EOF\s*(;|$)")
_BUSY = (
    "(ServiceUnavailable)",
    "(TooManyRequests)",
    "(ServerTimeout)",
    "(Timeout)",
    "the server is currently unable to handle the request",
)


# kubectl writes an answer of the API server as "Error from server (REASON): …", or "error when creating …: REASON" in a longer line; reasons are
# constants of the API: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go
# and https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go
# Where kubectl once writes them otherwise, each of these is false, and what failed is raised in kubectl's words: no harm is done.


def is_there_already(error: str) -> bool:
    return "(AlreadyExists)" in error


def is_forbidden(error: str) -> bool:
    return "(Forbidden)" in error


def rights_lacking(error: str) -> list[str]:
    """`patch deployments.apps`, each once, in the authorizer's words; none where something else said no:
    https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/responsewriters/errors.go"""
    found = re.findall(r'cannot (\w+) resource "([^"]+)" in API group "([^"]*)"', error)
    return list(dict.fromkeys(f"{verb} {resource}{f'.{group}' if group else ''}" for verb, resource, group in found))


def is_conflict(error: str) -> bool:
    return "(Conflict)" in error


def lacks_namespace(error: str) -> bool:
    """The object's namespace is not there."""
    return "(NotFound)" in error and "namespaces" in error


def is_refusal(error: str) -> bool:
    """The API server understood, and said no."""
    return _REFUSALS.search(error) is not None


def is_connection_refused(error: str) -> bool:
    """No API server at that address just now, `The connection to the server … was refused - did you specify the right host or port?`

    https://github.com/kubernetes/kubernetes/issues/87268
    """
    return "connection refused" in error or "was refused - did you specify" in error


def is_etcd_trouble(error: str) -> bool:
    """A change of leader or a slow disk under the API server: https://github.com/vmware-tanzu/carvel-kapp/issues/106"""
    return _ETCD.search(error) is not None


def is_network_trouble(error: str) -> bool:
    """The connection broke, or was never made whole: kubectl itself does not try again (https://github.com/kubernetes/kubernetes/issues/119448).

    `EOF` alone is how Go names a server that hung up: `Get "https://…": EOF`, with kubectl's own words behind it where it asked for the schema.
    """
    return any(sign in error for sign in _NETWORK) or _HUNG_UP.search(error) is not None


def is_server_going(error: str) -> bool:
    """This API server is shut down, or wants its clients to spread: https://github.com/carvel-dev/kapp/issues/82"""
    return "sent GOAWAY" in error or "graceful shutdown GOAWAY" in error


def is_busy(error: str) -> bool:
    """The API server is there, and asks us to come again: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"""
    return any(sign in error for sign in _BUSY)


def is_webhook_down(error: str) -> bool:
    """An admission webhook's own pod is being replaced: https://github.com/vmware-tanzu/carvel-kapp/issues/258"""
    return re.search(r"failed calling (admission )?webhook", error) is not None


def is_quota_conflict(error: str) -> bool:
    """Two writers met at the counter of a quota: https://github.com/kubernetes/kubernetes/issues/67761"""
    return "Operation cannot be fulfilled on resourcequota" in error


def cannot_be_dry_run(error: str) -> bool:
    """An admission webhook that may have side effects: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#side-effects"""
    return "does not support dry run" in error


def may_not_create_pods(error: str) -> bool:
    """The authorizer's words; what an admission plugin says names the pod: https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/responsewriters/errors.go"""
    return 'cannot create resource "pods"' in error or 'cannot get resource "pods"' in error


def not_found(error: str) -> list[str]:
    """The names that the server has looked for in vain."""
    return re.findall(r'"([^"]+)" not found', error)


def is_unknown_kind(error: str) -> bool:
    """No such kind, or none yet: https://github.com/kubernetes/apimachinery/blob/master/pkg/api/meta/errors.go"""
    return "no matches for kind" in error or "doesn't have a resource type" in error


def names_no_cluster(error: str) -> bool:
    """No kubeconfig, no current context in it, or none of the name that was given: kubectl cannot know which cluster is meant."""
    return has_no_context(error) or re.search(r"context (?:(?!context ).)*does not exist", error) is not None


def has_no_context(error: str) -> bool:
    """Some verbs say so, others go to `localhost:8080`, an address of Kubernetes' first years: https://github.com/kubernetes/kubectl/issues/737"""
    return "current-context must exist" in error or ("http://localhost:8080/" in error and is_connection_refused(error))


COULD_NOT_ASK: tuple[Predicate, ...] = (
    is_connection_refused,
    is_etcd_trouble,
    is_network_trouble,
    is_server_going,
    is_busy,
    is_webhook_down,
    is_quota_conflict,
)


def is_worth_another_try(error: str) -> bool:
    """Whether kubectl could not ask. An answer that holds both (some objects refused, some not sent) is a refusal."""
    return not is_refusal(error) and any(could_not(error) for could_not in COULD_NOT_ASK)


def in_short(error: str) -> str:
    """kubectl's own words without its noise: discovery's `memcache.go` lines, which repeat what the last line says, and values of Go."""
    lines = [line for line in error.splitlines() if line.strip() and "memcache.go:" not in line and not line.startswith("Warning: ")]
    return without_go_values("\n".join(lines) or error.strip()) or "kubectl said nothing"


# as Go's `log` and Kubernetes' `klog` write a line, and as kubectl begins one: `2026/11/28 20:00:00 …`, `E1128 20:49:36.01 17 run.go:72] "command failed" err="…"`
_LOGGED = re.compile(r"^(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )?(?:error: )?", re.IGNORECASE)
_KLOG = re.compile(r'^[A-Z]\d{4} [\d:.]+ +\d+ \S+\] "command failed" err="(?P<said>.*)"$')
# kustomize tries each resource as a file and then as a folder, and says both: the first is what a person meant
_TWICE = re.compile(r"accumulating resources: accumulation err='(?P<first>.*)': must build at directory: .*", re.DOTALL)


def _plain(line: str) -> str:
    logged = _KLOG.match(line)
    return _LOGGED.sub("", logged["said"].replace('\\"', '"') if logged else line)


def of_kustomize(error: str) -> str:
    """What kustomize says is wrong, in one line."""
    lines = (_plain(line).strip() for line in error.splitlines())
    text = "; ".join(line for line in lines if line and not line.startswith("# Warning"))
    while twice := _TWICE.search(text):
        text = text[: twice.start()] + twice["first"]
    return without_go_values(text) or "kubectl said nothing"
