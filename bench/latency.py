"""How long the driver takes to see: from the end of a step's last pod to the next step's first object, and from a Job's failure to the verdict.

A pod has ended when its phase says so, with which its condition PodReadyToStartContainers changes; the kubelet takes one to two seconds from the end of
its container (`finishedAt`) to that.
The objects' own times tell, which Kubernetes cuts to whole seconds: so the mean over many steps is given, in which the cuts cancel (each is 0 to 1 s,
at both ends). Needs a throw-away cluster: BODYWORK_TEST_KUBECONFIG.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import projects
from installed import bodywork

STEPS = 15
FAILURES = 5
GAP_BAR_SECONDS, VERDICT_BAR_SECONDS = 0.5, 2.0


def main() -> None:
    kubeconfig = os.environ.get("BODYWORK_TEST_KUBECONFIG") or sys.exit("BODYWORK_TEST_KUBECONFIG names no throw-away cluster")
    command, environment = bodywork(), {**os.environ, "KUBECONFIG": kubeconfig}
    print("| what | mean | largest | bar | |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        good = projects.no_ops(Path(folder) / "good", STEPS, 1)
        bad = projects.failing(Path(folder) / "bad")
        told, ended = zip(*_gaps(command, environment, good), strict=True)
        _row(f"last pod finished to next step's object, {STEPS - 1} steps", list(told), GAP_BAR_SECONDS)
        _row("the same, from the end of its container", list(ended), GAP_BAR_SECONDS)
        late = [_lateness(command, environment, bad) for _ in range(FAILURES)]
        _row(f"a Job's condition Failed to the verdict, {FAILURES} runs", late, VERDICT_BAR_SECONDS)


def _row(what: str, seconds: list[float], bar: float) -> None:
    mean = statistics.mean(seconds)
    print(f"| {what} | {mean:.2f} s | {max(seconds):.2f} s | {bar} s | {'within' if mean <= bar else 'OVER'} |", flush=True)


def _gaps(command: Path, environment: dict[str, str], project: Path) -> Iterator[tuple[float, float]]:
    with _run(command, environment, project) as run:
        pods = {each["metadata"]["labels"]["bodywork/stage"]: each for each in run.objects("pods")}
        created = {
            each["metadata"]["labels"]["bodywork/stage"]: _time(each["metadata"]["creationTimestamp"]) for each in run.objects("jobs")
        }
        order = [each["stage"] for each in run.events if each["event"] == "stage_ended"]
        for before, after in itertools.pairwise(order):
            yield created[after] - _told_of(pods[before]), created[after] - _end_of(pods[before])


def _lateness(command: Path, environment: dict[str, str], project: Path) -> float:
    """Our own clock says when the verdict was told; the condition's time is of the same machine, cut to its second."""
    with _run(command, environment, project) as run:
        (job,) = run.objects("jobs")
        failed = next(each for each in job["status"]["conditions"] if each["type"] == "Failed")
        told = next(each for each in run.events if each["event"] == "stage_ended")
        return _time(told["time"]) - _time(failed["lastTransitionTime"]) - 0.5


@dataclass(frozen=True)
class _Run:
    """What was told, and what stands in its namespace."""

    namespace: str
    environment: dict[str, str]
    events: list[dict[str, Any]]

    def objects(self, kind: str) -> list[dict[str, Any]]:
        argv = ["kubectl", "get", kind, "-n", self.namespace, "-l", "bodywork/stage", "-o", "json"]
        done = subprocess.run(argv, env=self.environment, capture_output=True, check=True)
        found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        return found


@contextmanager
def _run(command: Path, environment: dict[str, str], project: Path) -> Iterator[_Run]:
    """One run in a namespace of its own, which is removed afterwards."""
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    argv = [command, "apply", project, "--namespace", namespace, "-o", "json"]
    try:
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        yield _Run(namespace, environment, [json.loads(line) for line in done.stdout.splitlines()])
    finally:
        subprocess.run(["kubectl", "delete", "namespace", namespace], env=environment, check=False, capture_output=True)


def _end_of(pod: dict[str, Any]) -> float:
    return max(_time(each["state"]["terminated"]["finishedAt"]) for each in pod["status"]["containerStatuses"])


def _told_of(pod: dict[str, Any]) -> float:
    return next(_time(each["lastTransitionTime"]) for each in pod["status"]["conditions"] if each["type"] == "PodReadyToStartContainers")


def _time(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    main()
