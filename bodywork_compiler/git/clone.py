"""A project by the address of its repository, or as a commit or a branch of a local one has it: in a temporary folder, as little of it as possible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import ssh
from bodywork_compiler.git import url as urls
from bodywork_compiler.git.origin import Pinned, to_source
from bodywork_compiler.git.process import Place, ask, ask_server, complaint, tell
from bodywork_compiler.git.questions import (
    Remotes,
    ask_remotes,
    ask_tree,
    commit_of,
    current_branch,
    is_hash,
    is_shallow,
    last_change,
    to_remotes,
)
from bodywork_compiler.git.scratch import scratch_folder
from bodywork_compiler.git.tree import blobs_in, manifest_folders, names_in, tree_digest, write_out
from bodywork_compiler.git.unfetched import notes_about
from bodywork_compiler.git.wanted import Checkout, Found, Wanted
from bodywork_compiler.git.working_tree import output_within, pinned_commit, project_folder
from bodywork_compiler.to_copy import to_copy


@contextmanager
def at_commit(where: Path, wanted: Wanted) -> Iterator[Checkout]:
    folder, top = project_folder(where)
    place = Place(folder=folder)
    remotes = to_remotes(ask_remotes(place).answer().text)
    revision = _asked_revision(place, remotes, wanted)
    prefix = "" if folder == top else folder.relative_to(top).as_posix()
    listed = ask_tree(place, revision).answer()  # first, since it is quick to refuse what has no end
    blobs = blobs_in(place, revision, prefix)
    manifests = manifest_folders((blob.path for blob in blobs), output_within(folder, wanted.output))
    commit = revision if wanted.commit else pinned_commit(place, revision, manifests, remotes.of(wanted.branch))
    # a partial clone may have lacked trees, which are there by now
    tree = tree_digest(listed.text if listed.code == 0 else ask_tree(place, revision).text(), manifests)
    source, notes = to_source(place, Pinned(commit=commit, branch=wanted.branch, folder=prefix, tree=tree), remotes, wanted)
    with scratch_folder() as scratch:
        left_out = write_out(place, blobs, scratch)
        yield Checkout(folder=scratch, found=lambda: Found(source=source, notes=(*notes, *notes_about(top, folder))), left_out=left_out)


def _asked_revision(place: Place, remotes: Remotes, wanted: Wanted) -> str:
    if wanted.commit:
        found = commit_of(place, wanted.commit)
        if not found:
            shallow = "This clone is shallow. The rest of it: git fetch --unshallow; in CI: fetch-depth: 0, or GIT_DEPTH: 0."
            hint = shallow if is_shallow(place) else "git fetch gets what the remote has."
            raise BodyworkError(f"{place.folder}: no commit {wanted.commit} in this repository", hint=hint)
        return found
    remote = remotes.of(wanted.branch) or "origin"
    found = commit_of(place, f"refs/heads/{wanted.branch}") or commit_of(place, f"refs/remotes/{remote}/{wanted.branch}")
    if not found:
        raise BodyworkError(
            f"{place.folder}: no branch {wanted.branch} in this repository",
            hint=f"{to_copy('git', 'fetch', names=[remote])} gets what the remote has.",
        )
    return found


# asked for by git when a server wants a login: user and password come from the environment, since everybody can read a command line
_HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$BODYWORK_GIT_USER" "$BODYWORK_GIT_PASSWORD"; }; f'
_ALL_BRANCHES = "+refs/heads/*:refs/remotes/origin/*"


@contextmanager
def cloned(address: str, wanted: Wanted) -> Iterator[Checkout]:
    url = urls.without_credentials(address)
    if not urls.is_known(url):
        raise BodyworkError(
            f"{url}: not an address of a Git repository that Bodywork can clone",
            hint="Give one that begins with https://, ssh://, http://, git:// or file://, or of the form git@HOST:OWNER/REPOSITORY.git.",
        )
    with scratch_folder() as scratch:
        place = _clone(address, url, scratch / "repository", wanted)
        branch = current_branch(place)
        revision = _revision(place, url, wanted)
        _check_out(place, revision, wanted.folder)
        folder = place.folder / wanted.folder
        if not folder.is_dir() or place.folder not in (folder.resolve(), *folder.resolve().parents):
            raise BodyworkError(f"{url} has no folder {wanted.folder} at commit {revision[:7]}")
        inside = Place(folder=folder, env=place.env, secrets=place.secrets, settings=place.settings, may_fetch=True)
        tree = ask_tree(inside, revision).text()
        manifests = manifest_folders(names_in(tree))
        changed = None if wanted.commit or wanted.as_head else last_change(inside, revision, manifests)
        pinned = Pinned(
            commit=changed[0] if changed else revision,
            branch=wanted.branch or (None if wanted.commit else branch),
            folder=wanted.folder,
            tree=tree_digest(tree, manifests),
            is_pushed=True,
        )
        # what was just fetched from there need not be asked for again
        source, notes = to_source(place, pinned, Remotes(urls={"origin": url}, upstreams={}), wanted)
        found = Found(source=source, notes=(*_branch_note(branch, wanted), *notes, *notes_about(place.folder, folder)))
        yield Checkout(folder=folder, found=lambda: found)


def _clone(address: str, url: str, to: Path, wanted: Wanted) -> Place:
    place = _with_login(address, to.parent, wanted.ssh)
    only = (f"--branch={wanted.branch}",) if wanted.branch else ()
    answer = ask_server(place, "clone", "--quiet", "--filter=blob:none", "--no-checkout", "--single-branch", *only, "--", url, str(to))
    if answer.code != 0:
        said = ssh.complaint_of(answer.error, url, wanted.ssh) if urls.is_ssh(url) else None
        if said:
            raise BodyworkError(f"{url} could not be cloned: {said.reason}", hint=said.hint)
        raise BodyworkError(f"{url} could not be cloned: {complaint(answer)}", hint=_hint(answer.error, url, wanted.branch))
    return Place(folder=to, env=place.env, secrets=place.secrets, settings=place.settings, may_fetch=True)


def _with_login(address: str, folder: Path, identity: ssh.Identity | None) -> Place:
    login = urls.credentials(address)
    if not login:
        return Place(folder=folder, env=ssh.environment(identity))
    user, password = login
    env = {"BODYWORK_GIT_USER": user, "BODYWORK_GIT_PASSWORD": password}
    # for this server alone: wherever it may send git, no other is given them
    settings = ((f"credential.{urls.server_of(address)}.helper", _HELPER),)
    return Place(folder=folder, env=env, secrets=tuple(secret for secret in (password, user) if secret), settings=settings)


def _revision(place: Place, url: str, wanted: Wanted) -> str:
    if not wanted.commit:
        head = commit_of(place, "HEAD")
        if not head:
            raise BodyworkError(f"{url} has no commit yet", hint="Push one, or name a branch that has some with --branch.")
        return head
    found = commit_of(place, wanted.commit)
    if found:
        return found
    # of another branch: servers give it by its hash, or else with everything
    if is_hash(wanted.commit):
        ask_server(place, "fetch", "--quiet", "--filter=blob:none", "--", "origin", wanted.commit)
    found = commit_of(place, wanted.commit)
    if not found:
        ask_server(place, "fetch", "--quiet", "--filter=blob:none", "--tags", "--", "origin", _ALL_BRANCHES)
        found = commit_of(place, wanted.commit)
    if not found:
        raise BodyworkError(f"{url} has no commit {wanted.commit}", hint="Give the full hash of a commit that was pushed.")
    return found


def _check_out(place: Place, revision: str, folder: str) -> None:
    ask(place, "ls-tree", "-r", "-z", "--name-only", "--full-tree", revision)  # what has no end is refused here: git has no bound
    if folder:
        _check_inside(folder)
        tell(place, "sparse-checkout", "set", "--cone", "--", folder)
    tell(place, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", revision)


def _check_inside(folder: str) -> None:
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts:
        raise BodyworkError(f"--folder {folder}: must be a folder inside the repository, relative to its root")


def _branch_note(branch: str | None, wanted: Wanted) -> tuple[str, ...]:
    return (
        (f"no --branch given: branch {branch} is taken, the repository's default",)
        if branch and not (wanted.branch or wanted.commit)
        else ()
    )


def _hint(error: str, url: str, branch: str | None) -> str | None:
    if branch and "Remote branch" in error:
        return f"{to_copy('git', 'ls-remote', '--heads', names=[url])} lists the branches."
    if "terminal prompts disabled" in error or "Authentication failed" in error:
        return "The server wants a login: set up a credential helper for git, or give an address of the form git@HOST:OWNER/REPOSITORY.git and an SSH key."
    return None
