"""A client in the cluster that asks services all the time, as their users do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from clusters import Cluster
from hand_made import a_batch

ASKS = """\
import sys, threading, time, urllib.request
def ask(url):
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).read()
            print("answered", flush=True)
        except Exception as why:
            print("FAILED", url, repr(why), flush=True)
        time.sleep(0.25)
threads = [threading.Thread(target=ask, args=(url,)) for url in {urls!r}]
[thread.start() for thread in threads]
"""


@dataclass
class Client:
    """What it met, known when it has ended."""

    asked: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def a_client_of(cluster: Cluster, namespace: str, *services: str, port: int = 5000) -> Iterator[Client]:
    """Four times a second each service is asked, in a connection of its own, as long as the block lasts."""
    template = a_batch("asks", 1, ASKS.format(urls=[f"http://{each}:{port}/" for each in services]))["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"}, "spec": template["spec"]}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl("wait", "pod/client", "-n", namespace, "--for=condition=Ready", "--timeout=60s")
    client = Client()
    yield client
    lines = cluster.kubectl("logs", "client", "-n", namespace).splitlines()
    client.asked = len(lines)
    client.failures = [line for line in lines if line.startswith("FAILED")]
    cluster.kubectl("delete", "pod", "client", "-n", namespace, "--grace-period=0", "--force", "--wait=false")
