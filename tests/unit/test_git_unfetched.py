"""What is said of submodules and Git LFS, whatever stands in their files."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from builders import write

from bodywork_compiler.git.unfetched import notes_about


def test_submodules_and_patterns_are_named(tmp_path: Path) -> None:
    write(tmp_path / ".gitmodules", '[submodule "a"]\n\tpath = libs/a b \n\turl = https://git.example.com/a\n[submodule "b"]\n path=b\r\n')
    write(
        tmp_path / ".gitattributes",
        "# *.txt filter=lfs\n\n*.py\nfilter=lfs\n*.bin filter=lfs diff=lfs\n\t*.csv -text filter=lfs\r\n*.md text\n",
    )
    submodules, patterns = notes_about(tmp_path, tmp_path)
    assert "do not find libs/a b, b:" in submodules
    assert "keeps (*.bin, *.csv)" in patterns


def test_nothing_is_said_where_there_is_nothing(tmp_path: Path) -> None:
    write(tmp_path / ".gitmodules", '[submodule "a"]\n\tpath =\n')
    assert notes_about(tmp_path, tmp_path) == ()


@pytest.mark.parametrize("name", [".gitattributes", ".gitmodules"])
@pytest.mark.parametrize(
    "text",
    ["\n" * 1_000_000, " " * 1_000_000, "path = a" + " " * 1_000_000 + "b", "path" + "\t" * 1_000_000, "a " * 500_000, "a" * 1_000_000],
    ids=["lines", "spaces", "spaces within", "tabs", "words", "a word"],
)
def test_no_file_takes_for_ever(tmp_path: Path, name: str, text: str) -> None:
    """A pattern that looks at each character for each would take hours: waited for in a process that can be ended."""
    write(tmp_path / name, text)
    process = multiprocessing.get_context("fork").Process(target=notes_about, args=(tmp_path, tmp_path))
    process.start()
    process.join(timeout=60)
    is_done = not process.is_alive()
    process.kill()
    process.join()
    assert is_done


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    write(tmp_path / ".gitattributes", "#" * (2 << 20) + "\n*.bin filter=lfs\n")
    assert notes_about(tmp_path, tmp_path) == ()
