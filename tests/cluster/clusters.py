"""The throw-away cluster of the tests, as its tests speak to it. Nothing here reads the user's own kubeconfig."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Cluster:
    kubeconfig: Path

    def kubectl(self, *argv: str, stdin: str = "") -> str:
        """kubectl on this cluster; its stdout. Anything but success fails the test."""
        done = self.run("kubectl", "--kubeconfig", str(self.kubeconfig), *argv, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(argv)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def get(self, *argv: str) -> Any:
        """What `kubectl get` knows, as an object."""
        return json.loads(self.kubectl("get", *argv, "-o", "json"))

    def running_pods(self, namespace: str, selector: str) -> list[str]:
        """Their names, without those that are about to go."""
        pods = self.get("pods", "-n", namespace, "-l", selector, "--field-selector=status.phase=Running")["items"]
        return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def bodywork(self, verb: str, *argv: str | Path, cwd: Path, stdin: str = "") -> Done:
        """The command of this checkout; what asks a cluster asks this one."""
        where = ("--kubeconfig", str(self.kubeconfig)) if verb in {"apply", "diff"} else ()
        return self.run(sys.executable, "-m", "bodywork_compiler", verb, *map(str, argv), *where, cwd=cwd, stdin=stdin)

    def run(self, *argv: str, cwd: Path | None = None, stdin: str = "") -> Done:
        return subprocess.run(argv, cwd=cwd, env=_environment(), input=stdin, text=True, capture_output=True, check=False)

    def make_namespace(self, name: str) -> None:
        """One that holds pods to the restricted Pod Security Standard, since that is promised of every pipeline."""
        labels = {"bodywork-test": "true", "pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        self.kubectl("create", "-f", "-", stdin=json.dumps(namespace))

    def delete_namespace(self, name: str, *, wait: bool = False) -> None:
        self.kubectl("delete", "namespace", name, "--ignore-not-found", f"--wait={str(wait).lower()}")

    def make_secret(self, namespace: str, name: str, **values: str) -> None:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
        self.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(secret))

    def node_address(self) -> str:
        addresses = self.get("nodes")["items"][0]["status"]["addresses"]
        return next(str(each["address"]) for each in addresses if each["type"] == "InternalIP")

    @contextmanager
    def proxy(self) -> Iterator[str]:
        """`kubectl proxy`, as the documents use it; its address."""
        argv = ["kubectl", "--kubeconfig", str(self.kubeconfig), "proxy", "--port=0"]
        with subprocess.Popen(argv, env=_environment(), stdout=subprocess.PIPE, text=True) as proxy:
            try:
                assert proxy.stdout is not None
                yield f"http://{proxy.stdout.readline().split()[-1]}"
            finally:
                proxy.terminate()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
