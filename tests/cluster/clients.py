"""A client in the cluster that asks a service all the time, and keeps count of what it did not get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clusters import Cluster
from hand_made import a_batch

THREADS, PAUSE_SECONDS = 4, 0.25
# each request is a new connection, as most clients make them; runs in a pod
ASKS = f"""\
import http.client, sys, threading, time
answers, failures = [], []
def ask():
    while True:
        connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=10)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            (answers if answer.status == 200 else failures).append(answer.read().decode())
        except Exception as broken:
            failures.append(type(broken).__name__ + ": " + str(broken))
        connection.close()
        time.sleep({PAUSE_SECONDS})
for _ in range({THREADS}):
    threading.Thread(target=ask, daemon=True).start()
while True:
    time.sleep(1)
    print(len(answers), ",".join(sorted(set(answers))), "|".join(failures), sep="\\t", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """`answers`: how many there were; `kinds`: the different ones."""

    answers: int
    kinds: set[str]
    failures: list[str]


@contextmanager
def a_client(cluster: Cluster, namespace: str, service: str) -> Iterator[Callable[[], Asked]]:
    """While it asks; what is yielded says how it went so far."""
    spec = cluster.get("-n", namespace, "service", service)["spec"]
    pod = a_batch("client", 0, ASKS)["spec"]["template"]["spec"]
    pod["containers"][0]["args"] = [spec["clusterIP"], str(spec["ports"][0]["port"])]
    cluster.kubectl("-n", namespace, "create", "-f", "-", stdin=_manifest(pod))
    cluster.kubectl("-n", namespace, "wait", "pod/client", "--for=condition=Ready", "--timeout=60s")

    def asked() -> Asked:
        answers, kinds, failures = cluster.kubectl("-n", namespace, "logs", "client", "--tail=1").rstrip("\n").split("\t")
        return Asked(int(answers), set(kinds.split(",")), failures.split("|") if failures else [])

    try:
        yield asked
    finally:
        cluster.kubectl("-n", namespace, "delete", "pod", "client", "--now", "--wait=false")


def _manifest(spec: object) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"}, "spec": spec})
