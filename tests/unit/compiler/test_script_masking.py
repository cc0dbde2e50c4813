"""How values of secrets are known in what a program prints. Pods and the driver mask alike."""

from __future__ import annotations

import base64
import os
import random
import subprocess
import sys

import pytest
from secret_forms import ODD, PRINTS, leaks

from bodywork_compiler import labels
from bodywork_compiler.compiler.scripts import masking

TOKEN = "github_pat_11A/bc+d=="
KEY = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5v\nbmUAAAAEbm9uZQAAAAAAAAABAAAA\n-----END KEY-----\n"
VALUES = [TOKEN, ODD, KEY, "hunter2", "pässword", "https://user:s3cr%40t@host/x"]


def masked(text: str, *values: str, pieces: int | None = None) -> str:
    stream = masking.Stream(value.encode() for value in values)
    data = text.encode()
    size = pieces or len(data) or 1
    return b"".join([*(stream.feed(data[at : at + size]) for at in range(0, len(data), size)), stream.end()]).decode()


def all_forms_of(*values: str) -> str:
    names = {f"CANARY_{number}": value for number, value in enumerate(values)}
    env = {**os.environ, **names, "BODYWORK_SECRET_VARIABLES": " ".join(names), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-c", PRINTS], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    ).stdout.decode()


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_known_in_every_form(value: str) -> None:
    printed = all_forms_of(value)
    assert len(leaks(printed, value)) > 50, "the search finds them"
    for text in (masked(printed, value), masking.Masker(masking.forms(value.encode())).text(printed)):
        assert leaks(text, value) == []
        assert text.endswith("all is printed\n")


def test_an_address_has_its_password_masked_alone_too() -> None:
    assert masked("s3cr%40t s3cr@t user host", "https://user:s3cr%40t@host/x") == "*** *** user host"
    assert masked("0123456789abcdef0123", "https://0123456789abcdef0123@host") == "***"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_value_may_come_in_pieces(size: int) -> None:
    text = f"a {TOKEN} b\n{TOKEN}\n{KEY}hunter{TOKEN}hunter2\rhunter2 hunt\n{'x' * 1000}hunter2{'x' * 1000}hunt"
    assert masked(text, TOKEN, KEY, "hunter2", pieces=size) == masked(text, TOKEN, KEY, "hunter2")
    assert masked(text, TOKEN, KEY, "hunter2").endswith("x***" + "x" * 1000 + "hunt")


def test_a_whole_line_waits_for_nothing() -> None:
    stream = masking.Stream([TOKEN.encode()])
    assert stream.feed(b"ready\n") == b"ready\n"
    assert stream.feed(b"50 %\r") == b"50 %\r"


def test_a_line_that_never_ends_is_passed_on_but_for_the_length_of_a_value() -> None:
    stream = masking.Stream([b"hunter2"])
    passed = b"".join(stream.feed(b"x" * 1000) for _ in range(100))
    assert 100_000 - 100 < len(passed) < 100_000


def test_what_is_no_text_passes_as_it_is() -> None:
    data = bytes(range(256)) * 300 + random.Random(1).randbytes(100_000)
    stream = masking.Stream([TOKEN.encode(), b"\xff\xfe\x00\x80raw"])
    assert stream.feed(data) + stream.end() == data
    assert stream.feed(b"a\xff\xfe\x00\x80raw\n") == b"a***\n"


def test_values_that_overlap_are_masked_whole() -> None:
    assert masked("abcdefghi abcdef", "abcdef", "defghi", "cdef") == "*** ***"
    assert masked("user username-4711", "user", "username-4711") == "*** ***"


@pytest.mark.parametrize("value", ["", " ", "1", "abc", "a\nb\nc"])
def test_short_values_hide_nothing(value: str) -> None:
    text = "1 abc a b c YWJj"
    assert masked(text, value) == text


def test_a_whole_file_of_lines_is_no_burden() -> None:
    file = "\n".join(base64.b64encode(random.Random(number).randbytes(48)).decode() for number in range(3000))
    stream = masking.Stream([file.encode()])
    assert stream.feed((file.splitlines()[1500] + "\n").encode()) == b"***\n"


def test_the_container_says_which_of_its_variables_are_secret() -> None:
    assert masking.VARIABLES == labels.SECRET_VARIABLES
    stream = masking.stream_for({masking.VARIABLES: "ONE OTHER MISSING", "ONE": "hunter2", "OTHER": TOKEN, "PLAIN": "shown"})
    assert stream.feed(f"hunter2 {TOKEN} shown\n".encode()) == b"*** *** shown\n"
    assert not masking.stream_for({"ONE": "hunter2"}).knows_some


@pytest.mark.parametrize("address", ["https://me:s3cret-word@host", "see git+ssh://me:s3cret-word@host/x"])
def test_the_password_of_an_address_is_known_whatever_its_scheme(address: str) -> None:
    assert "s3cret-word" in masking.forms(address.encode())
