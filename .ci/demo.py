"""demo.py EXAMPLE STORE: `bodywork apply --local`, one prediction of the service that it leaves up, and the end of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
STAYS = re.compile(r"until Ctrl-C: \S+ at (http://\S+)")


def main(example: str, store: str) -> int:
    command = ["bodywork", "apply", example, "--local", "--working-tree"]
    secrets = Path(example, "local.env")
    command += ["--secrets", str(secrets)] if secrets.exists() else []
    bucket = Path(store).resolve().as_uri()
    print(f"\n$ S3_BUCKET={bucket} {shlex.join(command)}", flush=True)
    with subprocess.Popen(command, env={**os.environ, "S3_BUCKET": bucket}, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None  # noqa: S101 - it is a pipe
        for line in running.stdout:
            print(line, end="", flush=True)
            if found := STAYS.search(line):
                predict(f"{found[1]}/iris/v1/score")
                running.send_signal(signal.SIGINT)
    if running.returncode == 0:
        print(
            "\nIt trained a model, served it and answered; nothing of it runs any more. Look at what a cluster would get: bodywork render "
            + example
        )
    return running.returncode


def predict(url: str) -> None:
    request = urllib.request.Request(url, json.dumps(FLOWER).encode(), {"Content-Type": "application/json"})  # noqa: S310 - what Bodywork just said
    print(f"\n$ curl {url} --header 'Content-Type: application/json' --data '{json.dumps(FLOWER)}'")
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
        print(answer.read().decode(), flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
