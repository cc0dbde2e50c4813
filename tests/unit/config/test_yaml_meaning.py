"""How the parts of bodywork.yaml go together, and what Kubernetes would make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from problem_texts import GOOD, changed, said, write

# what changes in GOOD, and each line that is said, without the file's name in front
CASES = [
    (
        "name that no DAG can hold",
        [("  train:", "  train it:"), ("DAG: train", "DAG: train it")],
        [
            "5:8: pipeline.DAG: step 1 names `trainit`, which is no stage\n    DAG: train it >> serve\n         ^^^^^^^^ blanks are ignored here, so no DAG can name stage `train it`: take them out of its name",
            "7:3: stages.train it: no step of the DAG names this stage; a DAG cannot name it: take blanks, `,` and `>>` out of the name   [warning]",
        ],
    ),
    (
        "one > between steps",
        [("train >> serve", "train > serve")],
        [
            "5:8: pipeline.DAG: step 1 names `train>serve`, which is no stage\n    DAG: train > serve\n         ^^^^^^^^^^^^^ between two steps stands `>>`",
            "7:3: stages.train: no step of the DAG names this stage   [warning]",
            "17:3: stages.serve: no step of the DAG names this stage   [warning]",
        ],
    ),
    (
        "three > between steps",
        [("train >> serve", "train >>> serve")],
        [
            "5:16: pipeline.DAG: step 2 names `>serve`, which is no stage\n    DAG: train >>> serve\n                 ^^^^^^^ between two steps stands `>>`",
            "17:3: stages.serve: no step of the DAG names this stage   [warning]",
        ],
    ),
    (
        "name _",
        [("  name: iris", "  name: my_pipeline")],
        ["3:9: pipeline.name: must hold letters, digits, `.` and `-` only, got `my_pipeline`"],
    ),
    (
        "name long",
        [("  name: iris", "  name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")],
        [
            "3:9: pipeline.name: is too long: Kubernetes takes 63 characters in a label, and this has 64; for example `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`"
        ],
    ),
    ("name upper", [("  name: iris", "  name: Iris")], [" in Kubernetes, `Iris` is called `iris`   [note]"]),
    (
        "name dots",
        [("  name: iris", "  name: my.iris")],
        [" `my.iris` can be no namespace's name: the namespace is called `my-iris`   [note]"],
    ),
    (
        "name --",
        [("  name: iris", "  name: --")],
        ["3:9: pipeline.name: needs a letter or digit (a to z, 0 to 9), got `--`; for example `iris`"],
    ),
    (
        "namespace as written",
        [("  name: iris", "  name: iris\n  namespace: My_NS")],
        [
            "4:14: pipeline.namespace: must be a name that a Kubernetes namespace may have: lower-case letters, digits and `-`, with a letter or digit at both ends, got `My_NS`"
        ],
    ),
    (
        "group",
        [("  name: iris", "  name: iris\n  secrets_group: Prod")],
        [
            "4:18: pipeline.secrets_group: must be made of lower-case letters, digits, `-` and `.`, with a letter or digit at both ends, got `Prod`"
        ],
    ),
    (
        "image latest",
        [("python:3.11", "python:latest")],
        [
            "4:17: pipeline.docker_image: `python:latest` has the tag `latest`: what it names may change between two runs; name a version, or a digest (`NAME@sha256:…`)   [warning]"
        ],
    ),
    (
        "image none",
        [("python:3.11", "bodyworkml/bodywork-core")],
        [
            "4:17: pipeline.docker_image: `bodyworkml/bodywork-core` has no tag, which means `latest`: what it names may change between two runs; name a version, or a digest (`NAME@sha256:…`)   [warning]"
        ],
    ),
    (
        "image bad",
        [("python:3.11", "Python:3.11")],
        [
            "4:17: pipeline.docker_image: must be the name of an image, got `Python:3.11`; write it in lower case (a tag may have upper case)"
        ],
    ),
    (
        "image url",
        [("python:3.11", "https://example.com/x:1")],
        [
            "4:17: pipeline.docker_image: must be the name of an image, got `https://example.com/x:1`; leave out what stands before `//`, and the `//`"
        ],
    ),
    (
        "image port no tag",
        [("python:3.11", "localhost:5000/x/y")],
        [
            "4:17: pipeline.docker_image: `localhost:5000/x/y` has no tag, which means `latest`: what it names may change between two runs; name a version, or a digest (`NAME@sha256:…`)   [warning]"
        ],
    ),
    (
        "image blank",
        [("python:3.11", '"python:3.11 "')],
        ["4:17: pipeline.docker_image: must be the name of an image, got `python:3.11 `; take the blanks away"],
    ),
    ("port 0", [("port: 5000", "port: 0")], ["24:13: stages.serve.service.port: must be 1 or more, got 0"]),
    ("port 70000", [("port: 5000", "port: 70000")], ["24:13: stages.serve.service.port: must be 65535 or less, got 70000"]),
    (
        "dag empty name",
        [("train >> serve", "train >> >> serve")],
        [
            "5:17: pipeline.DAG: step 2 has an empty stage name\n    DAG: train >> >> serve\n                  ^ between two `>>` or `,` stands the name of a stage"
        ],
    ),
    (
        "dag trailing",
        [("train >> serve", "train >> serve,")],
        [
            "5:22: pipeline.DAG: step 2 has an empty stage name\n    DAG: train >> serve,\n                       ^ between two `>>` or `,` stands the name of a stage"
        ],
    ),
    ("dag empty", [("train >> serve", '""')], ["5:8: pipeline.DAG: must not be empty"]),
    (
        "dag unknown",
        [("train >> serve", "train >> serv")],
        [
            "5:17: pipeline.DAG: step 2 names `serv`, which is no stage\n    DAG: train >> serv\n                  ^^^^ did you mean `serve`?",
            "17:3: stages.serve: no step of the DAG names this stage   [warning]",
        ],
    ),
    (
        "dag unknown quoted",
        [("train >> serve", '"train >> serv"')],
        [
            '5:18: pipeline.DAG: step 2 names `serv`, which is no stage\n    DAG: "train >> serv"\n                   ^^^^ did you mean `serve`?',
            "17:3: stages.serve: no step of the DAG names this stage   [warning]",
        ],
    ),
    (
        "dag folded",
        [("train >> serve", ">-\n    train >>\n    serv")],
        [
            "7:5: pipeline.DAG: step 2 names `serv`, which is no stage\n    serv\n    ^^^^ did you mean `serve`?",
            "19:3: stages.serve: no step of the DAG names this stage   [warning]",
        ],
    ),
    (
        "dag twice",
        [("train >> serve", "train, train >> serve")],
        ["5:15: pipeline.DAG: step 1 names `train` twice\n    DAG: train, train >> serve\n                ^^^^^ take one away"],
    ),
    (
        "dag service twice",
        [("train >> serve", "serve >> train >> serve")],
        [
            "5:26: pipeline.DAG: names the service stage `serve` again, in step 3\n    DAG: serve >> train >> serve\n                           ^^^^^ a service keeps running: name it once"
        ],
    ),
    ("dag batch again", [("train >> serve", "train >> serve >> train")], []),
    ("unused", [("train >> serve", "serve")], ["7:3: stages.train: no step of the DAG names this stage   [warning]"]),
    (
        "failure stage unknown",
        [("  name: iris", "  name: iris\n  run_on_failure: trian")],
        ["4:19: pipeline.run_on_failure: `trian` is no stage; did you mean `train`?"],
    ),
    (
        "failure stage a service",
        [("  name: iris", "  name: iris\n  run_on_failure: serve")],
        ["4:19: pipeline.run_on_failure: `serve` is a service; only a batch stage can run on failure: it has an end"],
    ),
    ("failure stage outside of the DAG", [("train >> serve", "serve"), ("  name: iris", "  name: iris\n  run_on_failure: train")], []),
    (
        "absolute path",
        [("train.py", "/train.py")],
        [
            "8:29: stages.train.executable_module_path: must be a path inside the project, got `/train.py`; paths are relative to the config's folder"
        ],
    ),
    (
        "path out of the project",
        [("train.py", "../train.py")],
        [
            "8:29: stages.train.executable_module_path: must be a path inside the project, got `../train.py`; paths are relative to the config's folder"
        ],
    ),
    (
        "neither py nor ipynb",
        [("train.py", "train.sh")],
        ["8:29: stages.train.executable_module_path: must end in `.py` or `.ipynb`, got `train.sh`"],
    ),
    (
        "arguments for a notebook",
        [("train.py", "train.ipynb")],
        ["9:5: stages.train.args: a notebook takes no arguments: these are ignored   [warning]"],
    ),
    (
        "notebook in 1.0",
        [('version: "1.1"', 'version: "1.0"'), ("pipeline", "project"), ("train.py", "train.ipynb")],
        [
            "8:29: stages.train.executable_module_path: must end in `.py`, got `train.ipynb`",
            "9:5: stages.train.args: a notebook takes no arguments: these are ignored   [warning]",
        ],
    ),
    (
        "secret upper",
        [("credentials", "Credentials")],
        [
            "13:14: stages.train.secrets.TOKEN: must be a name that a Kubernetes secret may have: lower-case letters, digits, `-` and `.`, with a letter or digit at both ends, got `Credentials`"
        ],
    ),
    (
        "env digit",
        [("TOKEN", "9TOKEN")],
        [
            "13:7: stages.train.secrets.9TOKEN: must be a name that an environment variable may have: letters, digits, `_`, `.` and `-`, no digit in front, got `9TOKEN`"
        ],
    ),
    (
        "secret named NO",
        [("TOKEN", "NO")],
        ['13:7: stages.train.secrets.NO: a name must be text, and YAML reads `NO` as true or false; put it in quotes: "NO"'],
    ),
    (
        "long stage",
        [
            ("  train:", "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:"),
            ("DAG: train", "DAG: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ],
        [
            "7:3: stages.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: is too long: Kubernetes takes 63 characters, and `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…` has 64; for example `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`"
        ],
    ),
    (
        "long twice",
        [
            ("  train:", "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:"),
            (
                "DAG: train",
                "DAG: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >> aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ),
        ],
        [
            "7:3: stages.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: is too long: Kubernetes takes 63 characters, and `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…` has 64; for example `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`"
        ],
    ),
    (
        "collide",
        [
            (
                "  train:\n",
                "  se_rve:\n    executable_module_path: a.py\n    cpu_request: 0\n    memory_request_mb: 0\n    batch: {retries: 0, max_completion_time_seconds: 0}\n  train:\n",
            ),
            ("  serve:", "  se-rve:"),
            (">> serve", ">> se-rve, se_rve"),
        ],
        ["22:3: stages.se-rve: `se-rve` is called `se-rve` in Kubernetes, as `se_rve` is; rename one of the two"],
    ),
    (
        "collide again",
        [("  serve:", "  train-2:"), (">> serve", ">> train-2 >> train")],
        ["17:3: stages.train-2: `train-2` is called `train-2` in Kubernetes, as `train`, when it comes again, is; rename one of the two"],
    ),
    (
        "digit service",
        [("  serve:", "  1serve:"), (">> serve", ">> 1serve")],
        ["17:3: stages.1serve: a service's name must begin with a letter: Kubernetes refuses `1serve`; for example `s1serve`"],
    ),
    ("digit batch", [("  train:", "  1train:"), ("DAG: train", "DAG: 1train")], []),
    (
        "name without a letter",
        [("  train:", "  模型:"), ("DAG: train", "DAG: 模型")],
        ["7:3: stages.模型: a stage's name needs a letter or digit (a to z, 0 to 9); for example `train`"],
    ),
    (
        "cleaned",
        [("  train:", "  Train_it:"), ("DAG: train", "DAG: Train_it")],
        [" in Kubernetes, `Train_it` is called `train-it`   [note]"],
    ),
    (
        "stage number",
        [("  train:", "  12:"), ("DAG: train", "DAG: 12")],
        ['7:3: stages.12: a name must be text, and YAML reads `12` as a number; put it in quotes: "12"'],
    ),
    (
        "startup 0",
        [("max_startup_time_seconds: 30", "max_startup_time_seconds: 0")],
        ["22:33: stages.serve.service.max_startup_time_seconds: 0 is taken as 60   [note]"],
    ),
]


@pytest.mark.parametrize(("changes", "lines"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_is_said_with_its_place_and_remedy(tmp_path: Path, changes: list[tuple[str, str]], lines: list[str]) -> None:
    write(tmp_path, {"bodywork.yaml": changed(GOOD, *changes)})
    assert said(tmp_path) == [f"bodywork.yaml:{line}" for line in lines]
