"""The JSON Schemas by the names of their formats; judging a value by one of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from bodywork_compiler import resources
from bodywork_compiler.config import acceptor
from bodywork_compiler.config.faults import Fault

FILES = {
    "1.0": "bodywork-1.0.schema.json",
    "1.1": "bodywork-1.1.schema.json",
    "1.2": "bodywork-1.2.schema.json",
    "ini": "bodywork-ini.schema.json",
    "stage-ini": "stage-config-ini.schema.json",
}
NEWEST = "1.2"


def text(name: str) -> str:
    return (resources.folder("schemas") / FILES[name]).read_text(encoding="utf-8")


@cache
def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text(name))
    return loaded


@cache
def _accepts(name: str) -> acceptor.Accepts:
    return acceptor.compiled(schema(name))


def faults(name: str, values: object) -> Iterable[Fault]:
    """All that the schema `name` has against `values`."""
    if _accepts(name)(values):
        return ()
    from bodywork_compiler.config import judge

    return judge.faults(schema(name), values)
