"""Asking a running service for a prediction, in the two ways that the documents name."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from clusters import Cluster

from bodywork_compiler import labels

# runs in a pod, so it can be as old as the pod's Python; argv: the address and the body
ASK = """\
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""


def ask_in_the_cluster(cluster: Cluster, *, namespace: str, service: str, url: str, body: Any) -> Any:
    """From a pod, by the service's address in the cluster. The pod is one of the service's own: it is there, and has Python."""
    selector = cluster.get("deployment", service, "-n", namespace)["spec"]["selector"]["matchLabels"]
    pod = cluster.running_pods(namespace, ",".join(f"{key}={value}" for key, value in selector.items()))[0]
    answer = cluster.kubectl("exec", "-n", namespace, pod, "-c", labels.MAIN, "--", "python3", "-c", ASK, url, json.dumps(body))
    return json.loads(answer)


def ask_through_proxy(cluster: Cluster, *, namespace: str, service: str, path: str, body: Any) -> Any:
    """From this machine, as a user does: `kubectl proxy`, then the service's path below the API server's."""
    with cluster.proxy() as proxy:
        url = f"{proxy}/api/v1/namespaces/{namespace}/services/{service}/proxy{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
