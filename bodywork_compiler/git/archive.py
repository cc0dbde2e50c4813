"""The project's folder as one deterministic archive, which travels inside the manifests when no git server has the commit."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Sequence

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Place
from bodywork_compiler.git.tree import EXECUTABLE, SYMLINK, Blob, contents, link_targets

# what 18 ConfigMaps of 180,000 bytes hold; a ConfigMap's own limit, and etcd's for a request, make more of them no use
LARGEST_ARCHIVE = 3 * 1024 * 1024
_LARGEST_RAW = 96 * 1024 * 1024  # is not even tried
# a gzip header without name and date; its last byte says Unix, whatever this machine is
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


def pack(place: Place, blobs: Sequence[Blob]) -> bytes:
    """The files as a gzipped tar: no dates, owners or machine in it, so that the same commit gives the same bytes."""
    if sum(blob.size for blob in blobs) > _LARGEST_RAW:
        raise _too_large(blobs, None)
    packed = _gzipped(_tar(place, blobs))
    if len(packed) > LARGEST_ARCHIVE:
        raise _too_large(blobs, len(packed))
    return packed


def _tar(place: Place, blobs: Sequence[Blob]) -> bytes:
    output = io.BytesIO()
    targets = link_targets(place, blobs)
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for blob, content in zip(blobs, contents(place, blobs), strict=True):
            member = tarfile.TarInfo(blob.path)
            member.mode = 0o755 if blob.mode == EXECUTABLE else 0o644
            if blob.mode == SYMLINK:
                member.type, member.linkname = tarfile.SYMTYPE, targets[blob.path]
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return output.getvalue()


def _gzipped(raw: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return _GZIP_HEADER + deflate.compress(raw) + deflate.flush() + struct.pack("<II", zlib.crc32(raw), len(raw) & 0xFFFFFFFF)


def _too_large(blobs: Sequence[Blob], packed: int | None) -> BodyworkError:
    largest = sorted(blobs, key=lambda blob: (-blob.size, blob.path))[:5]
    listed = "\n".join(f"    {_mib(blob.size):>10}  {blob.path}" for blob in largest)
    size = f"{_mib(packed)} compressed" if packed else f"{_mib(sum(blob.size for blob in blobs))} in all"
    return BodyworkError(
        f"the project's folder is too large to travel inside the manifests: {size}, at most {_mib(LARGEST_ARCHIVE)}; its largest files are\n{listed}",
        hint="Push the commit to a remote that the cluster can fetch from, or take the large files out of the project's folder.",
    )


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"
