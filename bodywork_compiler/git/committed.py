"""A project of a local repository as a commit or a branch has it, whatever the folder holds now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.origin import Pinned, to_source
from bodywork_compiler.git.process import Place
from bodywork_compiler.git.questions import Remotes, ask_remotes, ask_tree, commit_of, is_shallow, to_remotes
from bodywork_compiler.git.scratch import scratch_folder
from bodywork_compiler.git.tree import blobs_in, manifest_folders, tree_digest, write_out
from bodywork_compiler.git.unfetched import notes_about
from bodywork_compiler.git.wanted import Checkout, Found, Wanted
from bodywork_compiler.git.working_tree import output_within, pinned_commit, project_folder
from bodywork_compiler.to_copy import to_copy


@contextmanager
def at_commit(where: Path, wanted: Wanted) -> Iterator[Checkout]:
    folder, top = project_folder(where)
    place = Place(folder=folder)
    remotes = to_remotes(ask_remotes(place).answer().text)
    revision = _revision(place, remotes, wanted)
    prefix = "" if folder == top else folder.relative_to(top).as_posix()
    listed = ask_tree(place, revision).answer()  # first, since it is quick to refuse what has no end
    blobs = blobs_in(place, revision, prefix)
    manifests = manifest_folders(blob.path for blob in blobs) + output_within(folder, wanted.output)
    commit = revision if wanted.commit else pinned_commit(place, revision, manifests, remotes.of(wanted.branch))
    # a partial clone may have lacked trees, which are there by now
    tree = tree_digest(listed.text if listed.code == 0 else ask_tree(place, revision).text(), manifests)
    source, notes = to_source(place, Pinned(commit=commit, branch=wanted.branch, folder=prefix, tree=tree), remotes, wanted)
    with scratch_folder() as scratch:
        left_out = write_out(place, blobs, scratch)
        yield Checkout(folder=scratch, found=lambda: Found(source=source, notes=(*notes, *notes_about(top, folder))), left_out=left_out)


def _revision(place: Place, remotes: Remotes, wanted: Wanted) -> str:
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
