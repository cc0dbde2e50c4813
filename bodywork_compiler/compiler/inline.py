"""A project's files inside the manifests: the archive in parts that fit ConfigMaps, named by its content."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

# client-side apply keeps an object's text in an annotation of at most 262,144 bytes; seen to end between 190,000 and 200,000 raw bytes
LARGEST_PART_BYTES = 180_000
MOST_PARTS = 18
HASH_LENGTH = 10


@value
class SourcePart:
    """One ConfigMap: `key` sorts by place (part-00, part-01, …), `content` is Base64."""

    name: str
    key: str
    content: str


def source_parts(pipeline_name: str, archive: bytes | None) -> tuple[SourcePart, ...]:
    if archive is None:
        return ()
    pieces = [archive[start : start + LARGEST_PART_BYTES] for start in range(0, len(archive), LARGEST_PART_BYTES)]
    if len(pieces) > MOST_PARTS:
        raise BodyworkError(
            f"the project's files are {len(archive) / 1e6:.1f} MB compressed, and at most {LARGEST_PART_BYTES * MOST_PARTS / 1e6:.1f} MB can "
            "travel inside the manifests",
            hint="push the commit to a remote that the cluster can reach, or take large files out of the project's folder",
        )
    digest = sha256(archive).hexdigest()[:HASH_LENGTH]
    return tuple(
        SourcePart(name=f"{pipeline_name}-source-{digest}-{place + 1}", key=f"part-{place:02}", content=b64encode(piece).decode())
        for place, piece in enumerate(pieces)
    )
