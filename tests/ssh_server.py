"""A real OpenSSH server for tests: one folder of repositories, for whoever holds the key that it was given. Only for this machine's addresses."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# outside of PATH for users, and sshd wants to be called by its whole path
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs an OpenSSH server (Debian: openssh-server)")


@dataclass(frozen=True)
class SshServer:
    address: str
    port: int
    folder: Path
    key: Path

    def url(self, repository: Path) -> str:
        return f"ssh://{getpass.getuser()}@{self.address}:{self.port}{repository}"

    def known_hosts(self, file: Path, *, host_key: Path | None = None) -> Path:
        """A file that knows this server, by its own key or (as after an attack) by another one."""
        public = (host_key or self.folder / "host").with_suffix(".pub").read_text().split()
        file.write_text(f"[{self.address}]:{self.port} {public[0]} {public[1]}\n")
        return file


def make_key(file: Path, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(file)], check=True)
    return file


@contextmanager
def ssh_server(address: str, folder: Path) -> Iterator[SshServer]:
    """Serves what its user may read, until the block ends; `folder` holds its keys and settings."""
    assert SSHD is not None
    folder.mkdir(parents=True)
    make_key(folder / "host")
    server = SshServer(address=address, port=_free_port(address), folder=folder, key=make_key(folder / "deploy_key"))
    (folder / "authorized_keys").write_text((folder / "deploy_key.pub").read_text())
    settings = {
        "Port": server.port,
        "ListenAddress": address,
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "StrictModes": "no",  # the folder is a test's
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = folder / "log"
    daemon = subprocess.Popen([SSHD, "-D", "-f", str(folder / "sshd_config"), "-E", str(log)], stdin=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(daemon, server, log)
        yield server
    finally:
        daemon.terminate()
        daemon.wait()


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(daemon: subprocess.Popen[bytes], server: SshServer, log: Path) -> None:
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        assert daemon.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex((server.address, server.port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"sshd does not listen: {log.read_text()}")
