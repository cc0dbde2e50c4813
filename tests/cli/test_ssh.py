"""A private repository by SSH, from this machine: the right key works, everything else says in one line what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import a_bare_copy, a_pipeline, write
from ssh_server import SshServer, make_key, needs_sshd, ssh_server

from bodywork_compiler.cli import main

pytestmark = needs_sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server("127.0.0.1", tmp_path_factory.mktemp("ssh") / "server") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test may use the keys, the agent or the known hosts of who runs it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


@pytest.fixture
def url(server: SshServer, tmp_path: Path, home: Path) -> str:
    return server.url(a_bare_copy(a_pipeline(tmp_path / "iris", remote=None), tmp_path / "iris.git"))


def render(url: str, key: Path, known_hosts: Path, *options: str) -> int:
    return main(["render", url, "--ssh", str(key), "--known-hosts", str(known_hosts), *options])


def test_the_right_key_clones_and_pods_fetch_by_ssh(server: SshServer, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert render(url, server.key, server.known_hosts(tmp_path / "known hosts")) == 0
    stdout = capfd.readouterr().out
    assert f'value: "{url}"' in stdout
    assert "ssh-git-private-key" in stdout
    assert server.key.read_text() not in stdout


def refused(url: str, key: Path, known_hosts: Path, capfd: pytest.CaptureFixture[str], *options: str) -> str:
    assert render(url, key, known_hosts, *options) == 1
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    assert "Traceback" not in stderr
    return stderr


def test_a_wrong_key_is_told(server: SshServer, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    other = make_key(tmp_path / "other")
    said = refused(url, other, server.known_hosts(tmp_path / "known_hosts"), capfd)
    assert f"{url} could not be cloned: it does not accept the SSH key" in said
    assert f"ssh-keygen -y -f {other}" in said


def test_an_unknown_host_is_told_with_the_line_that_makes_it_known(
    server: SshServer, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nobody = write(tmp_path / "known_hosts", "")
    said = refused(url, server.key, nobody, capfd)
    assert f"the host key of [127.0.0.1]:{server.port} is not known" in said
    assert f"ssh-keyscan -p {server.port} 127.0.0.1 >> {nobody}" in said
    assert nobody.read_text() == "", "whoever answers just now is not trusted"


def test_a_wrong_host_key_is_told(server: SshServer, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    known = server.known_hosts(tmp_path / "known_hosts", host_key=make_key(tmp_path / "other"))
    assert "its host key is another one than known_hosts says" in refused(url, server.key, known, capfd)


def test_a_key_with_a_passphrase_is_told_before_anything_is_asked(
    server: SshServer, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    locked = make_key(tmp_path / "locked", passphrase="correct horse")
    assert f"--ssh {locked}: has a passphrase" in refused(url, locked, server.known_hosts(tmp_path / "known_hosts"), capfd)


def test_a_branch_that_is_not_there_is_told(server: SshServer, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = refused(url, server.key, server.known_hosts(tmp_path / "known_hosts"), capfd, "--branch", "nowhere")
    assert "Remote branch nowhere not found" in said
    assert "git ls-remote --heads" in said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing", None, "--ssh: there is no such file"),
        ("deploy_key.pub", "ssh-ed25519 AAAA test\n", "is not a private SSH key. It is a public one"),
        ("notes.txt", "hello\n", "is not a private SSH key."),
    ],
)
def test_what_is_no_key_is_told(
    url: str, name: str, content: str | None, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    if content:
        write(file, content)
    assert said in refused(url, file, file, capfd)


def test_the_users_own_known_hosts_and_agent_are_what_counts_without_the_option(
    server: SshServer, url: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", url]) == 1
    assert "is not known" in capfd.readouterr().err


def test_known_hosts_without_a_key_is_wrong_usage(url: str) -> None:
    assert main(["render", url, "--known-hosts", "known_hosts"]) == 2
