"""`bodywork apply` beside plain kubectl on the same manifests: per step one `kubectl apply`, then `kubectl wait` until all are complete.

Needs a throw-away cluster: BODYWORK_TEST_KUBECONFIG. Each run has a namespace of its own, removed before the next begins.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import projects
from installed import bodywork
from measure import Usage, compare, row, run_once

# (what, steps, stages in each, bar)
CASES = (("10 steps of one no-op stage", 10, 1, 0.85), ("one step of 10 no-op stages", 1, 10, 1.05))
PLAIN_KUBECTL = """\
set -eu
cd "$1"
for step in [0-9][0-9]*-*/; do
  kubectl apply -R -f "$step" >/dev/null
  [ "$step" = 00-setup/ ] || kubectl wait --for=condition=complete --timeout=300s -R -f "$step" >/dev/null
done
"""


@dataclass(frozen=True)
class Cluster:
    kubeconfig: str
    command: Path

    def in_new_namespace(self, project: Path, run: Callable[[Path], Usage]) -> Usage:
        """Render for a new namespace, not timed; time `run` on that folder; remove the namespace and wait until it is gone."""
        namespace = f"bench-{uuid.uuid4().hex[:8]}"
        with tempfile.TemporaryDirectory() as folder:
            manifests = Path(folder) / "manifests"
            subprocess.run([self.command, "render", project, "--namespace", namespace, "-o", manifests], check=True, capture_output=True)
            try:
                return run(manifests)
            finally:
                subprocess.run(["kubectl", "delete", "namespace", namespace], env=self.environment, check=False, capture_output=True)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": self.kubeconfig}

    def ours(self, project: Path) -> Usage:
        argv = [self.command, "apply"]
        return self.in_new_namespace(project, lambda folder: run_once([*argv, folder], cwd=folder.parent, environment=self.environment))

    def theirs(self, project: Path) -> Usage:
        argv = ["sh", "-c", PLAIN_KUBECTL, "plain"]
        return self.in_new_namespace(project, lambda folder: run_once([*argv, folder], cwd=folder.parent, environment=self.environment))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    kubeconfig = os.environ.get("BODYWORK_TEST_KUBECONFIG") or sys.exit("BODYWORK_TEST_KUBECONFIG names no throw-away cluster")
    cluster = Cluster(kubeconfig, bodywork())
    print("| run | bodywork | kubectl | ratio | bar | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for what, steps, stages, bar in CASES:
        with tempfile.TemporaryDirectory() as folder:
            project = projects.no_ops(Path(folder) / "project", steps, stages)
            result = compare(lambda project=project: cluster.ours(project), lambda project=project: cluster.theirs(project), pairs=pairs)
            print(row(what, result, bar), flush=True)


if __name__ == "__main__":
    main()
