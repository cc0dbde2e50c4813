"""Hostile input, at random: what reads files and records answers with a value or with a message, never with a traceback, slowly or out of memory.

`make fuzz` runs a short one with a new seed and says which; `make fuzz CASES=1000000` a long one. Each batch of cases is a process with limits; of a batch that
ends badly the case is kept, and the same seed finds it again.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuzz_pieces import PIECES, ROOT, corpus, mutated, reshaped
from fuzz_projects import a_template, a_tree, read_commit, render_template

from bodywork_compiler import config
from bodywork_compiler.config import schema_errors  # noqa: F401 so that no case pays for its import
from bodywork_compiler.controller import schedule, work
from bodywork_compiler.errors import BodyworkError, ConfigError
from bodywork_compiler.git import url
from bodywork_compiler.local import secrets
from bodywork_compiler.manifests import load_stream
from bodywork_compiler.printable import log_line, printable, without_runner_commands
from bodywork_compiler.report import problems
from bodywork_compiler.repository import is_same
from bodywork_compiler.runner import before, lease, run_records

BATCH = 500
SECONDS_OF_A_CASE = 10
LARGEST_MEGABYTES = 512
Case = str | bytes


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# a target: how a case is made, and what is done with it


def a_config(rng: random.Random) -> str:
    return mutated(rng, YAML_CONFIGS)


def read_config(case: str, folder: Path) -> None:
    _load(folder, "bodywork.yaml", case)


def an_ini(rng: random.Random) -> str:
    return mutated(rng, INI_CONFIGS)


def read_ini(case: str, folder: Path) -> None:
    _load(folder, "bodywork.ini", case)
    (folder / "bodywork.ini").unlink()


def _load(folder: Path, name: str, case: str) -> None:
    (folder / name).write_bytes(as_bytes(case))
    try:
        config.load(folder, check_files=True)
    except ConfigError as fault:
        for problem in fault.problems:
            problems.text(problem)
            problems.as_github(problem)


def a_stream(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return mutated(rng, MANIFESTS)
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": reshaped(rng, OBJECTS)})


def read_stream(case: str, _folder: Path) -> None:
    load_stream(case.replace("\ud800", ""), "stdin")  # what is read is UTF-8


def a_record(rng: random.Random) -> str:
    return rng.choice((mutated(rng, RECORDS), json.dumps(reshaped(rng, json.loads(RECORDS[0])))))


def read_record(case: str, _folder: Path) -> None:
    runs = run_records.from_text(case)
    assert run_records.from_text(run_records.to_text(runs)) is not None
    packed = base64.b64encode(gzip.compress(as_bytes(case), compresslevel=1)).decode()
    before._unpacked(packed)  # noqa: SLF001 the reader, without a run around it
    before._unpacked(packed[: len(packed) // 2])  # noqa: SLF001
    for key in (lease.PLAN, lease.PART, lease.PROCESS, lease.STARTED):
        record = lease.record_of({"metadata": {"annotations": {key: case}}, "spec": {"holderIdentity": case, "renewTime": case}})
        assert record
        _ = (
            record.plan,
            record.part,
            record.process,
            record.places,
            lease.held_words(record),
            lease.is_overdue(record, lease.datetime.now(lease.timezone.utc)),
        )
    stood = {"metadata": {"name": "x", "annotations": {before.LAST_APPLIED: case, before.REVISION: case}}}
    was = before.Before(kind="Deployment", name="x", stage=None, object=stood, api_version="apps/v1")
    _ = (was.last_applied, was.revision, was.whole())


def an_address(rng: random.Random) -> str:
    return mutated(rng, ADDRESSES)


def read_address(case: str, _folder: Path) -> None:
    for each in (
        url.is_url,
        url.is_ssh,
        url.is_reachable_elsewhere,
        url.host_and_port,
        url.server_of,
        url.without_credentials,
        url.credentials,
    ):
        each(case)
    is_same(case, ADDRESSES[0])
    work.apply_in(case.split(" "))


def a_schedule(rng: random.Random) -> str:
    return mutated(rng, SCHEDULES)


def read_schedule(case: str, _folder: Path) -> None:
    schedule.check(case)


def a_secrets_file(rng: random.Random) -> str:
    return mutated(rng, SECRETS_FILES)


def read_secrets(case: str, folder: Path) -> None:
    for name in ("s.env", "s.yaml"):
        (folder / name).write_bytes(as_bytes(case))
        try:
            secrets.read_file(folder / name)
        except BodyworkError:
            continue


def a_line(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(12)))


def show_line(case: str, _folder: Path) -> None:
    assert printable(case).isprintable() or not set(printable(case)) & set("\x1b\r\n\x85\u2028\u202e")
    assert "\x1b" not in log_line(case)
    assert "##[" not in without_runner_commands(case)


YAML_CONFIGS = corpus("examples/*/bodywork.yaml", "tests/seeds/*/bodywork.yaml", "tests/seeds/**/*.yaml")
INI_CONFIGS = corpus("examples/*/bodywork.ini", "tests/seeds/**/*.ini", "examples/**/*.ini")
MANIFESTS = corpus("tests/golden/*/0*/*.yaml")
RECORDS = [
    json.dumps(
        [
            {
                "id": "a",
                "by": "b",
                "started": "2026-01-02T03:04:05Z",
                "result": "failed",
                "exit_code": 4,
                "seconds": 1.5,
                "stages": [{"step": 1, "stage": "s", "result": "failed"}],
            },
            {
                "kind": "Deployment",
                "name": "x",
                "stage": "x",
                "version": "apps/v1",
                "object": {"metadata": {"name": "x", "annotations": {}}, "spec": {"template": {}}},
            },
        ]
    ),
    '{"from_step": 2, "only": ["train"], "places": [["v1", "Service", null]]}',
    "7f3a-11 pid:[4026531836] 4711 12345",
]
ADDRESSES = [
    "https://user:token@git.example.com:8443/acme/iris.git",
    "git@git.example.com:acme/iris.git",
    "ssh://git@h:22/p",
    "file:///srv/x",
    "bodywork apply https://h/x --branch=b",
]
SCHEDULES = ["0 6 * * mon-fri", "*/5 1-7/2 1,15 jan-dec ?", "@every 1h30m5.5s", "@daily", "5/10 * 29 2 *"]
SECRETS_FILES = [
    "group/A=1\nexport B='x y'\n# c\nstore/C=\"q\\n\"\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==}\nstringData: {b: c}\n",
    "---\nkind: Secret\nmetadata:\n  name: t\n---\n",
]
OBJECTS: list[Any] = []

TARGETS: dict[str, tuple[Callable[[random.Random], str], Callable[[str, Path], None]]] = {
    "config": (a_config, read_config),
    "ini": (an_ini, read_ini),
    "stream": (a_stream, read_stream),
    "record": (a_record, read_record),
    "address": (an_address, read_address),
    "schedule": (a_schedule, read_schedule),
    "secrets": (a_secrets_file, read_secrets),
    "line": (a_line, show_line),
    "template": (a_template, render_template),
    "tree": (a_tree, read_commit),
}
SLOW = {"template": 25, "tree": 25}  # of these there are so many times fewer: each has a process of its own, or several of git's


def one(target: str, seed: int, folder: Path) -> None:
    make, run = TARGETS[target]
    case = make(random.Random(f"{target} {seed}"))
    # of the processor, since the machine may have others to serve; of the clock, for git and other children
    signal.setitimer(signal.ITIMER_PROF, SECONDS_OF_A_CASE)
    signal.setitimer(signal.ITIMER_REAL, 60 * SECONDS_OF_A_CASE)
    try:
        run(case, folder)
    except BodyworkError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def batch(target: str, first: int, count: int, found: Path) -> int:
    """In a process with limits; the number of findings, each with its case in a file."""
    pid = os.fork()
    if pid:
        _, status, usage = os.wait4(pid, 0)
        peak[0] = max(peak[0], usage.ru_maxrss / 1024)
        return os.waitstatus_to_exitcode(status)
    limit = (LARGEST_MEGABYTES + 256) * 2**20  # of addresses, of which Python uses fewer
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, _too_long)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(HOME=folder, XDG_CACHE_HOME=folder, XDG_CONFIG_HOME=folder, GIT_CONFIG_NOSYSTEM="1")
        for seed in range(first, first + count):
            try:
                one(target, seed, Path(folder))
            except BaseException:  # noqa: BLE001, PERF203 that is what is looked for
                bad += 1
                (found / f"{target}-{seed}.txt").write_text(traceback.format_exc()[-6_000:], encoding="utf-8", errors="backslashreplace")
    os._exit(min(bad, 100))


def _too_long(_number: int, _frame: object) -> None:
    raise TimeoutError(f"took longer than {SECONDS_OF_A_CASE} s")


peak = [0.0]


def batches(first: int, cases: int) -> Iterator[tuple[str, int, int]]:
    """All targets in turn: a target, the first of its seeds, and how many."""
    whole = cases / sum(1 / SLOW.get(target, 1) for target in TARGETS)
    left = {target: max(1, round(whole / SLOW.get(target, 1))) for target in TARGETS}
    while any(left.values()):
        for target in TARGETS:
            count = min(left[target], max(1, BATCH // SLOW.get(target, 1)))
            if count:
                yield target, first, count
            left[target] -= count
        first += BATCH


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None, help="the first; default: of the clock")
    parser.add_argument("--found", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--target", choices=TARGETS, help="this one alone")
    given = parser.parse_args()
    first = given.seed if given.seed is not None else int(time.time()) * 1_000
    given.found.mkdir(parents=True, exist_ok=True)
    OBJECTS.extend(json.loads(json.dumps([dict(each.body) for text in MANIFESTS[:40] for each in _objects(text)])))
    began, done, bad = time.monotonic(), 0, 0
    for target, begin, count in batches(first, given.cases):
        if given.target in {None, target}:
            bad += batch(target, begin, count, given.found) != 0
            done += count
    minutes = (time.monotonic() - began) / 60
    print(f"{done:,} cases from seed {first}: {bad} batches with findings (in {given.found}), {peak[0]:.0f} MB at most, {minutes:.1f} min")
    return 1 if bad or peak[0] > LARGEST_MEGABYTES else 0


def _objects(text: str) -> Any:
    plan = load_stream(text, "corpus") if "kind: ConfigMap" not in text else None
    return (each for step in plan.steps for each in step.objects) if plan else ()


if __name__ == "__main__":
    sys.exit(main())
