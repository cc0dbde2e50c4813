"""Keys and values of bodywork.yaml that its schema refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from problem_texts import GOOD, changed, said, write

STAGES = GOOD[GOOD.index("stages:") : GOOD.index("logging")]
# what changes in GOOD, and each line that is said, without the file's name in front
CASES = [
    ("nothing to say", [], []),
    ("negative", [("retries: 2", "retries: -1")], ["16:16: stages.train.batch.retries: must be 0 or more, got -1"]),
    (
        "unknown key",
        [("    cpu_request: 0.5", "    cpu_requests: 0.5\n    cpu_request: 0.5")],
        ["10:5: stages.train: `cpu_requests` is not a key of a stage (ignored); did you mean `cpu_request`?   [warning]"],
    ),
    (
        "unknown 1.2",
        [('version: "1.1"', 'version: "1.2"'), ("    cpu_request: 0.5", "    cpu_requests: 0.5\n    cpu_request: 0.5")],
        ["10:5: stages.train: `cpu_requests` is not a key of a stage; did you mean `cpu_request`?"],
    ),
    (
        "key of a newer version",
        [("    cpu_request: 0.5", "    image: x/y:1\n    cpu_request: 0.5")],
        ['10:5: stages.train: `image` is not a key of a stage (ignored); it needs version: "1.2"   [warning]'],
    ),
    (
        "section of a newer version",
        [("  name: iris", "  name: iris\n  env: {A: b}")],
        ['4:3: pipeline: `env` is not a key of `pipeline` (ignored); it needs version: "1.2"   [warning]'],
    ),
    ("version float", [('version: "1.1"', "version: 1.1")], ['1:10: version: must be text, got the number 1.1; put it in quotes: "1.1"']),
    ("version missing", [('version: "1.1"\n', "")], ["1:1: version: is missing"]),
    ("version 3", [('version: "1.1"', 'version: "3.0"')], ['1:10: version: must be one of "1.0", "1.1", "1.2", got `3.0`']),
    (
        "v1.0 with pipeline",
        [('version: "1.1"', 'version: "1.0"')],
        ['2:1: pipeline: version "1.0" calls this section `project`, not `pipeline`; rename it, or say version: "1.1"'],
    ),
    (
        "project 1.1",
        [("pipeline:", "project:")],
        ['2:1: project: version "1.1" calls this section `pipeline`, not `project`; rename it, or say version: "1.0"'],
    ),
    (
        "1.1 surprise no",
        [('["--fast"]', "[no]")],
        ['9:12: stages.train.args[0]: must be text, got false; put it in quotes: "no"; YAML reads `no` as false'],
    ),
    (
        "1.1 surprises in a list",
        [('["--fast"]', "[on, 012, 1e3, 1:30, 0x1F, ~, 2020-01-01, 1_000]")],
        [
            '9:12: stages.train.args[0]: must be text, got true; put it in quotes: "on"; YAML reads `on` as true',
            '9:16: stages.train.args[1]: must be text, got the number 10; put it in quotes: "012"; YAML reads `012` as 10',
            '9:26: stages.train.args[3]: must be text, got the number 90; put it in quotes: "1:30"; YAML reads `1:30` as 90',
            '9:32: stages.train.args[4]: must be text, got the number 31; put it in quotes: "0x1F"; YAML reads `0x1F` as 31',
            '9:38: stages.train.args[5]: must be text, got nothing; put it in quotes: "~"; YAML reads `~` as nothing',
            '9:41: stages.train.args[6]: must be text, got a date: `2020-01-01`; put it in quotes: "2020-01-01"; YAML reads `2020-01-01` as a date',
            '9:53: stages.train.args[7]: must be text, got the number 1000; put it in quotes: "1_000"; YAML reads `1_000` as 1000',
        ],
    ),
    (
        "1e3",
        [("retries: 2", "retries: 1e3")],
        ["16:16: stages.train.batch.retries: must be a whole number, got the text `1e3`; write 1000; YAML 1.1 reads `1e3` as text"],
    ),
    (
        "quoted num",
        [("retries: 2", 'retries: "2"')],
        ["16:16: stages.train.batch.retries: must be a whole number, got the text `2`; take the quotes away"],
    ),
    ("bool port", [("port: 5000", "port: yes")], ["24:13: stages.serve.service.port: must be a whole number, got true"]),
    (
        "ingress text",
        [("ingress: false", 'ingress: "false"')],
        ["25:16: stages.serve.service.ingress: must be true or false, got the text `false`; take the quotes away"],
    ),
    (
        "ingress no in quotes",
        [("ingress: false", 'ingress: "No"')],
        ["25:16: stages.serve.service.ingress: must be true or false, got the text `No`; write false"],
    ),
    (
        "ingress n",
        [("ingress: false", "ingress: n")],
        ["25:16: stages.serve.service.ingress: must be true or false, got the text `n`; write false"],
    ),
    (
        "cpu in milli",
        [("cpu_request: 0.5", "cpu_request: 500m")],
        ["10:18: stages.train.cpu_request: must be a number, got the text `500m`; write 0.5"],
    ),
    (
        "memory with a unit",
        [("memory_request_mb: 100", "memory_request_mb: 100Mi")],
        ["11:24: stages.train.memory_request_mb: must be a whole number, got the text `100Mi`; write the number alone: 100"],
    ),
    (
        "mem float",
        [("memory_request_mb: 100", "memory_request_mb: 100.5")],
        ["11:24: stages.train.memory_request_mb: must be a whole number, got the number 100.5"],
    ),
    (
        "inf",
        [("cpu_request: 0.5", "cpu_request: .inf")],
        ["10:18: stages.train.cpu_request: must be a number, got something that is no finite number: `.inf`"],
    ),
    (
        "sexagesimal without an end",
        [("cpu_request: 0.5", f"cpu_request: {'1:' * 100_000}1.5")],
        [f"10:18: stages.train.cpu_request: must be a number, got a number with too many digits: `{'1:' * 19}1…`"],
    ),
    (
        "nan",
        [("cpu_request: 0.5", "cpu_request: .nan")],
        ["10:18: stages.train.cpu_request: must be a number, got something that is no finite number: `.nan`"],
    ),
    (
        "null stage",
        [("  train:\n", "  check:\n  train:\n")],
        [
            "7:3: stages.check: no step of the DAG names this stage   [warning]",
            "7:9: stages.check: must be a mapping, got nothing; its keys belong below it, indented",
        ],
    ),
    (
        "stages null",
        [(STAGES, "stages:\n")],
        [
            "5:8: pipeline.DAG: step 1 names `train`, which is no stage\n    DAG: train >> serve\n         ^^^^^",
            "5:17: pipeline.DAG: step 2 names `serve`, which is no stage\n    DAG: train >> serve\n                  ^^^^^",
            "6:8: stages: must be a mapping, got nothing; its keys belong below it, indented",
        ],
    ),
    (
        "neither",
        [("    batch:\n      max_completion_time_seconds: 60\n      retries: 2\n", "")],
        ["7:3: stages.train: must have either `batch` or `service`, and has neither"],
    ),
    (
        "both",
        [("    service:\n", "    batch: {max_completion_time_seconds: 1, retries: 0}\n    service:\n")],
        ["17:3: stages.serve: must have either `batch` or `service`, and has both"],
    ),
    ("missing in batch", [("      retries: 2\n", "")], ["14:5: stages.train.batch.retries: is missing"]),
    ("level", [("INFO", "info")], ["27:14: logging.log_level: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got the text `info`"]),
    (
        "1.2 keys of a stage",
        [
            ('version: "1.1"', 'version: "1.2"'),
            (
                "    cpu_request: 0.5",
                "    cpu_request: 0.5\n    cpu_limit: 0.25\n    memory_limit_mb: 50\n    image: Foo\n    requirements: ../r.txt\n    env: {TOKEN: x, DEBUG: true, 1A: x}",
            ),
        ],
        [
            "11:16: stages.train.cpu_limit: must not be less than cpu_request (0.5), got 0.25",
            "12:22: stages.train.memory_limit_mb: must not be less than memory_request_mb (100), got 50",
            "13:12: stages.train.image: must be the name of an image, got `Foo`; write it in lower case (a tag may have upper case)",
            "14:19: stages.train.requirements: must be a path inside the project, got `../r.txt`; paths are relative to the config's folder",
            '15:28: stages.train.env.DEBUG: must be text, got true; put it in quotes: "true"',
            "15:34: stages.train.env.1A: must be a name that an environment variable may have: letters, digits, `_`, `.` and `-`, neither a digit nor BODYWORK_ in front, got `1A`",
            "18:7: stages.train.secrets.TOKEN: `env` sets `TOKEN` too; take one of the two away",
        ],
    ),
    (
        "1.2 keys of the pipeline",
        [
            ('version: "1.1"', 'version: "1.2"'),
            ("  name: iris", "  name: iris\n  pod_security: privileged\n  image_pull_secrets: [A]\n  env: {A: 1}"),
        ],
        [
            "4:17: pipeline.pod_security: must be one of restricted, baseline, none, got the text `privileged`",
            "5:24: pipeline.image_pull_secrets[0]: must be a name that a Kubernetes secret may have: lower-case letters, digits, `-` and `.`, with a letter or digit at both ends, got `A`",
            '6:12: pipeline.env.A: must be text, got the number 1; put it in quotes: "1"',
        ],
    ),
    (
        "requirements file in 1.1",
        [("    cpu_request: 0.5", "    requirements: r.txt\n    cpu_request: 0.5")],
        ['10:19: stages.train.requirements: must be a list, got the text `r.txt`; the path of a file needs version: "1.2"'],
    ),
    ("cpu true", [("cpu_request: 0.5", "cpu_request: true")], []),
    (
        "variable of Bodywork's own",
        [('version: "1.1"', 'version: "1.2"'), ("    cpu_request: 0.5", "    cpu_request: 0.5\n    env: {BODYWORK_FOLDER: x}")],
        [
            (
                "11:11: stages.train.env.BODYWORK_FOLDER: must be a name that an environment variable may have: letters, digits, `_`, `.` and `-`,"
                " neither a digit nor BODYWORK_ in front, got `BODYWORK_FOLDER`"
            )
        ],
    ),
    (
        "misspelt section",
        [("logging:", "loging:")],
        ["1:1: logging: is missing", "26:1: `loging` is not a key of a config (ignored); did you mean `logging`?   [warning]"],
    ),
]


@pytest.mark.parametrize(("changes", "lines"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_is_said_with_its_place_and_remedy(tmp_path: Path, changes: list[tuple[str, str]], lines: list[str]) -> None:
    write(tmp_path, {"bodywork.yaml": changed(GOOD, *changes)})
    assert said(tmp_path) == [f"bodywork.yaml:{line}" for line in lines]
