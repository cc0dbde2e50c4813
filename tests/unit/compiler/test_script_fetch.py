"""The first container's script: the pinned commit, and nothing else, comes to the shared volume."""

import io
import os
import runpy
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path

import git_over_http
import pytest
import yaml
from builders import a_bare_copy, a_pipeline, write
from project_values import COMMIT, batch, project

from bodywork_compiler import compiler
from bodywork_compiler.compiler import compile_project
from bodywork_compiler.git import ssh
from bodywork_compiler.source import Source

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


def an_archive(tmp_path, *members):
    """Members as (name, type, content or target)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
            else:
                info.linkname = content
            tar.addfile(info, io.BytesIO(content.encode()) if kind == tarfile.REGTYPE else None)
    write(tmp_path / "source" / "part-00", "").write_bytes(made.getvalue())
    return str(tmp_path / "source")


FILE, LINK, HARD_LINK, DEVICE = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE


@pytest.mark.parametrize(
    "members",
    [
        [("a", LINK, "{out}"), ("a", FILE, "evil")],
        [("a", FILE, "evil"), ("a", FILE, "evil")],
        [("d", LINK, "{folder}"), ("d/written", FILE, "evil")],
        [("d", LINK, "{folder}"), ("d/l", LINK, "x")],
        [("d", LINK, "{folder}"), ("d/made/l", LINK, "x")],
        [("../written", FILE, "evil")],
        [("{out}", FILE, "evil")],
        [("a", HARD_LINK, "{out}"), ("a", FILE, "evil")],
        [("a", DEVICE, "")],
        [("a" * 300, FILE, "evil")],
        [("a", LINK, "b" * 5000)],
    ],
    ids=[
        "link, then file",
        "twice",
        "folder behind a link",
        "link behind a link",
        "new folder behind a link",
        "above",
        "absolute",
        "hard link",
        "device",
        "long name",
        "long link",
    ],
)
def test_an_archive_writes_nothing_outside_of_the_project(workspace, tmp_path, members):
    out = write(tmp_path / "out" / "written", "good")
    filled = [(name.format(out=out), kind, text.format(out=out, folder=out.parent)) for name, kind, text in members]
    ended = workspace.run("fetch", BODYWORK_SOURCE=an_archive(tmp_path, *filled))
    assert "Traceback" not in ended.stderr
    assert out.read_text() == "good"
    assert [path.name for path in out.parent.iterdir()] == ["written"]
    assert ended.code == 1
    assert len(ended.last_line) < 6000
    assert ended.last_line.startswith("bodywork: the ")


@pytest.mark.parametrize(
    "damage", [lambda packed: b"no archive", lambda packed: packed[:-40], lambda packed: packed[:20] + b"xxxx" + packed[24:]]
)
def test_a_damaged_archive_is_told_in_one_line(workspace, tmp_path, damage):
    packed = damage(archive(train__main="print(1)" * 100))
    write(tmp_path / "source" / "part-00", "").write_bytes(packed)
    ended = workspace.run("fetch", BODYWORK_SOURCE=str(tmp_path / "source"))
    assert ended.code == 1
    assert ended.stderr.startswith("bodywork: the project's files in the manifests cannot be unpacked: ")
    assert ended.stderr.count("\n") == 1


# stands where ssh would: notes how it was called, with which key and what of it lies in the workspace, then runs the server's side here
SSH = """#!/bin/sh
printf '%s\\n' "$@" > "{notes}/argv"
key=$(sed -n '/^-i$/{{n;p;}}' "{notes}/argv")
cp "$key" "{notes}/key"
stat -c '%a' "$key" > "{notes}/mode"
grep -rl 'KEY' "$BODYWORK_WORKSPACE/home" "$BODYWORK_WORKSPACE/tmp" > "{notes}/on-the-volume"
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


def key_of(notes):
    argv = (notes / "argv").read_text().splitlines()
    return Path(argv[argv.index("-i") + 1])


@pytest.mark.parametrize("mounted", ["KEY\nDATA\n", "KEY\nDATA", "KEY\nDATA\n\n"])
def test_the_ssh_key_is_used_from_a_private_file_that_does_not_stay(workspace, repository, server, notes, tmp_path, mounted):
    write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", mounted)
    ended = fetch_by_ssh(workspace, repository, server, tmp_path / "secret")
    assert ended.code == 0, ended.stderr
    assert (notes / "key").read_text() == "KEY\nDATA\n"
    assert (notes / "mode").read_text() == "600\n"
    assert (notes / "on-the-volume").read_text() == ""
    assert not key_of(notes).exists()
    assert [path for path in workspace.path.rglob("*") if path.is_file() and "KEY" in path.read_text(errors="replace")] == []


@pytest.mark.parametrize("has_known_hosts", [True, False])
def test_host_keys_are_always_checked_and_none_are_built_in(workspace, repository, server, notes, tmp_path, has_known_hosts):
    secret = tmp_path / "secret"
    write(secret / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    if has_known_hosts:
        write(secret / "known_hosts", "git.example.com ssh-ed25519 AAAA\n")
    assert fetch_by_ssh(workspace, repository, server, secret).code == 0
    argv = (notes / "argv").read_text().splitlines()
    assert "StrictHostKeyChecking=yes" in argv
    # without its own, those that the image's maker put into /etc/ssh/ssh_known_hosts
    assert f"UserKnownHostsFile={secret / 'known_hosts' if has_known_hosts else '/dev/null'}" in argv


def test_an_image_with_git_and_without_ssh_is_said_to_be_one(workspace, repository, server, tmp_path):
    write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git"))
    commit = repository.git("rev-parse", "HEAD")
    given = {"BODYWORK_SSH": str(tmp_path / "secret"), "BODYWORK_SSH_KEY": "BODYWORK_GIT_SSH_PRIVATE_KEY", "PATH": str(tmp_path / "bin")}
    ended = fetch(workspace, "git@git.example.com:x.git", commit, **given)
    assert ended.code == 1
    assert ended.last_line.startswith("bodywork: this image has no ssh")


def test_a_container_without_a_place_of_its_own_is_told(workspace, repository, notes, tmp_path):
    key = write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    given = {
        "BODYWORK_GIT_URL": "git@git.example.com:x.git",
        "BODYWORK_GIT_COMMIT": repository.git("rev-parse", "HEAD"),
        "BODYWORK_SSH": str(key.parent),
        "BODYWORK_SSH_KEY": key.name,
    }
    ended = workspace.run("fetch", settings=f"script.PRIVATE = {str(tmp_path / 'none')!r}", **given)
    assert ended.code == 1
    assert ended.last_line.startswith("bodywork: the SSH key needs a place that only this container has, and ")
    assert [path for path in workspace.path.rglob("*") if path.is_file() and "KEY" in path.read_text(errors="replace")] == []


def test_a_secret_without_the_key_is_told(workspace, repository, server, notes, tmp_path):
    write(tmp_path / "secret" / "known_hosts", "")
    ended = fetch_by_ssh(workspace, repository, server, tmp_path / "secret")
    assert (ended.code, ended.last_line) == (1, "bodywork: the SSH key's secret has no key BODYWORK_GIT_SSH_PRIVATE_KEY")


REFUSED = "#!/bin/sh\necho '{words}' >&2\nexit 255\n"


@pytest.mark.parametrize(
    ("url", "keyscan"),
    [
        ("git@git.example.com:acme/iris.git", "ssh-keyscan git.example.com"),
        ("ssh://git@git.example.com/acme/iris.git", "ssh-keyscan git.example.com"),
        ("ssh://git@git.example.com:2222/acme/iris.git", "ssh-keyscan -p 2222 git.example.com"),
    ],
)
def test_an_unknown_host_is_told_with_the_line_that_makes_it_known(workspace, repository, notes, tmp_path, url, keyscan):
    write(notes / "bin" / "ssh", REFUSED.format(words="Host key verification failed.")).chmod(0o755)
    key = write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    commit = repository.git("rev-parse", "HEAD")
    ended = fetch(workspace, url, commit, BODYWORK_SSH=str(key.parent), BODYWORK_SSH_KEY=key.name)
    assert ended.code == 1
    assert f"its host key is not known; what `{keyscan}` prints goes into the SSH key's secret as known_hosts" in ended.last_line
    assert list((workspace.path / "tmp").iterdir()) == []


@pytest.mark.parametrize("words", ["ssh: connect to host git.example.com port 22: No route to host", "ERROR: Repository not found."])
def test_what_ssh_says_is_the_reason(workspace, repository, server, notes, tmp_path, words):
    write(notes / "bin" / "ssh", REFUSED.format(words=words)).chmod(0o755)
    write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    ended = fetch_by_ssh(workspace, repository, server, tmp_path / "secret")
    assert ended.code == 1
    assert ended.last_line.endswith(f": {words}")


def test_a_host_key_that_is_another_one_is_told_as_that(workspace, repository, server, notes, tmp_path):
    words = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed."
    write(notes / "bin" / "ssh", REFUSED.format(words=words)).chmod(0o755)
    write(tmp_path / "secret" / "BODYWORK_GIT_SSH_PRIVATE_KEY", "KEY\n")
    ended = fetch_by_ssh(workspace, repository, server, tmp_path / "secret")
    assert ended.code == 1
    assert "its host key is another one than known_hosts says" in ended.last_line


@pytest.mark.parametrize("planted", ["home/.gitconfig", "evil/hooks/reference-transaction"])
def test_what_a_stage_left_on_the_volume_is_not_run_by_a_later_fetch(workspace, repository, server, tmp_path, planted):
    """When a node restarts, the pod's containers start again on the volume that the stage could write to."""
    ran = tmp_path / "ran"
    hook = write(workspace.path / "evil" / "hooks" / "reference-transaction", f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    if planted == "home/.gitconfig":
        write(workspace.path / planted, f"[core]\n\thooksPath = {hook.parent}\n")
    else:
        subprocess.run(["git", "init", "--quiet", "--template", str(workspace.path / "evil"), str(workspace.path / "evil")], check=True)
        workspace.project.symlink_to("evil")
    home = str(workspace.path / "home")
    ended = fetch(workspace, server, repository.git("rev-parse", "HEAD"), HOME=home, GIT_CONFIG_GLOBAL=f"{home}/.gitconfig")
    assert ended.code == 0, ended.stderr
    assert not ran.exists()
    assert not workspace.project.is_symlink()


def test_a_token_opens_a_private_repository_by_https(workspace, repository, tmp_path):
    """By http here; the login is the same."""
    a_bare_copy(repository, tmp_path / "served" / "iris.git")
    secret = tmp_path / "secret"
    write(secret / "BODYWORK_GIT_TOKEN", f"{git_over_http.PASSWORD}\n")
    write(secret / "BODYWORK_GIT_USER", git_over_http.USER)
    with git_over_http.serving(tmp_path / "served") as address:
        url, commit = f"http://{address}/iris.git", repository.git("rev-parse", "HEAD")
        assert fetch(workspace, url, commit, BODYWORK_HTTPS=str(secret)).code == 0
        without = fetch(workspace, url, commit, BODYWORK_HTTPS=str(tmp_path / "nothing"))
        assert without.last_line.startswith(f"bodywork: could not fetch {url}: it wants a login: store a token as secret git-https-token")
        write(secret / "BODYWORK_GIT_TOKEN", "wrong")
        refused = fetch(workspace, url, commit, BODYWORK_HTTPS=str(secret))
        assert "it does not accept the token of the secret git-https-token" in refused.last_line
        assert git_over_http.PASSWORD not in refused.stderr + without.stderr


def test_a_login_that_is_in_the_address_is_not_printed(workspace, tmp_path):
    ended = fetch(workspace, f"file://someone:hunter2@{tmp_path}/nothing.git", "f" * 40)
    assert ended.code == 1
    assert "someone:***@" in ended.last_line
    assert "hunter2" not in ended.stdout + ended.stderr


def test_the_secret_of_a_token_is_seen_by_fetch_only_and_may_be_missing():
    pod = compiled_pod("https://git.example.com/acme/iris.git")
    assert {"name": "https", "secret": {"secretName": "git-https-token", "optional": True, "defaultMode": 0o400}} in pod["volumes"]
    mounted = {each["name"]: [mount["name"] for mount in each["volumeMounts"]] for each in (*pod["initContainers"], *pod["containers"])}
    assert {name for name, mounts in mounted.items() if "https" in mounts} == {"fetch"}
    assert "https" not in str(compiled_pod("git://git.example.com/acme/iris.git")["volumes"])


def compiled_pod(url):
    documents = compile_project(project(batch("train", requirements=("six",))), Source(commit=COMMIT, url=url))
    return next(yaml.safe_load(each.text)["spec"]["template"]["spec"] for each in documents if each.kind == "Job")


@pytest.mark.parametrize("paste", [str.strip, lambda key: key.replace("\n", "\\n"), lambda key: key.replace("\n", "\r\n")])
def test_a_pasted_key_is_mended(paste):
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----\n"
    script = runpy.run_path(str(Path(compiler.__file__).parent / "scripts" / "fetch.py"), run_name="fetch")
    assert script["mended"](paste(key)) == key


@pytest.mark.parametrize(("kind", "form"), [("ed25519", ()), ("rsa", ("-m", "PEM")), ("ecdsa", ("-m", "PKCS8"))])
def test_a_key_with_a_passphrase_is_known_by_its_file(tmp_path, kind, form):
    script = runpy.run_path(str(Path(compiler.__file__).parent / "scripts" / "fetch.py"), run_name="fetch")
    for passphrase in ("", "correct horse"):
        file = tmp_path / f"key{len(passphrase)}"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, *form, "-N", passphrase, "-f", str(file)], check=True)
        assert script["has_passphrase"](file.read_text()) == bool(passphrase)
        assert ssh._is_encrypted(*ssh._PRIVATE.search(file.read_bytes()).groups()) == bool(passphrase)


def test_the_token_goes_to_no_other_server_that_the_first_sends_git_to(workspace, repository, tmp_path):
    write(tmp_path / "secret" / "BODYWORK_GIT_TOKEN", "t0ken")
    with git_over_http.another_server() as (evil, caught), git_over_http.another_server(to=evil) as (good, given):
        ended = fetch(workspace, f"{good}/iris.git", repository.git("rev-parse", "HEAD"), BODYWORK_HTTPS=str(tmp_path / "secret"))
    assert ended.code == 1
    assert given
    assert caught == []
    assert "t0ken" not in ended.stderr
