"""Whether a rendered folder is still what its commit renders to: byte by byte, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import marker
from bodywork_compiler.manifests.folder import files_of
from bodywork_compiler.manifests.guide import README
from bodywork_compiler.manifests.marker import read_file, read_text
from bodywork_compiler.manifests.objects import Document
from bodywork_compiler.manifests.read import load_stream
from bodywork_compiler.names import is_dns_label
from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value

_FACTS = "pipeline.yaml"  # the file of the pipeline's ConfigMap, in the folder of step 0


@value
class Rendered:
    """What a folder says of its own render: where from, and the options that change the text, as they are typed without `--`."""

    pipeline: str
    commit: str
    tree: str
    url: str | None
    branch: str | None
    options: Mapping[str, Any]


@value
class Differences:
    """Files of a folder that are not as their commit renders them, relative to it."""

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    superfluous: tuple[str, ...] = ()
    same: int = 0

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.superfluous)


def read_rendered(folder: Path) -> Rendered:
    """Raises BodyworkError where `folder` is not what `render -o` wrote."""
    if not (folder / RENDER_MARKER).exists():
        raise BodyworkError(f"{folder}: is no folder that `bodywork render -o` wrote: it has no {RENDER_MARKER}")
    if (folder / RENDER_UNDER_WAY).exists():
        raise BodyworkError(f"{folder}: is half written: a render was killed while it wrote here", hint=_again(folder))
    named = [folder / path for path in marker.read(folder) if path.rpartition("/")[2] == _FACTS]
    file = next((file for file in named if read_file(file, inside=folder) is not None), None)
    plan = load_stream(read_text(file, inside=folder), str(file)) if file else None
    facts = plan.facts if plan else {}
    if plan is None or labels.FACT_GIT_COMMIT not in facts:
        raise BodyworkError(
            f"{folder}: does not say which commit it was rendered from: its {_FACTS} is missing or changed", hint=_again(folder)
        )
    return Rendered(
        pipeline=plan.pipeline,
        commit=facts[labels.FACT_GIT_COMMIT],
        tree=facts.get(labels.FACT_GIT_TREE, ""),
        url=facts.get(labels.FACT_GIT_URL),
        branch=facts.get(labels.FACT_GIT_BRANCH),
        options=_options(facts.get(labels.FACT_RENDER_OPTIONS, "{}"), folder),
    )


def compare(documents: Sequence[Document], folder: Path, *, pipeline: str) -> Differences:
    """A README that somebody has changed is theirs, as it is for a render; so are files that no render wrote."""
    files, recorded = files_of(documents, pipeline), marker.read(folder)
    present = {path: found for path in {*files, *recorded} if (found := read_file(folder / path)) is not None}
    as_rendered = {path: marker.digest(content) for path, content in files.items()}
    differing = [path for path in files if path in present and marker.digest(present[path]) != as_rendered[path]]
    own_readme = README in differing and marker.digest(present[README]) not in recorded.get(README, frozenset())
    changed = tuple(sorted(path for path in differing if path != README or not own_readme))
    return Differences(
        changed=changed,
        missing=tuple(sorted(path for path in files if path not in present)),
        superfluous=tuple(sorted(path for path in present if path not in files)),
        same=sum(path in present for path in files) - len(differing),
    )


def _options(text: str, folder: Path) -> Mapping[str, Any]:
    """Only those that are known: they come to stand in a command that is proposed."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BodyworkError(f"{folder}: its {_FACTS} was changed: {labels.FACT_RENDER_OPTIONS} is no JSON", hint=_again(folder)) from fault
    known = {name: found[name] for name in _OPTIONS if name in found} if isinstance(found, dict) else {}
    wrong = [name for name, option in known.items() if not _OPTIONS[name](option)]
    if wrong:
        raise BodyworkError(
            f"{folder}: its {_FACTS} was changed: {labels.FACT_RENDER_OPTIONS} has no valid value for {', '.join(wrong)}",
            hint=_again(folder),
        )
    return known


def _again(folder: Path) -> str:
    return f"Render it again: {to_copy('bodywork', 'render', o=str(folder))}"


def _is_flag(option: Any) -> bool:
    return isinstance(option, bool)


def _is_name(option: Any) -> bool:
    return isinstance(option, str) and is_dns_label(option)


def _is_class(option: Any) -> bool:
    return isinstance(option, str) and all(map(is_dns_label, option.split(".")))


# what a render writes down of its options -> whether a value can be theirs
_OPTIONS: Mapping[str, Callable[[Any], bool]] = {
    "namespace": _is_name,
    "no-namespace": _is_flag,
    "ingress-class": _is_class,
    "pod-security": lambda option: option in ("restricted", "baseline", "none"),
    "inline-source": _is_flag,
    "argo-cd": _is_flag,
    "allow-privileges": _is_flag,
}
