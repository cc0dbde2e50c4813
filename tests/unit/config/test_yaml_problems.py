"""One fault after another in a good bodywork.yaml, and all that is said about it."""

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
    (
        "key twice",
        [("retries: 2", "retries: 2\n      retries: 3")],
        ["17:7: stages.train.batch.retries: `retries` is given twice; this one counts, not the one in line 16; take one away   [warning]"],
    ),
    (
        "section twice",
        [("logging:\n", "stages: {}\nlogging:\n")],
        [
            "5:8: pipeline.DAG: step 1 names `train`, which is no stage\n    DAG: train >> serve\n         ^^^^^",
            "5:17: pipeline.DAG: step 2 names `serve`, which is no stage\n    DAG: train >> serve\n                  ^^^^^",
            "26:1: stages: `stages` is given twice; this one counts, not the one in line 6; take one away   [warning]",
        ],
    ),
    (
        "tab for indentation",
        [("    cpu_request: 0.5", "\tcpu_request: 0.5")],
        ["10:1: a tab stands where YAML wants blanks; indent with blanks"],
    ),
    (
        "tab among blanks",
        [("    cpu_request: 0.5", "  \t  cpu_request: 0.5")],
        ["10:3: a tab stands where YAML wants blanks; indent with blanks"],
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
        "nan",
        [("cpu_request: 0.5", "cpu_request: .nan")],
        ["10:18: stages.train.cpu_request: must be a number, got something that is no finite number: `.nan`"],
    ),
    (
        "two docs",
        [("logging:\n", "---\nlogging:\n")],
        ["26:1: a second YAML document begins here; a config is one document; take away the line `---` and what follows it"],
    ),
    ("empty", [(GOOD, "")], [" is empty; a config begins with: version, pipeline, stages, logging"]),
    ("list", [(GOOD, "- a\n")], ["1:1: a config must be a mapping with the keys version, pipeline, stages and logging"]),
    ("text", [(GOOD, "hello\n")], ["1:1: a config must be a mapping with the keys version, pipeline, stages and logging"]),
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
    (
        "alias undefined",
        [('["--fast"]', "[*x]")],
        ["9:12: no anchor (`&`) of this alias's name stands before it; a value that begins with `*` needs quotes"],
    ),
    ("alias glob", [('["--fast"]', "*.py")], ["9:12: a `*` begins an alias here; a value that begins with `*` needs quotes"]),
    (
        "colon in a value",
        [("train >> serve", "train: serve")],
        ["5:13: a `:` stands where YAML expects none; a value that holds `: ` needs quotes; else look at the indentation"],
    ),
    ("unclosed", [('["--fast"]', '["--fast"')], ["10:5: a list in `[…]` lacks a `,` or its `]`"]),
    ("value begins with @", [("name: iris", "name: @iris")], ["3:9: this character cannot begin a value; put the value in quotes"]),
    (
        "indent",
        [("    cpu_request: 0.5", "     cpu_request: 0.5")],
        ["10:6: this line's indentation fits neither the lines above nor a key"],
    ),
    (
        "indent2",
        [("    cpu_request: 0.5", "   cpu_request: 0.5")],
        ["10:4: this line's indentation fits neither the lines above nor a key"],
    ),
    ("control", [("iris", "ir\x07is")], ["3:11: holds a control character"]),
    ("complex key", [("    args", "    ? [a]\n    : b\n    args")], ["9:7: a key must be text, not a list or a mapping"]),
    (
        "Python tag",
        [('["--fast"]', "[!!python/object:os.system x]")],
        ["9:12: stages.train.args[0]: must be text, got a value with the tag: `!!python/object:os.system`"],
    ),
    ("own tag", [('["--fast"]', "!foo [x]")], ["9:11: stages.train.args: must be a list, got a value with the tag: `!foo`"]),
    ("nul arg", [('"--fast"', '"a\\0b"')], ["9:12: stages.train.args[0]: must hold no NUL character, got `a\\u0000b`"]),
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
            "15:34: stages.train.env.1A: must be a name that an environment variable may have: letters, digits, `_`, `.` and `-`, no digit in front, got `1A`",
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
        "misspelt section",
        [("logging:", "loging:")],
        ["1:1: logging: is missing", "26:1: `loging` is not a key of a config (ignored); did you mean `logging`?   [warning]"],
    ),
]


@pytest.mark.parametrize(("changes", "lines"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_each_fault_is_said_with_its_place_and_remedy(tmp_path: Path, changes: list[tuple[str, str]], lines: list[str]) -> None:
    write(tmp_path, {"bodywork.yaml": changed(GOOD, *changes)})
    assert said(tmp_path) == [f"bodywork.yaml:{line}" for line in lines]
