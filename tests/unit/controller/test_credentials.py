"""How git in the controller's pod comes to its credentials: what the manifest tells it is run here, with this machine's folders."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from bodywork_compiler.controller.runs import AsyncRun
from bodywork_compiler.controller.work import Apply, SshKey, Work

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n"


def environment_of(folder: Path, **work) -> dict[str, str]:
    """The container's, as the kubelet gives it: `$$` is `$` there."""
    manifest = AsyncRun(name="once", work=Work(apply=Apply(url="https://git.example.com/a.git"), image="i", **work)).manifest
    container = yaml.safe_load(manifest)["spec"]["template"]["spec"]["containers"][0]
    env = {each["name"]: each["value"].replace("$$", "$") for each in container["env"] if each["name"].startswith("GIT_")}
    return {name: text.replace("/tmp/", f"{folder}/").replace("/opt/bodywork", str(folder)) for name, text in env.items()}


@pytest.mark.parametrize(
    "stored", [KEY, KEY.rstrip("\n"), KEY.rstrip("\n").replace("\n", "\\n")], ids=["whole", "no last break", "one line"]
)
def test_ssh_gets_the_key_whole_and_to_itself(tmp_path: Path, stored: str) -> None:
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh/key").write_text(stored)
    ssh = tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/words\nexit 1\n')
    ssh.chmod(0o755)
    env = {**os.environ, **environment_of(tmp_path, ssh=SshKey(secret="s", key="k")), "PATH": f"{ssh.parent}:{os.environ['PATH']}"}
    subprocess.run(["git", "ls-remote", "git@git.example.com:acme/iris.git"], env=env, capture_output=True, check=False)
    words = (tmp_path / "words").read_text()
    assert words.startswith(f"-i {tmp_path}/ssh-key ")
    assert "git@git.example.com git-upload-pack 'acme/iris.git'" in words
    assert (tmp_path / "ssh-key").read_text() == KEY
    assert (tmp_path / "ssh-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("user", [None, "ada"])
def test_a_server_that_wants_a_login_gets_the_token(tmp_path: Path, user: str | None) -> None:
    (tmp_path / "https").mkdir()
    (tmp_path / "https/BODYWORK_GIT_TOKEN").write_text("t0ken")
    if user:
        (tmp_path / "https/BODYWORK_GIT_USER").write_text(user)
    env = {**os.environ, **environment_of(tmp_path, token="iris-git-https-token"), "GIT_TERMINAL_PROMPT": "0"}
    asked = "protocol=https\nhost=git.example.com\n\n"
    done = subprocess.run(["git", "credential", "fill"], input=asked, env=env, text=True, capture_output=True, check=False)
    assert f"username={user or 'x-access-token'}\npassword=t0ken\n" in done.stdout, done.stderr


def test_without_a_token_there_is_no_login(tmp_path: Path) -> None:
    (tmp_path / "https").mkdir()
    env = {**os.environ, **environment_of(tmp_path, token="iris-git-https-token"), "GIT_TERMINAL_PROMPT": "0"}
    asked = "protocol=https\nhost=git.example.com\n\n"
    done = subprocess.run(["git", "credential", "fill"], input=asked, env=env, text=True, capture_output=True, check=False)
    assert done.returncode != 0
    assert "password" not in done.stdout
