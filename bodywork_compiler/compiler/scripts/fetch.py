"""First container of a stage's pod: puts the pinned commit of the project on the pod's shared volume.

Reads the environment: BODYWORK_WORKSPACE (the shared volume), BODYWORK_FOLDER (the project's folder in the repository), and
either BODYWORK_SOURCE (a folder that holds the commit's files as an archive in parts) or BODYWORK_GIT_URL, BODYWORK_GIT_COMMIT,
BODYWORK_GIT_BRANCH; for SSH also BODYWORK_SSH (the mounted secret) and BODYWORK_SSH_KEY (the key's name in it, or names: the first that is
there is taken), for https BODYWORK_HTTPS (the folder of a secret that may be there: BODYWORK_GIT_TOKEN and perhaps BODYWORK_GIT_USER are in it then).
Leaves WORKSPACE/project (the repository), and WORKSPACE/home and WORKSPACE/tmp. Python 3.8, the standard library and git.
"""

from __future__ import annotations

import base64
import io
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))  # an image may set PYTHONSAFEPATH
import masking  # type: ignore[import-not-found]

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
# this container's own file system, where the stage's container cannot look
PRIVATE = "/tmp"  # noqa: S108 - only for a folder of mode 0700 inside


TOKEN, USER = "BODYWORK_GIT_TOKEN", "BODYWORK_GIT_USER"
ANY_USER = "x-access-token"  # servers look at the token; GitHub documents this name, GitLab and others take any
# git runs it when a server asks for a login; a command line, which everybody can read, names no token
HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$BODYWORK_GIT_USER" "$BODYWORK_GIT_TOKEN"; }; f'


class FetchError(Exception):
    """Its one line is all that a user needs; git's own words were printed before it."""


def main() -> int:
    workspace = Path(os.environ["BODYWORK_WORKSPACE"])
    folder = os.environ.get("BODYWORK_FOLDER", "")
    project = workspace / "project"
    try:
        # All three may be there already: a node that restarts starts the pod's containers again on the same volume. The stage could write
        # there, and git would run what a home's .gitconfig or a planted repository says. The project gets a folder of its own, since
        # git trusts no repository whose folder belongs to another user, and the volume's root is root's.
        for path in (project, workspace / "home", workspace / "tmp"):
            clear(path)
        for path in (workspace / "home", workspace / "tmp"):
            path.mkdir(parents=True)
        if "BODYWORK_SOURCE" in os.environ:
            unpack(Path(os.environ["BODYWORK_SOURCE"]), project / folder)
        else:
            fetch(project)
            check_folder(project / folder, folder)
    except FetchError as error:
        say(str(error))
        return 1
    return 0


def clear(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        raise FetchError(f"{path} is left from before a restart and cannot be removed; a new pod begins with an empty volume")


def unpack(source: Path, folder: Path) -> None:
    """Unpack the archive that the manifests carry in parts: files first, each made new, so that nothing is written through a link."""
    archive = b"".join(part.read_bytes() for part in sorted(source.glob("part-*")))
    folder.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            members = [member for member in files if not member.isdir()]
            for member in sorted(members, key=tarfile.TarInfo.issym):  # the links last
                unpack_member(files, member, folder)
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
        why = " ".join(str(error).split()) or "the archive ends too early"
        raise FetchError(f"the project's files in the manifests cannot be unpacked: {why}") from None
    say(f"unpacked the files of commit {os.environ.get('BODYWORK_GIT_COMMIT', '')[:7]}")


def unpack_member(files: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    path = folder / member.name
    if ".." in Path(member.name).parts or Path(member.name).is_absolute() or not (member.isfile() or member.issym()):
        raise FetchError(f"the archive in the manifests holds {member.name!r}, which is no file of a project")
    if any(above.is_symlink() for above in path.parents if folder in above.parents):
        raise FetchError(f"the archive in the manifests holds {member.name!r}, whose folder is a link")
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        path.symlink_to(member.linkname)  # it may lead out of the project, as a fetched repository's may
        return
    with path.open("xb") as target:
        shutil.copyfileobj(files.extractfile(member) or io.BytesIO(), target)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)


def fetch(project: Path) -> None:
    url, commit = os.environ["BODYWORK_GIT_URL"], os.environ["BODYWORK_GIT_COMMIT"]
    if shutil.which("git") is None:
        raise FetchError("this image has no git, which fetches the project; use one that has, python:3.11 for example")
    git(project, "init", "--quiet", str(project))
    git(project, "remote", "add", "origin", url)
    take_token()
    get = fetch_by_ssh if "BODYWORK_SSH" in os.environ else fetch_commit
    get(project, url, commit)
    git(project, "checkout", "--quiet", "--detach", commit)
    say(f"fetched commit {commit[:7]} of {url}")


def take_token() -> None:
    """Only this container's environment has it: the stage's own never sees the secret."""
    folder = Path(os.environ.get("BODYWORK_HTTPS", ""))
    if "BODYWORK_HTTPS" in os.environ and (folder / TOKEN).is_file():
        os.environ[TOKEN] = (folder / TOKEN).read_text().strip()
        os.environ[USER] = (folder / USER).read_text().strip() if (folder / USER).is_file() else ANY_USER


def fetch_by_ssh(project: Path, url: str, commit: str) -> None:
    """As `fetch_commit`, with the key in a folder that only this container has, and it only meanwhile."""
    if shutil.which("ssh") is None:
        raise FetchError(f"this image has no ssh, which fetches {url}; use one that has, python:3.11 for example, or an https address")
    try:
        private = tempfile.TemporaryDirectory(dir=PRIVATE)
    except OSError as error:
        raise FetchError(
            f"the SSH key needs a place that only this container has, and {PRIVATE} cannot be written: {error.strerror}"
        ) from None
    with private as folder:
        prepare_ssh(Path(folder) / "ssh-key")
        fetch_commit(project, url, commit)


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
        show(words)
        if pause is None or not any(passing in words for passing in PASSING):
            raise FetchError(f"could not fetch {url}: {reason(words, url)}")
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


def reason(words: str, url: str = "") -> str:
    """The one line that says why: what is known of servers' words, else git's own."""
    known = [said for sign, said in refusals(url) if sign in words]
    if known:
        return known[0]
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "remote:"))]
    if "Could not read from remote repository" in "".join(fatal[:1]):  # ssh, or who answered it, said why before
        return lines[0]
    return (fatal or lines or ["git gives no reason"])[0]


def refusals(url: str) -> list[tuple[str, str]]:
    """What a server, or ssh, says when it lets nobody in, and what that means here; the first that is found counts."""
    wants_login = (
        f"it does not accept the token of the secret git-https-token (key {TOKEN})"
        if TOKEN in os.environ
        else f"it wants a login: store a token as secret git-https-token under {TOKEN}, or use an SSH address and a key"
    )
    unknown = (
        f"its host key is not known; what `{keyscan(url)}` prints goes into the SSH key's secret as known_hosts, "
        "once you have compared it with what the server's owner publishes"
    )
    return [
        (
            "HOST IDENTIFICATION HAS CHANGED",
            "its host key is another one than known_hosts says: ask the server's owner whether it was changed, before you trust it",
        ),
        ("Host key verification failed", unknown),
        ("Permission denied (publickey", "it does not accept the SSH key of the secret"),
        ("could not read Username", wants_login),
        ("Authentication failed", wants_login),
    ]


def keyscan(url: str) -> str:
    """The command that prints the lines of a known_hosts for a server."""
    if "://" not in url:  # git@git.example.com:acme/iris.git
        return "ssh-keyscan " + url.partition(":")[0].rpartition("@")[2]
    parts = urlsplit(url)
    return f"ssh-keyscan {f'-p {parts.port} ' if parts.port else ''}{parts.hostname}"


def prepare_ssh(key: Path) -> None:
    """Make git use the secret's key, and check the server against the secret's known_hosts, or what the image has in /etc/ssh.

    None are built in: a host changes its keys, and what is built in does not.
    """
    secret = Path(os.environ["BODYWORK_SSH"])
    names = os.environ["BODYWORK_SSH_KEY"].split()
    mounted = next((secret / name for name in names if (secret / name).is_file()), None)
    if mounted is None:
        raise FetchError(f"the SSH key's secret has no key {' or '.join(names)}")
    # ssh refuses a file that others may read and that is its own user's, and a key whose lines were lost: a copy mends both
    text = mended(mounted.read_text())
    if has_passphrase(text):
        raise FetchError("the SSH key of the secret has a passphrase, which nobody can type here; make a key for this without one")
    key.touch(mode=0o600)
    key.write_text(text)
    known_hosts = secret / "known_hosts"
    if not known_hosts.is_file():
        known_hosts = Path(os.devnull)
    options = ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known_hosts}"]
    words = ["ssh", "-i", str(key)] + [word for option in options for word in ("-o", option)]
    os.environ["GIT_SSH_COMMAND"] = " ".join(shlex.quote(word) for word in words)


def mended(key: str) -> str:
    """A key that was pasted: `kubectl create secret --from-literal` loses its last line break, JSON and shells make `\\n` of the others."""
    return key.replace("\\r", "").replace("\r", "").replace("\\n", "\n").strip() + "\n"


def has_passphrase(key: str) -> bool:
    """Since ssh, told to ask nothing, would only say that the server refuses it."""
    first, *body = [line for line in key.splitlines() if not line.startswith("-----END")]
    if "OPENSSH" not in first:
        return "ENCRYPTED" in key
    try:
        # the name of the cipher is the first thing in it: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key
        return b"\0\0\0\4none" not in base64.b64decode("".join(body))[:40]
    except ValueError:
        return False  # ssh will say what it thinks of it


def git(project: Path, *words: str) -> None:
    done, said = try_git(project, *words)
    if not done:
        show(said)
        raise FetchError(f"git {words[0]} failed: {reason(said)}")


def try_git(project: Path, *words: str) -> tuple[bool, str]:
    """Run git in the project; whether it succeeded, and what it said."""
    place = ["-C", str(project)] if project.exists() else []
    # for the repository's own server alone: wherever that may send git, no other is given the token
    helper = ["-c", f"credential.{server(os.environ['BODYWORK_GIT_URL'])}.helper={HELPER}"] if TOKEN in os.environ else []
    command = ["git", "-c", "init.defaultBranch=main", *helper, *place, *words]
    environment = dict(os.environ, GIT_TERMINAL_PROMPT="0")
    ended = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return ended.returncode == 0, ended.stdout.decode(errors="replace").strip()


def server(url: str) -> str:
    return "/".join(url.split("/")[:3])  # https://HOST[:PORT]


def say(message: str) -> None:
    show("bodywork: " + message)


def show(text: str) -> None:
    """git prints an address with the login that is in it, and a server may say whom it refused."""
    secrets = [os.environ.get(TOKEN, ""), *masking.logins(os.environ.get("BODYWORK_GIT_URL", ""))]
    known = {form for value in secrets for form in masking.forms(value.encode("utf-8", "surrogateescape"))}
    print(masking.Masker(known).text(text), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
