"""What YAML itself finds in a bodywork.yaml, and what it reads otherwise than it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from problem_texts import GOOD, changed, said, write

# what changes in GOOD, and each line that is said, without the file's name in front
CASES = [
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
    (
        "two docs",
        [("logging:\n", "---\nlogging:\n")],
        ["26:1: a second YAML document begins here; a config is one document; take away the line `---` and what follows it"],
    ),
    (
        "document ended",
        [("logging:\n", "...\nlogging:\n")],
        ["27:1: the config ended above, and this does not belong to it; take away a line `...`, or write this as `key: value`"],
    ),
    (
        "ini in a yaml",
        [(GOOD, "[default]\nPROJECT_NAME=iris\n")],
        ["2:1: the config ended above, and this does not belong to it; take away a line `...`, or write this as `key: value`"],
    ),
    ("empty", [(GOOD, "")], [" is empty; a config begins with: version, pipeline, stages, logging"]),
    ("list", [(GOOD, "- a\n")], ["1:1: a config must be a mapping with the keys version, pipeline, stages and logging"]),
    ("text", [(GOOD, "hello\n")], ["1:1: a config must be a mapping with the keys version, pipeline, stages and logging"]),
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
    (
        "colon forgotten",
        [("  DAG: train", "  DAG train")],
        ["5:3: this line should be `key: value`, or belong to the one before"],
    ),
    (
        "blank forgotten",
        [("      retries: 2", "      retries:2")],
        ["16:7: this line should be `key: value`, or belong to the one before; a blank follows the `:`"],
    ),
    (
        "line that belongs to none",
        [("logging:\n", "and so on\nlogging:\n")],
        ["26:1: this line should be `key: value`, or belong to the one before"],
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
]


@pytest.mark.parametrize(("changes", "lines"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_is_said_with_its_place_and_remedy(tmp_path: Path, changes: list[tuple[str, str]], lines: list[str]) -> None:
    write(tmp_path, {"bodywork.yaml": changed(GOOD, *changes)})
    assert said(tmp_path) == [f"bodywork.yaml:{line}" for line in lines]
