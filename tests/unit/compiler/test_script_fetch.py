"""The first container's script: the pinned commit, and nothing else, comes to the shared volume."""

import io
import os
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest
from builders import a_bare_copy, a_pipeline, write
from script_runs import SCRIPTS

ANY_COMMIT_FORBIDDEN = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.version", "GIT_CONFIG_VALUE_0": "0"}


@pytest.fixture
def repository(tmp_path):
    return a_pipeline(tmp_path / "repository", inside="models/iris")


@pytest.fixture
def server(repository, tmp_path):
    """A folder that serves what the repository has; commits that follow are not there."""
    repository.commit("Second version")
    return f"file://{a_bare_copy(repository, tmp_path / 'server.git')}"


def fetch(workspace, url, commit, **others):
    return workspace.run("fetch", BODYWORK_GIT_URL=url, BODYWORK_GIT_COMMIT=commit, BODYWORK_GIT_BRANCH="main", **others)


def head(workspace):
    return (workspace.project / ".git" / "HEAD").read_text().strip()


@pytest.mark.parametrize("server_settings", [{}, ANY_COMMIT_FORBIDDEN], ids=["any commit is given", "only tips are given"])
def test_exactly_the_commit_is_fetched(workspace, repository, server, server_settings):
    commit = repository.git("rev-parse", "HEAD~1")
    ended = fetch(workspace, server, commit, BODYWORK_FOLDER="models/iris", **server_settings)
    assert ended.code == 0, ended.stderr
    assert head(workspace) == commit
    assert (workspace.project / "models/iris/train/main.py").is_file()
    assert ended.last_line == f"bodywork: fetched commit {commit[:7]} of {server}"


def test_home_and_folder_for_temporary_files_are_made(workspace, repository, server):
    fetch(workspace, server, repository.git("rev-parse", "HEAD"))
    assert (workspace.path / "home").is_dir()
    assert (workspace.path / "tmp").is_dir()


def test_a_second_start_on_the_same_volume_begins_anew(workspace, repository, server):
    first, second = repository.git("rev-parse", "HEAD~1"), repository.git("rev-parse", "HEAD")
    assert fetch(workspace, server, first).code == 0
    workspace.has("left-over.txt")
    assert fetch(workspace, server, second).code == 0
    assert head(workspace) == second
    assert not (workspace.project / "left-over.txt").exists()


def test_a_commit_that_was_not_pushed_is_named(workspace, repository, server):
    commit = repository.commit("Not pushed")
    ended = fetch(workspace, server, commit)
    assert ended.code == 1
    assert ended.last_line == f"bodywork: {server} has no commit {commit}: was it pushed, or is its branch gone?"


def test_a_branch_that_is_gone_is_named(workspace, repository, server):
    ended = workspace.run("fetch", BODYWORK_GIT_URL=server, BODYWORK_GIT_COMMIT="f" * 40, BODYWORK_GIT_BRANCH="dev")
    assert (ended.code, ended.last_line) == (1, f"bodywork: {server} has no branch dev (any more) and no commit {'f' * 40}")


def test_a_repository_that_is_not_there_is_told_in_one_line(workspace, tmp_path):
    url = f"file://{tmp_path}/nothing.git"
    ended = fetch(workspace, url, "f" * 40)
    assert ended.code == 1
    assert ended.last_line.startswith(f"bodywork: could not fetch {url}: fatal: ")


def test_a_server_that_is_away_is_asked_again(workspace, free_port):
    url = f"git://127.0.0.1:{free_port}/iris.git"
    ended = fetch(workspace, url, "f" * 40, settings="script.PAUSES_SECONDS = (0, 0)")
    assert ended.code == 1
    assert ended.stderr.count("bodywork: trying again in 0 s") == 2
    assert ended.last_line.startswith(f"bodywork: could not fetch {url}: fatal: unable to connect")


@pytest.fixture
def free_port():
    with socket.socket() as taken:  # bound, and listening to nobody
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_folder_that_the_commit_has_not_is_named(workspace, repository, server):
    ended = fetch(workspace, server, repository.git("rev-parse", "HEAD"), BODYWORK_FOLDER="models/roses")
    assert (ended.code, ended.last_line) == (1, "bodywork: the commit has no folder models/roses")


def test_an_image_without_git_is_said_to_be_one(workspace, repository, server, tmp_path):
    ended = fetch(workspace, server, repository.git("rev-parse", "HEAD"), PATH=str(tmp_path))
    assert ended.code == 1
    assert ended.last_line.startswith("bodywork: this image has no git")


def archive(**files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "/") + ".py")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


@pytest.mark.parametrize("folder", ["", "models/iris"])
def test_files_that_travel_inside_are_unpacked_where_a_fetch_would_put_them(workspace, tmp_path, folder):
    packed = archive(train__main="print(1)")
    for number, start in enumerate(range(0, len(packed), 50)):
        path = tmp_path / "source" / f"part-{number:02}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(packed[start : start + 50])
    place = {"BODYWORK_FOLDER": folder} if folder else {}
    ended = workspace.run("fetch", BODYWORK_SOURCE=str(tmp_path / "source"), BODYWORK_GIT_COMMIT="25921e05" * 5, **place)
    assert ended.code == 0, ended.stderr
    assert (workspace.project / folder / "train/main.py").read_text() == "print(1)"
    assert ended.last_line == "bodywork: unpacked the files of commit 25921e0"


def test_links_out_of_the_project_are_left_as_they_are(workspace, tmp_path):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        link = tarfile.TarInfo("data")
        link.type, link.linkname = tarfile.SYMTYPE, "../../shared/data"
        tar.addfile(link)
    write(tmp_path / "source" / "part-00", "").write_bytes(made.getvalue())
    assert workspace.run("fetch", BODYWORK_SOURCE=str(tmp_path / "source")).code == 0
    assert (workspace.project / "data").readlink() == Path("../../shared/data")


# stands where ssh would: notes how it was called and with which key, then runs the server's side here
SSH = """#!/bin/sh
printf '%s\\n' "$@" > "{notes}/argv"
key=$(sed -n '/^-i$/{{n;p;}}' "{notes}/argv")
cp "$key" "{notes}/key"
stat -c %a "$key" > "{notes}/mode"
for last; do :; done
eval "$last"
"""


@pytest.fixture
def notes(tmp_path, monkeypatch):
    folder = tmp_path / "notes"
    write(folder / "bin" / "ssh", SSH.format(notes=folder)).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return folder


def fetch_by_ssh(workspace, repository, server, secret):
    url = f"git@git.example.com:{server.removeprefix('file://')}"
    commit = repository.git("rev-parse", "HEAD")
    return fetch(workspace, url, commit, BODYWORK_SSH=str(secret), BODYWORK_SSH_KEY="BODYWORK_GIT_SSH_PRIVATE_KEY")


@pytest.mark.parametrize("mounted", ["KEY\nDATA\n", "KEY\nDATA", "KEY\nDATA\n\n"])
def test_the_ssh_key_is_used_from_a_private_file_that_does_not_stay(workspace, repository, server, notes, tmp_path, mounted):
    write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", mounted)
    ended = fetch_by_ssh(workspace, repository, server, tmp_path / "secret")
    assert ended.code == 0, ended.stderr
    assert (notes / "key").read_text() == "KEY\nDATA\n"
    assert (notes / "mode").read_text() == "600\n"
    assert [path for path in workspace.path.rglob("*") if path.is_file() and "KEY" in path.read_text(errors="replace")] == []


@pytest.mark.parametrize("has_known_hosts", [True, False])
def test_host_keys_are_always_checked(workspace, repository, server, notes, tmp_path, has_known_hosts):
    secret = tmp_path / "secret"
    write(secret / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    if has_known_hosts:
        write(secret / "known_hosts", "git.example.com ssh-ed25519 AAAA\n")
    assert fetch_by_ssh(workspace, repository, server, secret).code == 0
    argv = (notes / "argv").read_text().splitlines()
    assert "StrictHostKeyChecking=yes" in argv
    (known_hosts,) = (word.removeprefix("UserKnownHostsFile=") for word in argv if word.startswith("UserKnownHostsFile="))
    assert (known_hosts == str(secret / "known_hosts")) is has_known_hosts
    assert Path(known_hosts).is_file()


def test_a_secret_without_the_key_is_told(workspace, repository, server, notes, tmp_path):
    write(tmp_path / "secret" / "known_hosts", "")
    ended = fetch_by_ssh(workspace, repository, server, tmp_path / "secret")
    assert (ended.code, ended.last_line) == (1, "bodywork: the SSH key's secret has no key BODYWORK_GIT_SSH_PRIVATE_KEY")


def test_an_unknown_host_is_told_with_the_remedy(workspace, repository, server, notes, tmp_path):
    write(notes / "bin" / "ssh", "#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n").chmod(0o755)
    write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    ended = fetch_by_ssh(workspace, repository, server, tmp_path / "secret")
    assert ended.code == 1
    assert "its host key is not known; put it under the key known_hosts into the secret" in ended.last_line
    assert list((workspace.path / "tmp").iterdir()) == []


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_well_known_hosts_have_the_fingerprints_that_they_publish():
    shown = subprocess.run(["ssh-keygen", "-lf", SCRIPTS / "known_hosts"], text=True, capture_output=True, check=True).stdout
    fingerprints = {(line.split()[2], line.split()[1]) for line in shown.splitlines()}
    # https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
    # https://docs.gitlab.com/user/gitlab_com/#ssh-host-keys-fingerprints
    # https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/
    # https://learn.microsoft.com/en-us/azure/devops/repos/git/use-ssh-keys-to-authenticate
    assert fingerprints >= {
        ("github.com", "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"),
        ("github.com", "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"),
        ("github.com", "SHA256:uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s"),
        ("gitlab.com", "SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8"),
        ("gitlab.com", "SHA256:HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw"),
        ("gitlab.com", "SHA256:ROQFvPThGrW4RuWLoL9tq9I9zJ42fK4XywyRtbOz/EQ"),
        ("bitbucket.org", "SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM"),
        ("ssh.dev.azure.com", "SHA256:ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og"),
    }
