"""First container of a stage's pod: puts the pinned commit of the project on the pod's shared volume.

Reads the environment: BODYWORK_WORKSPACE (the shared volume), BODYWORK_FOLDER (the project's folder in the repository), and
either BODYWORK_SOURCE (a folder that holds the commit's files as an archive in parts) or BODYWORK_GIT_URL, BODYWORK_GIT_COMMIT,
BODYWORK_GIT_BRANCH, and for SSH also BODYWORK_SSH (the mounted secret) and BODYWORK_SSH_KEY (the key's name in it).
Leaves WORKSPACE/project (the repository), and WORKSPACE/home and WORKSPACE/tmp. Python 3.8, the standard library and git.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

# what git says when trying again may help; anything else (no such repository, no access) will not change within seconds
PASSING = (
    "Could not resolve host",
    "Temporary failure in name resolution",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Operation timed out",
    "early EOF",
    "unexpected disconnect",
    "returned error: 429",
    "returned error: 5",
)
PAUSES_SECONDS = (2, 5)


class FetchError(Exception):
    """Its one line is all that a user needs; git's own words were printed before it."""


def main() -> int:
    workspace = Path(os.environ["BODYWORK_WORKSPACE"])
    folder = os.environ.get("BODYWORK_FOLDER", "")
    project = workspace / "project"
    for name in ("home", "tmp"):
        (workspace / name).mkdir(parents=True, exist_ok=True)
    # a folder of its own: git trusts no repository whose folder belongs to another user, and the volume's root is root's. It is
    # there already when the node was restarted under the pod.
    shutil.rmtree(project, ignore_errors=True)
    try:
        if "BODYWORK_SOURCE" in os.environ:
            unpack(Path(os.environ["BODYWORK_SOURCE"]), project / folder)
        else:
            fetch(project, workspace)
            check_folder(project / folder, folder)
    except FetchError as error:
        say(str(error))
        return 1
    return 0


def unpack(source: Path, folder: Path) -> None:
    """Unpack the archive that the manifests carry in parts."""
    archive = b"".join(part.read_bytes() for part in sorted(source.glob("part-*")))
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        if hasattr(tarfile, "tar_filter"):  # Python 3.12, and 3.8 to 3.11 with their security fixes
            # not "data": that refuses links out of the project, which a fetched repository may hold as well
            files.extractall(folder, filter="tar")
        else:
            files.extractall(folder)  # noqa: S202 - this Python has no filter; the archive is git's own of the project
    say(f"unpacked the files of commit {os.environ.get('BODYWORK_GIT_COMMIT', '')[:7]}")


def fetch(project: Path, workspace: Path) -> None:
    url, commit = os.environ["BODYWORK_GIT_URL"], os.environ["BODYWORK_GIT_COMMIT"]
    if shutil.which("git") is None:
        raise FetchError("this image has no git, which fetches the project; use one that has, python:3.11 for example")
    with_key = workspace / "tmp" / "ssh-key"
    try:
        prepare_ssh(with_key)
        git(project, "init", "--quiet", str(project))
        git(project, "remote", "add", "origin", url)
        fetch_commit(project, url, commit)
    finally:
        # only this container may see the key; the volume is the stage's too
        if with_key.exists():
            with_key.unlink()
    git(project, "checkout", "--quiet", "--detach", commit)
    say(f"fetched commit {commit[:7]} of {url}")


def fetch_commit(project: Path, url: str, commit: str) -> None:
    """Get one commit by its hash, or, from servers that do not give just any commit, everything."""
    for pause in (*PAUSES_SECONDS, None):
        done, _ = try_git(project, "fetch", "--quiet", "--depth=1", "origin", commit)
        if done:
            return
        done, words = try_git(project, "fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
        if done:
            check_commit(project, url, commit)
            return
        print(words, file=sys.stderr, flush=True)
        if pause is None or not any(passing in words for passing in PASSING):
            raise FetchError(f"could not fetch {url}: {reason(words)}")
        say(f"trying again in {pause} s")
        time.sleep(pause)


def check_commit(project: Path, url: str, commit: str) -> None:
    """The whole repository is here: say what is missing when the commit is not in it."""
    if try_git(project, "cat-file", "-e", commit + "^{commit}")[0]:
        return
    branch = os.environ.get("BODYWORK_GIT_BRANCH", "")
    if branch and not try_git(project, "rev-parse", "--verify", "--quiet", "refs/remotes/origin/" + branch)[0]:
        raise FetchError(f"{url} has no branch {branch} (any more) and no commit {commit}")
    raise FetchError(f"{url} has no commit {commit}: was it pushed, or is its branch gone?")


def check_folder(path: Path, folder: str) -> None:
    if not path.is_dir():
        raise FetchError(f"the commit has no folder {folder}")


def reason(words: str) -> str:
    if "Host key verification failed" in words:
        return "its host key is not known; put it under the key known_hosts into the secret that holds the SSH key"
    if "Permission denied (publickey" in words:
        return "it does not accept the SSH key of the secret"
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "remote:"))]
    return (fatal or lines or ["git gives no reason"])[0]


def prepare_ssh(key: Path) -> None:
    """Make git use the secret's key, and check the server against the secret's known_hosts or else the well-known hosts' keys."""
    if "BODYWORK_SSH" not in os.environ:
        return
    secret = Path(os.environ["BODYWORK_SSH"])
    mounted = secret / os.environ["BODYWORK_SSH_KEY"]
    if not mounted.is_file():
        raise FetchError(f"the SSH key's secret has no key {mounted.name}")
    # ssh refuses a file that others may read and that is its own user's, and a key without its last line break, which
    # `kubectl create secret --from-literal` loses: a copy mends both
    key.touch(mode=0o600)
    key.write_text(mounted.read_text().rstrip("\n") + "\n")
    known_hosts = secret / "known_hosts"
    if not known_hosts.is_file():
        known_hosts = Path(__file__).parent / "known_hosts"
    options = ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known_hosts}"]
    words = ["ssh", "-i", str(key)] + [word for option in options for word in ("-o", option)]
    os.environ["GIT_SSH_COMMAND"] = " ".join(shlex.quote(word) for word in words)


def git(project: Path, *words: str) -> None:
    done, said = try_git(project, *words)
    if not done:
        print(said, file=sys.stderr, flush=True)
        raise FetchError(f"git {words[0]} failed: {reason(said)}")


def try_git(project: Path, *words: str) -> tuple[bool, str]:
    """Run git in the project; whether it succeeded, and what it said."""
    place = ["-C", str(project)] if project.exists() else []
    command = ["git", "-c", "init.defaultBranch=main", *place, *words]
    environment = dict(os.environ, GIT_TERMINAL_PROMPT="0")
    ended = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return ended.returncode == 0, ended.stdout.decode(errors="replace").strip()


def say(message: str) -> None:
    print("bodywork: " + message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
