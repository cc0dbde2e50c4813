"""`bodywork render` beside `helm template` on the same objects: N stages, half batch and half service, ten to a step.

The chart in bench/chart is given, as values, what bodywork.yaml says; that both print equal objects is checked before anything is measured.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import projects
import yaml
from installed import bodywork
from measure import Comparison, compare, row, run_once

# stages -> (bar of the time's ratio, pairs of runs)
SIZES = {2: (2.2, 41), 100: (1.3, 21), 1_000: (0.55, 7)}
MEMORY_BAR, MEMORY_SIZE = 0.6, 1_000
LINEAR_FROM, LINEAR_TO, LINEAR_RUNS = 1_000, 10_000, 3
HELM_MODULE = "helm.sh/helm/v4/cmd/helm@latest"
CHART = Path(__file__).parent / "chart"
SECONDS_PER_ATTEMPT_BESIDES_ITS_OWN, SLACK_SECONDS, PAUSES_SECONDS = 900, 600, 30


def helm(given: str | None) -> Path:
    """The helm that was named, or one built from its Go module into a cache folder."""
    if found := given or os.environ.get("HELM"):
        return Path(found)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bodywork-bench"
    if not (cache / "helm").exists():
        if not shutil.which("go"):
            sys.exit("name a Helm 4 with --helm or HELM, or install Go, with which one is built")
        print(f"building Helm into {cache}", file=sys.stderr)
        subprocess.run(["go", "install", HELM_MODULE], env={**os.environ, "GOBIN": str(cache), "CGO_ENABLED": "0"}, check=True)
    return cache / "helm"


def chart(folder: Path, project: Path, rendered: Sequence[Mapping[str, Any]]) -> Path:
    """The chart with this project's values. Of what was rendered it takes only what no chart works out: digests, facts and scripts."""
    config = yaml.load((project / "bodywork.yaml").read_text(), yaml.CSafeLoader)
    config_maps = {d["metadata"]["name"]: d for d in rendered if d["kind"] == "ConfigMap"}
    (scripts,) = (each for name, each in config_maps.items() if "-scripts-" in name)
    services = [name for name in config_maps if "-services-" in name]
    (facts,) = (each for name, each in config_maps.items() if each is not scripts and name not in services)
    steps = {name.strip(): n for n, step in enumerate(config["pipeline"]["DAG"].split(">>"), 1) for name in step.split(",")}
    values = {
        "pipeline": config["pipeline"]["name"],
        "namespace": config["pipeline"]["name"],
        "image": config["pipeline"]["docker_image"],
        "serviceAccount": facts["metadata"]["name"],
        "scriptsName": scripts["metadata"]["name"],
        "servicesName": services[0],
        "annotations": facts["metadata"]["annotations"],
        "url": facts["metadata"]["annotations"]["bodywork/git-url"],
        "branch": facts["metadata"]["annotations"]["bodywork/git-branch"],
        "commit": facts["metadata"]["annotations"]["bodywork/git-commit"],
        "facts": facts["data"],
        "stages": [_stage(name, steps[name], stage) for name, stage in config["stages"].items()],
    }
    shutil.copytree(CHART, folder)
    (folder / "values.yaml").write_text(yaml.dump(values, Dumper=yaml.CSafeDumper, sort_keys=False))
    (folder / "scripts").mkdir()
    for name, text in scripts["data"].items():
        (folder / "scripts" / name).write_text(text)
    return folder


def _stage(name: str, step: int, stage: Mapping[str, Any]) -> dict[str, Any]:
    same = {"name": name, "step": step, "script": stage["executable_module_path"], "args": stage["args"], "secrets": stage["secrets"]}
    same |= {"cpu": f"{round(stage['cpu_request'] * 1000)}m", "memory": f"{stage['memory_request_mb']}M"}
    if batch := stage.get("batch"):
        limit, retries = batch["max_completion_time_seconds"], batch["retries"]
        deadline = (retries + 1) * (limit + SECONDS_PER_ATTEMPT_BESIDES_ITS_OWN) + PAUSES_SECONDS + SLACK_SECONDS
        return same | {"batch": {"limitSeconds": limit, "retries": retries, "deadlineSeconds": deadline}}
    service = stage["service"]
    numbers = {"startupSeconds": service["max_startup_time_seconds"], "replicas": service["replicas"], "port": service["port"]}
    return same | {"service": numbers}


def objects(argv: Sequence[str | Path], cwd: Path) -> list[dict[str, Any]]:
    text = subprocess.run([str(word) for word in argv], cwd=cwd, check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def assert_same(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> None:
    mine, others = ({(d["kind"], d["metadata"]["name"]): d for d in documents} for documents in (ours, theirs))
    if mine.keys() != others.keys():
        sys.exit(f"not the same objects: {sorted(mine.keys() ^ others.keys())[:10]}")
    for key, document in mine.items():
        if document != others[key]:
            texts = [yaml.safe_dump(value).splitlines() for value in (document, others[key])]
            sys.exit("\n".join([f"bench/chart is not up to date: {key}", *difflib.unified_diff(*texts, "bodywork", "chart", lineterm="")]))


def measure(folder: Path, command: Path, helm_command: Path, size: int, pairs: int) -> Comparison:
    project = projects.mixed(folder / "project", size)
    ours = [command, "render"]
    rendered = objects(ours, project)
    theirs = [helm_command, "template", "bench", chart(folder / "chart", project, rendered)]
    assert_same(rendered, objects(theirs, folder))
    return compare(lambda: run_once(ours, cwd=project), lambda: run_once(theirs, cwd=folder), pairs=pairs)


def linearity(folder: Path, command: Path) -> float:
    """Time for ten times the stages, divided by ten times the time."""
    few, many = (projects.mixed(folder / str(size), size) for size in (LINEAR_FROM, LINEAR_TO))
    result = compare(lambda: run_once([command, "render"], cwd=many), lambda: run_once([command, "render"], cwd=few), pairs=LINEAR_RUNS)
    return result.time_ratio / (LINEAR_TO / LINEAR_FROM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--helm", help="a Helm 4; else $HELM, else one is built with Go")
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    arguments = parser.parse_args()
    helm_command, command = helm(arguments.helm), bodywork()
    print("| stages | bodywork | helm | ratio | bar | |")
    print("| --- | --- | --- | --- | --- | --- |")
    memory: dict[int, Comparison] = {}
    for size in arguments.sizes:
        bar, pairs = SIZES[size]
        with tempfile.TemporaryDirectory() as folder:
            memory[size] = measure(Path(folder), command, helm_command, size, pairs)
        print(row(f"{size:,}", memory[size], bar), flush=True)
    if found := memory.get(MEMORY_SIZE):
        print(
            f"\nPeak memory at {MEMORY_SIZE:,}: {found.ours.peak_mb:.0f} MB, Helm {found.theirs.peak_mb:.0f} MB:"
            f" {found.memory_ratio:.2f} (bar {MEMORY_BAR})"
        )
        with tempfile.TemporaryDirectory() as folder:
            print(
                f"Ten times the stages ({LINEAR_FROM:,} to {LINEAR_TO:,}) take {linearity(Path(folder), command):.2f} x ten times the time"
            )


if __name__ == "__main__":
    main()
