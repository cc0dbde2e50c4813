"""Where a project's files come from: a commit of a repository, by url or carried inside the manifests."""

from __future__ import annotations

from bodywork_compiler.values import value

# Written by `render -o DIR` into DIR. A folder that holds it is what a render made, and no source of anything.
RENDER_MARKER = ".bodywork-render"
# What kustomize takes for a folder to build.
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Is there only while files are being moved into place. A folder that still holds it was left half way by a crash, and the next render completes it.
RENDER_UNDER_WAY = ".bodywork-render.under-way"
# Of files as they stand, in a repository that has no commit yet.
NO_COMMIT = "0" * 40


@value
class Source:
    """The pinned commit of a project.

    `commit` is the full hash. `url` has no credentials in it; None where the repository has no remote. `branch` may be None (a detached head).
    `folder` is the project's folder inside the repository, with `/`, "" for its root. `archive` is the project's folder at that commit as a
    gzipped tar, when it travels inline; then pods need no git server. `tree` is a digest of that folder's files without folders of manifests: two
    commits with one `tree` run the same. "" where it is not known.
    """

    commit: str
    url: str | None = None
    branch: str | None = None
    folder: str = ""
    archive: bytes | None = None
    tree: str = ""
