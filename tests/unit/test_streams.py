"""stdout and stderr as all of the program writes to them."""

from __future__ import annotations

import errno
import io
import os

import click
import pytest
from hostile_words import HOSTILE, unsafe_in

from bodywork_compiler import streams
from bodywork_compiler.streams import SafeStream


def a_stream(*, is_ci: bool = False, encoding: str = "utf-8") -> SafeStream:
    return SafeStream(io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="", errors="backslashreplace"), is_ci=is_ci)


def shown(stream: SafeStream) -> str:
    stream.flush()
    return stream.below.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("is_ci", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_whoever_writes(*, is_ci: bool, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = a_stream(is_ci=is_ci, encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    click.echo(HOSTILE)
    click.echo(HOSTILE, nl=False)
    click.echo(HOSTILE.encode(errors="replace").decode())
    click.secho(HOSTILE, fg="red", color=True)
    print(HOSTILE, HOSTILE, sep="\n")
    stream.writelines([HOSTILE, "\n", HOSTILE])
    assert unsafe_in(shown(stream), is_ci=is_ci) == []
    assert "xy" in shown(stream)


def test_text_stays_as_it_is() -> None:
    text = "tab\tü 漢 😀 👩‍💻 a::b\n\n  two\n"
    stream = a_stream()
    assert stream.write(text) == len(text)
    assert shown(stream) == text


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["::error::x"], ": :error::x"),
        (["a ", "::error::x"], "a ::error::x"),
        (["a\n", "::error::x"], "a\n: :error::x"),
        (["a\n  ", "\t", "::error::x"], "a\n  \t: :error::x"),
        (["  ::group::"], "  : :group::"),
        (["a ##[group]b ##VSO[x]"], "a ## [group]b ## VSO[x]"),
        (["std::vector"], "std::vector"),
    ],
)
def test_a_command_at_the_start_of_a_line_is_text_in_ci(pieces: list[str], said: str) -> None:
    stream = a_stream(is_ci=True)
    for piece in pieces:
        stream.write(piece)
    assert shown(stream) == said


@pytest.mark.parametrize(
    ("variable", "is_ci"), [("CI", True), ("GITHUB_ACTIONS", True), ("TF_BUILD", True), ("TEAMCITY_VERSION", True), ("HOME", False)]
)
def test_what_a_ci_job_is_known_by(variable: str, *, is_ci: bool) -> None:
    assert streams.is_ci({variable: "1"}) is is_ci
    assert not streams.is_ci({variable: ""})


class _Broken(io.StringIO):
    def __init__(self, fault: OSError, number: int) -> None:
        super().__init__()
        self._fault, self._number = fault, number

    def write(self, _text: str) -> int:
        raise self._fault

    def fileno(self) -> int:
        return self._number


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO])
def test_talk_that_nobody_can_read_ends_nothing(number: int) -> None:
    at = os.open(os.devnull, os.O_RDONLY)
    try:
        SafeStream(_Broken(OSError(number, ""), at), is_ci=False, is_talk=True).write("a warning\n")
        assert os.write(at, b"now it leads to nothing") == 23
        with pytest.raises(OSError, match="Errno"):
            SafeStream(_Broken(OSError(number, ""), at), is_ci=False).write("what was asked for\n")
    finally:
        os.close(at)
