"""Every value comes back from a manifest as it was."""

import string

import pytest
import yaml
from jinja2 import StrictUndefined, UndefinedError
from project_values import HOSTILE

from bodywork_compiler.compiler.scalars import quoted_by_pyyaml, without_expansion, yaml_scalar, yaml_text

LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_strings_come_back(value, loader):
    assert yaml.load(f"key: {yaml_scalar(value)}\n", Loader=loader) == {"key": value}


def test_every_character_comes_back():
    codes = (*range(0x3000), *range(0xE000, 0x10100), 0x1F600, 0x10FFFF)
    values = [text for code in codes for text in (chr(code), f"a{chr(code)} b")]
    document = "".join(f"- {yaml_scalar(value)}\n" for value in values)
    assert yaml.load(document, Loader=LOADERS[1]) == values


def test_plain_strings_are_written_as_pyyaml_writes_them():
    for character in string.printable:
        for text in (character, f"a{character}b", f" {character} ", character * 300):
            assert yaml_scalar(text) == quoted_by_pyyaml(text)


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (86400, "86400"), (True, "true"), (False, "false")])
def test_whole_numbers_and_booleans(value, text):
    assert yaml_scalar(value) == text


@pytest.mark.parametrize("value", [None, 0.5, ["a"], {"a": "b"}, b"bytes"])
def test_nothing_else_is_written(value):
    with pytest.raises(TypeError, match="only text"):
        yaml_scalar(value)


def test_an_undefined_variable_is_named():
    with pytest.raises(UndefinedError, match="'nmae' is undefined"):
        yaml_scalar(StrictUndefined(name="nmae"))


@pytest.mark.parametrize(
    "text",
    [
        "one\n",
        "one\n\n  two\n# three: four\n",
        "trailing space \n   \nlast\n",
        "no line break at the end",
        "two line breaks\n\n",
        " begins with a space\n",
        "\nbegins empty\n",
        "tab\there\n",
        "é\n",
        "",
        "\n",
    ],
)
def test_texts_come_back(text):
    assert yaml.safe_load(f"a:\n  b: {yaml_text(text, 4)}\n  c: after\n") == {"a": {"b": text, "c": "after"}}


def test_a_script_is_written_as_a_person_reads_it():
    assert yaml_text('print("hello")\nif True:\n    pass\n', 2) == '|\n  print("hello")\n  if True:\n      pass'


def test_kubernetes_expands_nothing():
    assert without_expansion("$(HOME) $$ $x") == "$$(HOME) $$$$ $$x"
