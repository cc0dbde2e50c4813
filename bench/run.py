"""All figures of docs/benchmarks.md, one script after the other. What is missing (a Helm, a cluster) is said, and left out."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = {
    "start_up.py": None,
    "render_vs_helm.py": None,
    "apply_vs_kubectl.py": "BODYWORK_TEST_KUBECONFIG",
    "latency.py": "BODYWORK_TEST_KUBECONFIG",
    "availability.py": "BODYWORK_TEST_KUBECONFIG",
}


def main() -> int:
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    codes = []
    for script, needed in SCRIPTS.items():
        print(f"\n## {script}\n", flush=True)
        if needed and not os.environ.get(needed):
            print(f"not measured: {needed} is not set")
            continue
        codes.append(subprocess.run([sys.executable, HERE / script], check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
