"""Start an MLflow tracking server, with the two settings that the pipeline's secret holds.

This process becomes the server, so that a signal from Kubernetes reaches it.
"""

import os
import sys

arguments = [
    *("--backend-store-uri", os.environ["MLFLOW_BACKEND_STORE_URI"]),
    # the server stores artefacts itself, so that its clients need no credentials for the place where they are
    *("--artifacts-destination", os.environ["MLFLOW_DEFAULT_ARTIFACT_ROOT"]),
    *("--host", "0.0.0.0"),
    *("--port", "5000"),
    *("--workers", "1"),
    # through `kubectl proxy` the Host header is the API server's own name, which is different for every cluster;
    # who can reach the server is bounded by the cluster: the stage has no ingress
    *("--allowed-hosts", "*"),
]

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *arguments])
