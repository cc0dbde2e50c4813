"""What a client of a service notices of an update, of one that fails, and of its rollback: requests that were refused or reset.

Four threads, four requests a second each, every one a new connection. Needs a throw-away cluster: BODYWORK_TEST_KUBECONFIG. Unlike the other
scripts it runs the checkout, with what the test of two replicas runs (`tests/cluster/test_availability.py`).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import uuid
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "cluster")]  # the imports below stand there

from builders import a_config, a_pipeline, write  # noqa: E402
from clients import Asked, a_client  # noqa: E402
from clusters import Cluster  # noqa: E402
from test_availability import SERVES, a_service, applied  # noqa: E402
from yaml import safe_dump  # noqa: E402


def measure(cluster: Cluster, namespace: str, folder: Path, replicas: int) -> Asked:
    repository = a_pipeline(folder / "iris", remote=None, namespace=namespace, stages={"serve": a_service(replicas)})
    script = write(repository.path / "serve/main.py", SERVES.replace("{answer}", "one"))
    repository.commit()
    applied(cluster, namespace, repository)
    with a_client(cluster, namespace, "serve") as asked:
        write(script, SERVES.replace("{answer}", "two"))
        repository.commit()
        updated = applied(cluster, namespace, repository)
        missing = a_config(namespace=namespace, stages={"serve": a_service(replicas, "serve/moved.py")})
        write(repository.path / "bodywork.yaml", safe_dump(missing))
        repository.commit()
        failed = applied(cluster, namespace, repository)
        if (updated.exit_code, failed.exit_code) != (0, 4):
            sys.exit(f"an update that exits with {updated.exit_code}, one that fails with {failed.exit_code}: nothing to measure")
        return asked()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, nargs="*", default=[1, 2])
    replicas = parser.parse_args().replicas
    kubeconfig = os.environ.get("BODYWORK_TEST_KUBECONFIG") or sys.exit("BODYWORK_TEST_KUBECONFIG names no throw-away cluster")
    cluster = Cluster(Path(kubeconfig).absolute())
    print("| replicas | requests | refused or reset |\n| --- | --- | --- |")
    for count in replicas:
        namespace = f"bench-{uuid.uuid4().hex[:8]}"
        cluster.make_namespace(namespace)
        try:
            with tempfile.TemporaryDirectory() as folder:
                found = measure(cluster, namespace, Path(folder), count)
        finally:
            cluster.delete_namespace(namespace)
        print(f"| {count} | {found.answers + len(found.failures)} | {len(found.failures)} |", flush=True)


if __name__ == "__main__":
    main()
