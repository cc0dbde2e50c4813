"""Values of secrets: the forms of a file, where a reference leads, and what is said of those that are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local.secrets import NOTHING, Given, Store, check, read_file
from bodywork_compiler.local.workloads import Reference, workload_of
from bodywork_compiler.manifests import KubeObject


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A = b", "b"),
        ("A=", ""),
        ("A=b c # remark", "b c"),
        ("A=b#c", "b#c"),
        ("A='b # c'  # remark", "b # c"),
        (r"A='b\n'", r"b\n"),
        (r'A="b\n\"c\" \\ $HOME"', 'b\n"c" \\ $HOME'),
        ("A=x=y", "x=y"),
    ],
)
def test_lines_of_an_env_file(tmp_path: Path, line: str, value: str) -> None:
    assert read_file(write(tmp_path / ".env", f"# first\n\n{line}\n")).by_key == {"A": value}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".env", "A=1\nsecret word\n", ":2: is no line KEY=VALUE"),
        (".env", "A='secret word", ":1: the quote is not closed"),
        ("s.yaml", "A: [secret word", "is not valid YAML"),
        ("s.yaml", "- secret word", "must be a mapping"),
        ("s.yaml", "store: {PIN: 0123}", "store.PIN is not text"),
        ("s.yaml", "OTHER: 12", "OTHER is not text"),
        ("s.yaml", "store: {../../out: secret word}", "s.yaml: store: '../../out' is not a key of a secret"),
        ("s.yaml", "/etc/out: secret word", "'/etc/out' is not a key of a secret"),
        ("s.yaml", "..: secret word", "'..' is not a key of a secret"),
        ("s.yaml", 'store: {TOK: "secret word\\0"}', "store.TOK holds a NUL character"),
        (".env", "TOK=secret word\0", ":1 holds a NUL character"),
        ("s.yaml", "PIN: 1e3", "PIN is not text"),  # kubectl takes it for a number, though PyYAML does not
    ],
)
def test_a_file_that_is_wrong_is_told_without_its_values(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(BodyworkError) as raised:
        read_file(write(tmp_path / name, text))
    assert said in raised.value.message
    assert "secret word" not in raised.value.message + (raised.value.hint or "")


def test_a_variable_cannot_hold_a_nul() -> None:
    secret = KubeObject({"kind": "Secret", "metadata": {"name": "own"}, "data": {"K": "YQBi"}})
    job = {"kind": "Job", "metadata": {"name": "train"}}
    container = {"name": "main", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "own", "key": "K"}}}]}
    workload = workload_of(KubeObject({**job, "spec": {"template": {"spec": {"containers": [container]}}}}), 1)
    with pytest.raises(BodyworkError, match="K of secret own holds a NUL character"):
        check([workload], Store([secret], NOTHING, {}))


def the(name: str, key: str = "K") -> Reference:
    return Reference(kind="Secret", name=name, key=key)


def test_the_plans_own_come_first_then_the_secrets_then_the_keys_then_the_environment() -> None:
    own = KubeObject({"kind": "Secret", "metadata": {"name": "own"}, "stringData": {"K": "plan"}})
    store = Store([own], Given(by_secret={"own": {"K": "no"}, "mine": {"K": "secret"}}, by_key={"K": "key"}), {"K": "env", "E": "env"})
    assert store.find(the("own")) == {"K": "plan"}
    assert store.find(the("mine")) == {"K": "secret"}
    assert store.find(the("other")) == {"K": "key"}
    assert store.find(the("other", "E")) == {"E": "env"}
    assert store.find(the("other", "NONE")) == {}


def test_config_maps_are_the_plans_alone() -> None:
    parts = KubeObject({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "text"}, "binaryData": {"b": "/w=="}})
    store = Store([parts], NOTHING, {"a": "env"})
    whole = store.find(Reference(kind="ConfigMap", name="c"))
    assert whole == {"b": "\udcff", "a": "text"}
    assert store.find(Reference(kind="ConfigMap", name="other", key="a")) == {}
