"""References of container images: whether one can be one, and whether its tag moves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bodywork_compiler.config.faults import Fault, Path, shown

# https://github.com/distribution/reference/blob/main/regexp.go
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*(?::(?P<tag>\w[\w.-]{{0,127}}))?(?P<digest>@[A-Za-z0-9+._-]+:[0-9a-fA-F]{{32,}})?",
    re.ASCII,
)
MOVING_TAGS = frozenset(
    {"latest", "main", "master", "trunk", "head", "dev", "devel", "develop", "edge", "nightly", "snapshot", "stable", "rolling"}
)


def faults(image: str, path: Path) -> Iterator[Fault]:
    found = _REFERENCE.fullmatch(image)
    if not found:
        yield Fault(path=path, message=f"must be the name of an image, got {shown(image)}", hint=_hint(image))
    elif not found["digest"] and (found["tag"] is None or found["tag"].lower() in MOVING_TAGS):
        which = "no tag, which means `latest`" if found["tag"] is None else f"the tag {shown(found['tag'])}"
        message = f"{shown(image)} has {which}: what it names may change between two runs"
        yield Fault(path=path, message=message, hint="name a version, or a digest (`NAME@sha256:…`)", severity="warning")


def _hint(image: str) -> str:
    if image != image.strip() or " " in image:
        return "take the blanks away"
    if "://" in image:
        return "leave out what stands before `//`, and the `//`"
    if image.lower() != image and _REFERENCE.fullmatch(image.lower()):
        return "write it in lower case (a tag may have upper case)"
    return "for example python:3.11, or registry.example.com/team/image:1.0"
