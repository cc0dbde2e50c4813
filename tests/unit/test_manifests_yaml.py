"""What kubectl 1.34.4 made of each scalar, recorded from `kubectl create --dry-run=client -o json`; we read the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests.kube_yaml import documents

RECORDED = {
    "y": True,
    "Y": True,
    "n": False,
    "yes": True,
    "on": True,
    "0o17": 15,
    "017": 15,
    "08": 8,
    "0b11": 3,
    "0x1F": 31,
    "1e3": 1000,
    "1_000": 1000,
    "1:30": "1:30",
    "2024-01-01": "2024-01-01",
    "2024-01-01T00:00:00Z": "2024-01-01T00:00:00Z",
    ".5": 0.5,
    "5.": 5,
    "+1": 1,
    "25921e05": 2592100000,
    "~": None,
    "null": None,
    "1__0": 10,
    "0o8": "0o8",
    "-0o17": -15,
    "-017": -15,
    "+0x1F": 31,
    "99999999999999999999": 1e20,
    "18446744073709551615": 18446744073709551615,
    "1e400": "1e400",
    "._1": "._1",
    "1.5e+3": 1500,
    "-.5": -0.5,
    "=": "=",
    "<<": "<<",
    "True": True,
    "tRUE": "tRUE",
    "0_1": 1,
    "_1": "_1",
    "0b12": "0b12",
    "-0b11": -3,
    "1.": 1,
    "1e": "1e",
    "0x1p3": "0x1p3",
    "1_0.5": 10.5,
    "Infinity": "Infinity",
    ".e1": ".e1",
    ".1e1": 1,
    "NaN": "NaN",
    "0.": 0,
    "0x_1": 1,
    "00": 0,
    "-0": 0,
    "+.5": 0.5,
    "1_": 1,
    "-0b_1": -1,
    "0B1": 1,
    "0O7": 7,
    "0X1": 1,
    "-0x1F": -31,
    "12e03": 12000,
    ".": ".",
    "+.": "+.",
    "1.2.3": "1.2.3",
    "yEs": "yEs",
    "Off": False,
    "!!str 1": "1",
    '!!int "5"': 5,
    "!!binary aGVsbG8=": "hello",
    "!!float 1": 1,
    "!!timestamp 2024-01-01": "2024-01-01",
    "!foo bar": "bar",
    "0755": 493,
    "09": 9,
    "-09": -9,
    "1e-7": 1e-07,
    "1e21": 1e21,
    "123456789012345680000": 1.2345678901234568e20,
    "3.0": 3,
    "100000000000000000000000.0": 1e23,
}


def read(text: str) -> list[Any]:
    return [value for _, value in documents(text, "x.yaml")]


@pytest.mark.parametrize("written", RECORDED)
def test_a_scalar_is_what_kubectl_takes_it_for(written: str) -> None:
    (value,) = read(f"k: {written}\n")
    assert (value["k"], type(value["k"])) == (RECORDED[written], type(RECORDED[written]))


@pytest.mark.parametrize("written", RECORDED)
def test_a_quoted_scalar_stays_a_text(written: str) -> None:
    text = written.replace('"', "")
    assert read(f"a: {json.dumps(text)}\nb: '{text}'\n") == [{"a": text, "b": text}]


@pytest.mark.parametrize("written", [".inf", "-.INF", ".nan"])
def test_what_kubectl_refuses_is_refused_with_its_place(written: str) -> None:
    with pytest.raises(BodyworkError, match=r"x\.yaml: kubectl takes no .* \(line 2, column 4\)"):
        read(f"a: 1\nk: {written}\n")


def test_keys_become_texts() -> None:
    assert read("y: 1\n017: 2\n1.5: 3\n") == [{"true": 1, "15": 2, "1.5": 3}]


def test_anchors_and_merges() -> None:
    text = "base: &b {a: 1, b: [2]}\nmore: {<<: *b, a: 3}\nboth: {<<: [*b, {a: 4, c: 5}]}\n"
    assert read(text) == [{"base": {"a": 1, "b": [2]}, "more": {"a": 3, "b": [2]}, "both": {"a": 1, "b": [2], "c": 5}}]


def test_a_key_that_is_there_twice_is_refused_as_kubectl_does() -> None:
    with pytest.raises(BodyworkError, match=r'key "a" is there twice \(line 3, column 1\)'):
        list(documents("a: 1\nb: 2\na: 3\n", "all.yaml"))
    with pytest.raises(BodyworkError, match=r'key "1" is there twice'):
        list(documents('1: a\n"1": b\n', "all.yaml"))


def test_aliases_that_explode_are_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    with pytest.raises(BodyworkError, match=r"its anchors and aliases .* make"):
        read(f"l0: &l0 [x]\n{levels}")


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "[" * 5000 + "]" * 5000])
def test_what_has_no_end_is_refused(text: str) -> None:
    with pytest.raises(BodyworkError, match=r"x\.yaml"):
        read(text)


def test_empty_documents_are_none() -> None:
    assert list(documents("---\n# only words\n---\na: 1\n---\n", "x.yaml")) == [("x.yaml, document 2 (line 4)", {"a": 1})]


def test_json_one_after_another_with_what_only_json_may_have() -> None:
    """Outside of JSON, the emoji's two halves would be an error."""
    assert read('{"a": "\\ud83d\\ude80"}\n{"a":\t1}') == [{"a": "🚀"}, {"a": 1}]


def test_yaml_that_begins_with_a_brace() -> None:
    assert read("{a: y}\n---\n{b: 0o17}\n") == [{"a": True}, {"b": 15}]


def test_a_syntax_error_names_file_and_place() -> None:
    with pytest.raises(BodyworkError, match=r"x\.yaml: .*line 2"):
        read("a: 1\n\tb: 2\n")
