"""Files that want to do harm, or are no configs at all: each is one fault among others, never a traceback, a wait or a full memory."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from problem_texts import GOOD, GOOD_INI, found, said, write

from bodywork_compiler.report import problems as report

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
MERGED_LAUGHS = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12))
INI_LAUGHS = "[default]\na0 = ha\n" + "".join(f"a{n} = {f'${{a{n - 1}}}' * 20}\n" for n in range(1, 9))
DEEP = "is nested too deeply"
TEXTS = {
    "billion laughs": (LAUGHS, "its anchors and aliases (`&`, `*`) make"),
    "billion merged laughs": (MERGED_LAUGHS, "its anchors and aliases (`&`, `*`) make"),
    "list in itself": ("a: &a [*a]\n", "an alias (`*`) stands inside of what its anchor (`&`) names"),
    "mapping in itself": ("&a {b: *a}\n", "an alias (`*`) stands inside of what its anchor (`&`) names"),
    "deep lists": ("[" * 100_000, DEEP),
    "deep mappings": ("{a: " * 50_000, DEEP),
    "deep block lists": ("- " * 50_000 + "x", DEEP),
    "deep block mappings": ("".join(" " * depth + "a:\n" for depth in range(2_000)), DEEP),
    "deep keys": ("? " * 20_000 + "x", DEEP),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS.keys())
def test_yaml_that_explodes_is_refused_before_it_does(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, {"bodywork.yaml": text})
    (problem,) = found(tmp_path)
    assert problem.message.startswith(message)


def test_ini_that_explodes_is_refused_before_it_does(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD_INI, "bodywork.ini": INI_LAUGHS})
    assert "bodywork.ini:10:6: default.A8: its `${…}` make too much text" in said(tmp_path)


def test_ten_megabytes_of_text(tmp_path: Path) -> None:
    write(tmp_path, {"bodywork.yaml": GOOD + "x: " + "a" * 10_000_000})
    assert said(tmp_path) == ["bodywork.yaml:28:1: `x` is not a key of a config (ignored)   [warning]"]


def test_thousands_of_wrong_names_are_each_said(tmp_path: Path) -> None:
    names = ", ".join(f"stage{number}" for number in range(3_000))
    write(tmp_path, {"bodywork.yaml": GOOD.replace("train >> serve", names) + "".join(f"key{number}: 1\n" for number in range(3_000))})
    assert len(found(tmp_path)) == 3_000 + 3_000 + 2  # and two stages that no step names


BYTES = {
    "binary": (b"\x7fELF\x00\x01\xff\xfe", "bodywork.yaml: is a binary file, not text"),
    "not UTF-8": ("naïve: é\n".encode("latin-1"), "bodywork.yaml:1:3: is not UTF-8: byte 0xef; save the file as UTF-8"),
    "not UTF-8, later": ("ok: 1\né: ".encode() + b"\xff", "bodywork.yaml:2:4: is not UTF-8: byte 0xff; save the file as UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "bodywork.yaml: is UTF-16, not UTF-8; save the file as UTF-8"),
    "NUL": (b"a: \x00\n", "bodywork.yaml:1:4: holds a control character"),
    "empty": (b"", "bodywork.yaml: is empty; a config begins with: version, pipeline, stages, logging"),
    "only a comment": (b"# soon\n", "bodywork.yaml: is empty; a config begins with: version, pipeline, stages, logging"),
}


@pytest.mark.parametrize(("content", "line"), BYTES.values(), ids=BYTES.keys())
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes, line: str) -> None:
    (tmp_path / "bodywork.yaml").write_bytes(content)
    assert said(tmp_path) == [line]


def test_a_folder_in_the_place_of_a_config(tmp_path: Path) -> None:
    (tmp_path / "bodywork.yaml").mkdir()
    assert said(tmp_path) == ["bodywork.yaml: is a folder, not a file"]


def test_a_pipe_in_the_place_of_a_config_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bodywork.yaml")
    assert said(tmp_path) == ["bodywork.yaml: is no ordinary file"]


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "bodywork.yaml").symlink_to("gone.yaml")
    assert said(tmp_path) == ["bodywork.yaml: is a link to a file that is not there"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "bodywork.yaml").touch(mode=0)
    assert said(tmp_path) == ["bodywork.yaml: cannot be read: Permission denied"]


def test_a_stages_folder_may_hold_a_pipe_too(tmp_path: Path) -> None:
    write(tmp_path, GOOD_INI)
    (tmp_path / "train/requirements.txt").unlink()
    os.mkfifo(tmp_path / "train/requirements.txt")
    assert said(tmp_path) == ["train/requirements.txt: is no ordinary file; make an empty one if the stage needs nothing"]


def test_what_a_terminal_would_obey_is_not_printed(tmp_path: Path) -> None:
    write(tmp_path, {"bodywork.yaml": GOOD.replace("train >> serve", '"train >> \\e[31mserve\\u202e"')})
    assert all(line.replace("\n", "").isprintable() for line in said(tmp_path))


PIECES = [
    *(
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: *a",
        "- ",
        "? ",
        ": ",
        '"',
        "'",
        "|",
        ">",
        "\t",
        "\n",
        "  ",
        "!!int ",
        "!!set ",
        "!x ",
        "%",
        "@",
    ),
    *(
        "~",
        "yes",
        "1e3",
        ".nan",
        "2020-13-45",
        "0b_",
        "1:30",
        "---\n",
        "\0",
        "\x1b",
        "\u2028",
        "é",
        "😀",
        "$",
        "${",
        "${a:b}",
        "=",
        "[default]\n",
    ),
    *("#", ";", "9" * 5_000, '"\\ud800"', '"\\0"', "\r", "\ufeff", "../", "/"),
]


def mutated(text: str, rnd: random.Random) -> str:
    for _ in range(rnd.randint(1, 4)):
        at, other = rnd.randrange(len(text) + 1), rnd.randrange(len(text) + 1)
        piece = rnd.choice([rnd.choice(PIECES), "", text[other : other + rnd.randint(1, 80)]])
        text = text[:at] + piece + text[at + rnd.choice([0, 0, rnd.randint(1, 30)]) :]
    return text


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_to_a_file_it_is_understood_or_refused(tmp_path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    refused = 0
    for _ in range(100):
        files = {"bodywork.yaml": mutated(GOOD, rnd)} if seed % 2 else {name: mutated(text, rnd) for name, text in GOOD_INI.items()}
        problems = found(write(tmp_path, files), check_files=True)
        refused += bool(problems)
        for problem in problems:
            assert "Error" not in problem.message
            report.text(problem).encode()
            report.as_github(problem).encode()
    assert refused > 50
