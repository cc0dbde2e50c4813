"""From options to values: each source, and every problem in one message, never with a value in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.secret_groups.sources import LARGEST_BYTES, Change, Typed, World, read


def world(environ: Mapping[str, str] | None = None, *, stdin: bytes = b"", prompt: Callable[[str], str] | None = None) -> World:
    return World(environ=environ or {}, stdin=lambda: stdin, prompt=prompt)


def change(*data: str, files: tuple[str, ...] = (), env_files: tuple[str, ...] = (), of: World | None = None) -> Change:
    return read(Typed(data=data, files=files, env_files=env_files), of or world(), may_remove=True)


def problems(*data: str, files: tuple[str, ...] = (), env_files: tuple[str, ...] = (), of: World | None = None) -> list[str]:
    with pytest.raises(BodyworkError) as refused:
        read(Typed(data=data, files=files, env_files=env_files), of or world())
    assert refused.value.hint is not None
    assert "--from-env-file" in refused.value.hint
    first, *others = refused.value.message.splitlines()
    assert first == "the secret's values cannot be read:"
    return [each.strip() for each in others]


@pytest.mark.parametrize(
    ("typed", "key", "value"),
    [
        ("USER=me", "USER", b"me"),
        ("URL=postgres://a=b", "URL", b"postgres://a=b"),
        ("DASH=--- x", "DASH", b"--- x"),
        ("my.key-1_=x", "my.key-1_", b"x"),
        ("NAME=Zoë", "NAME", "Zoë".encode()),
        ("BYTES=\udcff", "BYTES", b"\xff"),
    ],
)
def test_a_value_begins_behind_the_first_equals_sign(typed: str, key: str, value: bytes) -> None:
    assert change(typed).values == {key: value}


def test_a_key_alone_takes_the_environment_variable_and_asks_only_for_what_is_not_there() -> None:
    asked: list[str] = []

    def prompt(key: str) -> str:
        asked.append(key)
        return "typed"

    got = change("USER", "PASSWORD", of=world({"USER": "me"}, prompt=prompt))
    assert got.values == {"USER": b"me", "PASSWORD": b"typed"}
    assert asked == ["PASSWORD"]


def test_nobody_types_a_password_for_what_is_refused_anyhow() -> None:
    def prompt(key: str) -> str:
        raise AssertionError(f"{key} was asked for")

    assert problems("EMPTY=", "PASSWORD", of=world(prompt=prompt)) == ["--data EMPTY: an empty value"]


@pytest.mark.parametrize(
    ("typed", "piped", "value"),
    [("K=-", b"secret\n", b"secret"), ("K=-", b"secret\r\n", b"secret"), ("K=-", b"two\nlines\n\n", b"two\nlines\n")],
)
def test_standard_input_is_a_text_without_its_last_line_break(typed: str, piped: bytes, value: bytes) -> None:
    assert change(typed, of=world(stdin=piped)).values == {"K": value}


def test_a_file_is_taken_byte_by_byte(tmp_path: Path) -> None:
    file = tmp_path / "token.bin"
    file.write_bytes(b"\x00\xff\n")
    assert change(files=(f"TOKEN={file}", str(file))).values == {"TOKEN": b"\x00\xff\n", "token.bin": b"\x00\xff\n"}
    assert change(files=("TOKEN=-",), of=world(stdin=b"\x00\n")).values == {"TOKEN": b"\x00\n"}


def test_an_env_file_has_a_line_for_each_key(tmp_path: Path) -> None:
    file = tmp_path / "my.env"
    file.write_text("\ufeff# comment\n\nA=1\n  B=two words\nEMPTY=\nHOME_REGION\nQUOTED='x'\n")
    got = change(env_files=(str(file),), of=world({"HOME_REGION": "eu"}))
    assert got.values == {"A": b"1", "B": b"two words", "EMPTY": b"", "HOME_REGION": b"eu", "QUOTED": b"'x'"}
    assert got.notes == (f"{file}:7: QUOTED: the quotes around its value are part of it",)


def test_a_key_with_a_minus_is_removed() -> None:
    got = change("OLD-", "NEW=1")
    assert (got.removed, got.values) == (("OLD",), {"NEW": b"1"})


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"A=\xe9\n")
    told = problems(
        "=x",
        "two words=x",
        "EMPTY=",
        "UNSET",
        "OLD-",
        "A=-",
        "A=2",
        files=("B=-", "C=/no/such/file"),
        env_files=(str(tmp_path / "latin"),),
    )
    assert told == [
        "--data (number 1): no key, which is made of letters, digits, `-`, `_` and `.`",
        "--data (number 2): no key, which is made of letters, digits, `-`, `_` and `.`",
        "--data OLD-: removes a key, and so is for `update` only",
        "--data A: this key is given twice",
        "--from-file B: standard input is read for --data A already",
        f"--from-env-file {tmp_path / 'latin'}: is not UTF-8 (byte 2)",
        "--data EMPTY: an empty value",
        "--from-file C: cannot be read: No such file or directory",
        "--data UNSET: has no value, and there is no environment variable of that name",
        "--data A: standard input is empty",
    ]


@pytest.mark.parametrize("typed", ["hunter2", "hunter2 ", "aHVudGVyMg=", "..", "s3cr3t/hunter2"])
def test_a_value_that_was_typed_in_place_of_a_key_is_not_repeated(typed: str) -> None:
    (told,) = problems(typed)
    assert "hunter2" not in told
    assert "aHVudGVyMg" not in told
    assert told.startswith("--data (number 1): ")


def test_an_env_files_line_without_a_key_is_told_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "my.env"
    file.write_text("export PASSWORD=hunter2\nPASSWORD: hunter2\n")
    assert [each.split(": ")[0] for each in problems(env_files=(str(file),))] == [f"{file}:1", f"{file}:2"]


@pytest.mark.parametrize("key", [".", "..", "..data", "a/b", "ä", "x" * 254])
def test_keys_are_those_that_kubernetes_takes(key: str) -> None:
    assert problems(f"{key}=x") == ["--data (number 1): no key, which is made of letters, digits, `-`, `_` and `.`"]


def test_more_than_a_secret_holds_is_refused_here(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * LARGEST_BYTES)
    assert problems("A=1", files=(str(tmp_path / "large"),)) == ["1,048,577 bytes in all: a secret holds 1,048,576 at most"]


def test_an_ssh_key_is_mended_wherever_it_comes_from() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
    got = change("BODYWORK_GIT_SSH_PRIVATE_KEY=-", of=world(stdin=f"{key}\n".encode()))
    assert got.values == {"BODYWORK_GIT_SSH_PRIVATE_KEY": f"{key}\n".encode()}
    assert len(got.notes) == 1
