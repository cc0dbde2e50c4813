"""The fast acceptor and `jsonschema` agree about every value; the acceptor knows every keyword that our schemas use."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from problem_texts import GOOD

from bodywork_compiler.config.schema import FILES, KEYWORDS, compiled, schema_named
from bodywork_compiler.config.yaml_reader import Odd

INI = {
    "default": {"PROJECT_NAME": "iris", "DOCKER_IMAGE": "python:3.11"},
    "workflow": {"DAG": "train"},
    "logging": {"LOG_LEVEL": "INFO"},
}
STAGE_INI = {
    "default": {"STAGE_TYPE": "service", "EXECUTABLE_SCRIPT": "serve.py", "CPU_REQUEST": 0.5, "MEMORY_REQUEST_MB": 100},
    "service": {"MAX_STARTUP_TIME_SECONDS": 30, "REPLICAS": 1, "PORT": 5000, "INGRESS": "True"},
    "secrets": {"TOKEN": "credentials"},
}
LEAVES = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2.0,
        0.5,
        -0.5,
        1e30,
        10**30,
        65535,
        65536,
        "",
        "a",
        "A",
        "a\n",
        "a-b",
        "a_b",
        "-a",
        "a" * 64,
        "a" * 300,
    ),
    *("1.0", "1.1", "1.2", "INFO", "True", "x.py", "x.ipynb", "x.py\n", "\0", "é", "..", ".", [], ["a"], ["a", 1], [None], {}, {"a": "b"}),
    *({"1": 2}, Odd(".nan", "no number"), "restricted", "batch", [[]], {"": ""}),
]


def good_values(name: str) -> dict[str, Any]:
    if name == "ini":
        return INI
    if name == "stage-ini":
        return STAGE_INI
    values: dict[str, Any] = yaml.safe_load(GOOD)
    values["version"] = name
    if name == "1.0":
        values["project"] = values.pop("pipeline")
    return values


def mutated(values: dict[str, Any], keys: list[str], rnd: random.Random) -> dict[str, Any]:
    """A copy in which one to three keys were taken away, added or given another value, at any depth."""
    values = copy.deepcopy(values)
    for _ in range(rnd.randint(1, 3)):
        mapping = rnd.choice(list(mappings(values)))
        key = rnd.choice([*mapping, rnd.choice(keys)])
        if rnd.random() < 0.2:
            mapping.pop(key, None)
        else:
            mapping[key] = copy.deepcopy(rnd.choice(LEAVES))
    return values


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from mappings(part)


def parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema and all schemas inside of it."""
    yield schema
    for keyword in ("properties", "$defs"):
        for part in schema.get(keyword, {}).values():
            yield from parts(part)
    for keyword in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(keyword), dict):
            yield from parts(schema[keyword])
    for part in schema.get("oneOf", ()):
        yield from parts(part)


@pytest.mark.parametrize("name", FILES)
def test_a_good_config_is_accepted(name: str) -> None:
    assert compiled(schema_named(name))(good_values(name))


@pytest.mark.parametrize("name", FILES)
def test_the_acceptor_says_what_jsonschema_says(name: str) -> None:
    schema = schema_named(name)
    accepts, validator = compiled(schema), Draft202012Validator(schema)
    keys = [key for part in parts(schema) for key in part.get("properties", ())] + ["unknown", "a\n", ""]
    rnd = random.Random(name)
    verdicts = []
    for _ in range(400):
        values = mutated(good_values(name), keys, rnd)
        verdicts.append(accepts(values))
        assert verdicts[-1] == validator.is_valid(values), values
    assert 5 < sum(verdicts) < 395


@pytest.mark.parametrize("value", LEAVES, ids=repr)
@pytest.mark.parametrize("name", FILES)
def test_a_config_that_is_no_mapping_is_refused(name: str, value: object) -> None:
    assert not compiled(schema_named(name))(value)


@pytest.mark.parametrize("name", FILES)
def test_schemas_are_schemas_and_use_only_what_the_acceptor_knows(name: str) -> None:
    schema = schema_named(name)
    Draft202012Validator.check_schema(schema)
    for part in parts(schema):
        assert set(part) <= KEYWORDS
        assert "pattern" not in part or part["x-must"], "a pattern needs words for its message"


@pytest.mark.parametrize("name", FILES)
def test_every_key_is_described(name: str) -> None:
    for part in parts(schema_named(name)):
        for key, described in part.get("properties", {}).items():
            assert described.get("description") or "$ref" in described, key


def test_what_the_acceptor_does_not_know_is_a_bug() -> None:
    with pytest.raises(KeyError):
        compiled({"multipleOf": 2})
