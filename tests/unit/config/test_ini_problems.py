"""One fault after another in a good v1 project, and all that is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from problem_texts import GOOD_INI, changed, said, write

CONFIG, TRAIN, SERVE = "bodywork.ini", "train/config.ini", "serve/config.ini"
# the file that changes, what changes in it, and each line that is said
CASES = [
    (
        "script in a folder of the stage's",
        TRAIN,
        [("train.py", "src/train.py")],
        [
            (
                "train/config.ini:3:21: default.EXECUTABLE_SCRIPT: runs in its own folder, where Bodywork 1 ran it in the stage's;"
                " look at the relative paths that it opens   [warning]"
            )
        ],
    ),
    ("nothing to say", CONFIG, [], []),
    (
        "moving tag",
        CONFIG,
        [("python:3.11", "python")],
        [
            "bodywork.ini:3:16: default.DOCKER_IMAGE: `python` has no tag, which means `latest`: what it names may change between two runs; name a version, or a digest (`NAME@sha256:…`)   [warning]"
        ],
    ),
    ("missing key", CONFIG, [("PROJECT_NAME = iris\n", "")], ["bodywork.ini:1:1: default.PROJECT_NAME: is missing"]),
    ("missing section", CONFIG, [("[logging]\nLOG_LEVEL = INFO\n", "")], ["bodywork.ini: logging: is missing"]),
    (
        "unknown key",
        CONFIG,
        [("DOCKER_IMAGE", "DOKER_IMAGE")],
        [
            "bodywork.ini:1:1: default.DOCKER_IMAGE: is missing",
            "bodywork.ini:3:1: default: `DOKER_IMAGE` is not a key of `default` (ignored); did you mean `DOCKER_IMAGE`?   [warning]",
        ],
    ),
    (
        "unknown section",
        CONFIG,
        [("[logging]", "[loging]")],
        [
            "bodywork.ini: logging: is missing",
            "bodywork.ini:8:1: `loging` is not a key of a config (ignored); did you mean `logging`?   [warning]",
        ],
    ),
    (
        "log level",
        CONFIG,
        [("INFO", "info")],
        [
            "bodywork.ini:9:13: logging.LOG_LEVEL: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, WARN, FATAL, NOTSET, got the text `info`"
        ],
    ),
    (
        "bare dollar",
        CONFIG,
        [("iris", "ir$is")],
        ["bodywork.ini:2:16: default.PROJECT_NAME: a `$` has a meaning in this file: it begins `${KEY}`; write `$$` for a plain `$`"],
    ),
    (
        "unknown reference",
        CONFIG,
        [("iris", "${nope}")],
        ["bodywork.ini:2:16: default.PROJECT_NAME: `${nope}` names no key; `${KEY}` is a key of this section, `${SECTION:KEY}` of another"],
    ),
    ("circle", CONFIG, [("iris", "${PROJECT_NAME}")], ["bodywork.ini:2:16: default.PROJECT_NAME: its `${…}` go round in a circle"]),
    (
        "no section before the first key",
        CONFIG,
        [("[default]\n", "")],
        ["bodywork.ini:1:1: a section (`[default]`) must come before the first key"],
    ),
    (
        "key twice",
        CONFIG,
        [("[workflow]", "PROJECT_NAME = x\n[workflow]")],
        ["bodywork.ini:5:1: `PROJECT_NAME` is given twice in [default]; take one away"],
    ),
    (
        "section twice",
        CONFIG,
        [("[logging]", "[default]\n[logging]")],
        ["bodywork.ini:8:1: the section [default] is given twice; make one of the two"],
    ),
    (
        "lines that are no keys",
        CONFIG,
        [("[workflow]", "what is this\nand this\n[workflow]")],
        ["bodywork.ini:5:1: is no `KEY=VALUE`", "bodywork.ini:6:1: is no `KEY=VALUE`"],
    ),
    (
        "unknown stage",
        CONFIG,
        [("serve", "srve")],
        [
            "bodywork.ini:6:16: workflow.DAG: step 2 names `srve`, which is no stage\n    DAG = train >> srve\n                   ^^^^ did you mean `serve`?"
        ],
    ),
    (
        "no such folder at all",
        CONFIG,
        [(">> serve", ">> serve, xyz")],
        [
            "bodywork.ini:6:23: workflow.DAG: step 2 names `xyz`, which is no stage\n    DAG = train >> serve, xyz\n                          ^^^ a stage is a folder with a config.ini"
        ],
    ),
    (
        "stage in another folder",
        CONFIG,
        [("train >>", "../train >>")],
        [
            "bodywork.ini:6:7: workflow.DAG: step 1 names `../train`, which is no stage\n    DAG = ../train >> serve\n          ^^^^^^^^ did you mean `train`?"
        ],
    ),
    (
        "quoted DAG",
        CONFIG,
        [("train >> serve", '"train >> srve"')],
        [
            'bodywork.ini:6:17: workflow.DAG: step 2 names `srve`, which is no stage\n    DAG = "train >> srve"\n                    ^^^^ did you mean `serve`?'
        ],
    ),
    (
        "empty name",
        CONFIG,
        [("train >>", "train,, >>")],
        [
            "bodywork.ini:6:13: workflow.DAG: step 1 has an empty stage name\n    DAG = train,, >> serve\n                ^ between two `>>` or `,` stands the name of a stage",
            "bodywork.ini:6:15: workflow.DAG: step 1 has an empty stage name\n    DAG = train,, >> serve\n                  ^ between two `>>` or `,` stands the name of a stage",
        ],
    ),
    (
        "project name cleaned",
        CONFIG,
        [("iris", "My_Project")],
        [
            "bodywork.ini: `my_project` can be no namespace's name: the namespace is called `my-project`   [note]",
            "bodywork.ini: in Kubernetes, `my_project` is called `my-project`   [note]",
        ],
    ),
    (
        "project without letters",
        CONFIG,
        [("iris", "__")],
        ["bodywork.ini:2:16: default.PROJECT_NAME: needs a letter or digit (a to z, 0 to 9), got `__`; for example `iris`"],
    ),
    (
        "project begins with a digit",
        CONFIG,
        [("iris", "1iris")],
        [
            "bodywork.ini:2:16: default.PROJECT_NAME: services are called 1iris--STAGE, and Kubernetes refuses a service's name that begins with a digit; for example `p1iris`"
        ],
    ),
    (
        "too long",
        CONFIG,
        [("iris", "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii")],
        [
            "bodywork.ini:6:7: workflow.DAG: is too long: Kubernetes takes 63 characters, and `iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii…` has 67\n    DAG = train >> serve\n          ^^^^^ shorten the project's name",
            "bodywork.ini:6:16: workflow.DAG: is too long: Kubernetes takes 63 characters, and `iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii…` has 67\n    DAG = train >> serve\n                   ^^^^^ shorten the project's name",
        ],
    ),
    (
        "image",
        CONFIG,
        [("python:3.11", "python 3")],
        ["bodywork.ini:3:16: default.DOCKER_IMAGE: must be the name of an image, got `python 3`; take the blanks away"],
    ),
    (
        "type",
        TRAIN,
        [("batch\n", "job\n")],
        ["train/config.ini:2:14: default.STAGE_TYPE: must be one of batch, service, got the text `job`"],
    ),
    (
        "type and section differ",
        TRAIN,
        [("= batch\n", "= service\n")],
        [
            "train/config.ini: service: is missing, although STAGE_TYPE is `service`",
            "train/config.ini:7:1: batch: is not read, because STAGE_TYPE is `service`   [warning]",
        ],
    ),
    (
        "both sections",
        TRAIN,
        [("[secrets]", "[service]\nPORT=1\n[secrets]")],
        ["train/config.ini:11:1: service: is not read, because STAGE_TYPE is `batch`   [warning]"],
    ),
    ("no number", TRAIN, [("0.5", "half")], ["train/config.ini:4:15: default.CPU_REQUEST: must be a number, got the text `half`"]),
    (
        "comment behind a value",
        TRAIN,
        [("RETRIES = 2", "RETRIES = 2  ; twice")],
        ["train/config.ini:9:11: batch.RETRIES: must be a whole number, got the text `2  ; twice`; a comment needs a line of its own"],
    ),
    ("negative", TRAIN, [("RETRIES = 2", "RETRIES = -2")], ["train/config.ini:9:11: batch.RETRIES: must be 0 or more, got -2"]),
    ("infinite", TRAIN, [("0.5", "inf")], ["train/config.ini:4:15: default.CPU_REQUEST: must be a number, got the text `inf`"]),
    (
        "script out of the project",
        TRAIN,
        [("train.py", "/train.py")],
        ["train/config.ini:3:21: default.EXECUTABLE_SCRIPT: must be a file in the stage's folder, got `/train.py`"],
    ),
    (
        "secret",
        TRAIN,
        [("Credentials", "my_credentials")],
        [
            "train/config.ini:12:9: secrets.TOKEN: must be a name that a Kubernetes secret may have: lower-case letters, digits, `-` and `.`, with a letter or digit at both ends, got `my_credentials`"
        ],
    ),
    (
        "variable",
        TRAIN,
        [("token", "9token")],
        [
            "train/config.ini:12:1: secrets.9TOKEN: must be a name that an environment variable may have: letters, digits, `_`, `.` and `-`, no digit in front, got `9TOKEN`"
        ],
    ),
    (
        "ingress",
        SERVE,
        [("PORT = 5000", "PORT = 5000\nINGRESS = yes")],
        ["serve/config.ini:11:11: service.INGRESS: must be one of True, False, got the text `yes`"],
    ),
    ("port", SERVE, [("5000", "70000")], ["serve/config.ini:10:8: service.PORT: must be 65535 or less, got 70000"]),
    ("no time to start", SERVE, [("= 30", "= 0")], ["serve/config.ini:8:28: service.MAX_STARTUP_TIME_SECONDS: 0 is taken as 60   [note]"]),
    (
        "missing number",
        SERVE,
        [("REPLICAS = 1", "REPLICAS =")],
        ["serve/config.ini:9:1: service.REPLICAS: must be a whole number, got an empty text"],
    ),
]


@pytest.mark.parametrize(("file", "changes", "lines"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_is_said_with_its_place_and_remedy(tmp_path: Path, file: str, changes: list[tuple[str, str]], lines: list[str]) -> None:
    write(tmp_path, {**GOOD_INI, file: changed(GOOD_INI[file], *changes)})
    assert said(tmp_path) == lines
