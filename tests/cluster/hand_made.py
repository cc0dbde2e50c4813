"""Manifests written by hand, as small as a run needs them: a container each, with the labels that the driver knows. And runs of them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from clusters import Cluster

IMAGE = "python:3.11"
PIPELINE = "tiny"
LISTENS = "import http.server as h; h.HTTPServer(('', 8000), h.SimpleHTTPRequestHandler).serve_forever()"
RUNS_ON = "import time; print('began', flush=True); time.sleep(600)"
Manifest = dict[str, Any]


def a_batch(stage: str, step: int, code: str = "print('done')", *, retries: int = 0, **container: Any) -> Manifest:
    template = _template(stage, code, "Never", container)
    spec = {"backoffLimit": retries, "activeDeadlineSeconds": 300, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(stage, step), "spec": spec}


def a_service(stage: str, step: int, code: str = LISTENS, **container: Any) -> list[Manifest]:
    """A Deployment and its Service."""
    probe = {"readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1}, **container}
    selector = _identity(stage)
    deployment = {
        "replicas": 1,
        "progressDeadlineSeconds": 120,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": selector},
        "template": _template(stage, code, "Always", probe),
    }
    service = {"selector": selector, "ports": [{"port": 5000, "targetPort": 8000, "protocol": "TCP"}]}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(stage, step), "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(stage, step), "spec": service},
    ]


def a_failure_stage(stage: str, code: str) -> Manifest:
    job = a_batch(stage, 0, code)
    del job["metadata"]["labels"]["bodywork/step"]
    job["metadata"]["labels"]["bodywork/role"] = "on-failure"
    job["spec"]["suspend"] = True
    return job


def from_secret(variable: str, secret: str, key: str) -> Manifest:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def stream(*manifests: Manifest) -> str:
    return "".join(f"---\n{json.dumps(each)}\n" for each in manifests)


def _identity(stage: str) -> dict[str, str]:
    return {"bodywork/pipeline": PIPELINE, "bodywork/stage": stage}


def _metadata(stage: str, step: int) -> Manifest:
    return {"name": stage, "labels": {**_identity(stage), "bodywork/step": str(step)}}


def _template(stage: str, code: str, restart: str, container: Manifest) -> Manifest:
    main = {
        "name": "stage",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", "-c", code],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        **container,
    }
    security = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "securityContext": security,
        "containers": [main],
    }
    return {"metadata": {"labels": _identity(stage)}, "spec": spec}


@dataclass(frozen=True, slots=True)
class Run:
    """What one `bodywork apply -o json` did."""

    exit_code: int
    events: list[dict[str, Any]]
    err: str

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    def one(self, event: str) -> dict[str, Any]:
        found = self.of(event)
        assert len(found) == 1, f"{event}: {found}\n{self.err}"
        return found[0]

    def stage(self, name: str) -> dict[str, Any]:
        """How a stage ended."""
        return next(each for each in reversed(self.of("stage_ended")) if each["stage"] == name)

    def log(self, stage: str) -> list[str]:
        return [each["line"] for each in self.of("log_line") if each["stage"] == stage]

    def position(self, event: str, **fields: Any) -> int:
        """Where in the run something was told, for questions of order."""
        return next(
            number
            for number, each in enumerate(self.events)
            if each["event"] == event and all(each[name] == value for name, value in fields.items())
        )


def apply(cluster: Cluster, namespace: str, *manifests: Manifest, options: Sequence[str] = ()) -> Run:
    return apply_stream(cluster, namespace, stream(*manifests), options)


def apply_stream(cluster: Cluster, namespace: str, text: str, options: Sequence[str] = ()) -> Run:
    done = cluster.bodywork("apply", "-", "-o", "json", "--namespace", namespace, *options, cwd=Path("/"), stdin=text)
    return run_of(done.returncode, done.stdout, done.stderr)


def run_of(exit_code: int, out: str, err: str) -> Run:
    return Run(exit_code, [json.loads(line) for line in out.splitlines()], err)


class RunningApply:
    """A run that goes on while a test looks at it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []

    def until(self, event: str, **fields: Any) -> dict[str, Any]:
        """Reads on to an event; that it never comes is the test's failure."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            told: dict[str, Any] = json.loads(line)
            if told["event"] == event and all(told[name] == value for name, value in fields.items()):
                return told
        err = self.process.stderr.read() if self.process.stderr else ""
        raise AssertionError(f"{event} {fields} never came:\n{''.join(self._lines)}{err}")

    def end(self) -> Run:
        out, err = self.process.communicate(timeout=240)
        return run_of(self.process.returncode, "".join(self._lines) + out, err)

    def interrupt(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def children(self) -> list[int]:
        """Processes that it has started and that are still there."""
        pid = self.process.pid
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def _hears_hangups() -> None:
    """Also where the tests themselves run under `nohup`, which their children would inherit."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def applying(cluster: Cluster, namespace: str, *manifests: Manifest, options: Sequence[str] = ()) -> Iterator[RunningApply]:
    argv = [sys.executable, "-m", "bodywork_compiler", "apply", "-", "-o", "json", "--namespace", namespace]
    argv += ["--kubeconfig", str(cluster.kubeconfig), *options]
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd="/", preexec_fn=_hears_hangups)  # noqa: PLW1509 - no thread runs yet
    with process:
        assert process.stdin is not None
        process.stdin.write(stream(*manifests))
        process.stdin.close()
        process.stdin = None
        try:
            yield RunningApply(process)
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Switch:
    """An HTTP server on this machine that answers pods what a test decides: 200 (go on) or 500 (fail)."""

    url: str
    answers: list[int]

    @property
    def code(self) -> str:
        """Python that fails unless the switch says otherwise; the last answer stays."""
        return f"import urllib.request as u; print('asked'); u.urlopen({self.url!r}); print('went on')"


@contextmanager
def a_switch(address: str, *answers: int) -> Iterator[Switch]:
    left = list(answers)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((address, 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Switch(f"http://{address}:{server.server_port}/", left)
        finally:
            server.shutdown()
            thread.join()


def programs(name: str) -> list[Path]:
    """Every program of that name on the PATH, each once."""
    found = (Path(folder) / name for folder in os.environ["PATH"].split(os.pathsep) if folder)
    return list(dict.fromkeys(each.resolve().parent / name for each in found if os.access(each, os.X_OK)))


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def words(line: str) -> list[str]:
    return shlex.split(line)
