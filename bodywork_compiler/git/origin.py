"""Whether pods can fetch the pinned commit, and from where; if they cannot, its files travel inside the manifests."""

from __future__ import annotations

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import ssh
from bodywork_compiler.git import url as urls
from bodywork_compiler.git.process import Place
from bodywork_compiler.git.questions import Remotes, is_on_remote, is_on_remote_as_last_seen, top_of
from bodywork_compiler.git.tree import blobs_in, is_within, manifest_folders
from bodywork_compiler.git.wanted import Wanted
from bodywork_compiler.source import Source
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value


@value
class Pinned:
    """The commit that pods will run; `is_pushed` is None where it is not known yet."""

    commit: str
    branch: str | None
    folder: str
    tree: str = ""
    is_pushed: bool | None = None


def to_source(place: Place, pinned: Pinned, remotes: Remotes, wanted: Wanted) -> tuple[Source, tuple[str, ...]]:
    """The source, and what the user should know of how it was chosen."""
    _require_utf8(branch=pinned.branch or "", folder=pinned.folder)
    remote = remotes.of(pinned.branch)
    address = remotes.urls.get(remote or "", "")
    url = urls.without_credentials(address) if urls.is_reachable_elsewhere(address) else None
    if wanted.nearby and not wanted.inline:
        return Source(commit=pinned.commit, url=url or top_of(place.folder).as_uri(), branch=pinned.branch, folder=pinned.folder), ()
    asked = Place(
        folder=place.folder,
        env={**place.env, **ssh.environment(wanted.ssh)},
        secrets=place.secrets + _secrets(address),
        settings=place.settings,
        may_fetch=place.may_fetch,
    )
    travels, note = _travels_inline(asked, pinned, (remote if url else None, address), wanted)
    archive = None
    if travels:
        from bodywork_compiler.git.archive import pack

        blobs = blobs_in(place, pinned.commit, pinned.folder)
        manifests = manifest_folders(blob.path for blob in blobs)
        archive = pack(place, [blob for blob in blobs if not is_within(blob.path, manifests)])
    source = Source(commit=pinned.commit, url=url, branch=pinned.branch, folder=pinned.folder, archive=archive, tree=pinned.tree)
    return source, (note,) if note else ()


def _require_utf8(**names: str) -> None:
    for what, name in names.items():
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if shown != name:
            raise BodyworkError(f"the name of {what} {shown} is not UTF-8, and manifests hold nothing else", hint="Give it another name.")


def _secrets(address: str) -> tuple[str, ...]:
    """What of a remote's address git must not show in its complaints: it may stand in the repository's settings."""
    return tuple(secret for secret in urls.credentials(address) or () if secret)


def _by_ssh(words: str, address: str, wanted: Wanted) -> str | None:
    said = ssh.complaint_of(words, address, wanted.ssh) if urls.is_ssh(address) else None
    return f"{said.reason}. {said.hint}" if said else None


def _travels_inline(place: Place, pinned: Pinned, at: tuple[str | None, str], wanted: Wanted) -> tuple[bool, str]:
    """`at` is the remote's name and address."""
    remote, address = at
    short = pinned.commit[:7]
    if wanted.inline:
        return True, ""
    if remote is None:
        return True, f"no remote that pods could fetch from: the files of commit {short} travel inside the manifests"
    known = pinned.is_pushed or is_on_remote_as_last_seen(place, pinned.commit, remote)
    if known and wanted.ask_remote:
        known = is_on_remote(place, pinned.commit, remote, lambda words: _by_ssh(words, address, wanted))
    if known is False:
        return True, f"remote {remote} has not got commit {short}: its files travel inside the manifests (git push, and pods fetch it)"
    if known is None:
        return (
            False,
            f"it is not known here whether remote {remote} has commit {short}; taken for granted ({to_copy('git', 'fetch', names=[remote])} would tell)",
        )
    return False, ""
