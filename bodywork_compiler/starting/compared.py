"""Two compilations of one project: which objects are new, gone or otherwise, and in what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.manifests import Document

# of the pipeline's ConfigMap: differ because the configs' texts do
_ALWAYS = {f"data.{labels.FACT_CONFIG_VERSION}", f"data.{labels.FACT_PLAN_DIGEST}"}


def differences(before: Sequence[Document], after: Sequence[Document]) -> list[str]:
    """A line for each object that differs: `+` new, `-` gone, `~` changed, with the fields."""
    old, new = _objects(before), _objects(after)
    lines = [f"- {key}" for key in old if key not in new] + [f"+ {key}" for key in new if key not in old]
    for key in (key for key in old if key in new):
        fields = sorted({field for field in _fields(old[key], new[key], "") if field not in _ALWAYS})
        if fields:
            lines.append(f"~ {key}: {', '.join(fields)}")
    return lines


def _objects(documents: Sequence[Document]) -> dict[str, Any]:
    from bodywork_compiler.manifests.kube_yaml import values

    return {f"{each.kind} {each.name}": values(each.text)[0] for each in documents}


def _fields(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _fields(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True):
        yield path
