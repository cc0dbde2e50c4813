"""Pasted private keys: what is mended, and that nothing else is touched."""

from __future__ import annotations

import pytest

from bodywork_compiler.secret_groups.sources import mended

KEY = "BODYWORK_GIT_SSH_PRIVATE_KEY"
WHOLE = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\nAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize("key", [KEY, "BODYWORK_GITHUB_SSH_PRIVATE_KEY"])
@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        pytest.param(WHOLE[:-1], "its last line break was missing", id="a shell's $(cat key)"),
        pytest.param(WHOLE.replace("\n", "\\n"), r"`\n` became line breaks", id="from JSON"),
        pytest.param(WHOLE.replace("\n", "\\n")[:-2], r"`\n` became line breaks, its last line break was missing", id="from JSON, cut"),
        pytest.param(WHOLE.replace("\n", "\r\n"), "carriage returns were removed", id="from Windows"),
        pytest.param(WHOLE.replace("\n", "\\r\\n"), r"`\n` became line breaks, carriage returns were removed", id="from Windows by JSON"),
        pytest.param(WHOLE.replace("\n", " ").strip(), "blanks became line breaks, its last line break was missing", id="echo $KEY"),
        pytest.param(f"\n  {WHOLE}", "blanks around it were removed", id="indented"),
    ],
)
def test_a_pasted_key_becomes_what_ssh_takes(key: str, pasted: str, said: str) -> None:
    assert mended(key, pasted.encode()) == (WHOLE.encode(), (f"{key}: mended: {said}",))


def test_headers_of_an_encrypted_key_keep_their_blanks() -> None:
    text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nabc\n-----END RSA PRIVATE KEY-----"
    assert mended(KEY, text.encode())[0] == f"{text}\n".encode()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(KEY, WHOLE.encode(), id="a whole key"),
        pytest.param("OTHER", WHOLE[:-1].encode(), id="another secret's key"),
        pytest.param("known_hosts", b"host ssh-ed25519 AAAA", id="beside the key"),
    ],
)
def test_what_is_whole_or_no_ssh_key_stays_as_it_is(key: str, value: bytes) -> None:
    assert mended(key, value) == (value, ())


@pytest.mark.parametrize("value", [b"ssh-ed25519 AAAAC3 me@host\n", b"paste_your_private_key_here", b"\xff\xfe", b""])
def test_what_is_no_private_key_is_taken_and_told_without_its_text(value: bytes) -> None:
    kept, notes = mended(KEY, value)
    assert kept == value
    assert notes == (f"{KEY}: this does not look like a private key, which begins with -----BEGIN … PRIVATE KEY-----",)
