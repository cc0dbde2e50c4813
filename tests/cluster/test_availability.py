"""Users of a service notice nothing of an update, nor of one that fails and is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import Repository, a_config, a_pipeline, a_service_stage, write
from clients import a_client
from clusters import Cluster
from hand_made import Run, run_of
from yaml import safe_dump

pytestmark = pytest.mark.cluster
SERVES = """\
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{answer}")

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("", 5000), Answer).serve_forever()
"""


def a_service(replicas: int, script: str = "serve/main.py") -> dict[str, object]:
    work = {"max_startup_time_seconds": 60, "replicas": replicas, "port": 5000, "ingress": False}
    return a_service_stage(script, cpu_request=0.05, memory_request_mb=50, service=work)


def applied(cluster: Cluster, namespace: str, repository: Repository) -> Run:
    done = cluster.bodywork("apply", repository.path, "--namespace", namespace, "-o", "json", cwd=Path("/"))
    return run_of(done.returncode, done.stdout, done.stderr)


def test_two_replicas_answer_every_request_during_an_update_a_failed_one_and_its_rollback(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None, namespace=namespace, stages={"serve": a_service(2)})
    script = write(repository.path / "serve/main.py", SERVES.replace("{answer}", "one"))
    repository.commit()
    assert applied(cluster, namespace, repository).exit_code == 0

    with a_client(cluster, namespace, "serve") as asked:
        write(script, SERVES.replace("{answer}", "two"))
        repository.commit()
        updated = applied(cluster, namespace, repository)
        write(repository.path / "bodywork.yaml", safe_dump(a_config(namespace=namespace, stages={"serve": a_service(2, "serve/moved.py")})))
        commit = repository.commit()
        failed = applied(cluster, namespace, repository)
        found = asked()

    assert updated.exit_code == 0, updated.err
    assert failed.exit_code == 4, failed.err
    assert failed.one("evidence")["reason"] == f"serve/moved.py is not in commit {commit[:7]}"
    assert (failed.one("rolled_back")["complete"], failed.one("rolled_back")["revision"]) == (True, 2)
    assert found.failures == []
    assert found.kinds == {"one", "two"}
    assert found.answers > 100
