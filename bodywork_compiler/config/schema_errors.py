"""What `jsonschema` finds, in our words. Imported only when there is an error: jsonschema's import is slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from bodywork_compiler.config.faults import MOST_GUESSED, Fault, KeyPath, did_you_mean, shown
from bodywork_compiler.config.yaml_reader import Odd

# a ValidationError: its typed attributes may all be unset, which those of an error that was found never are
_Error = Any

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def faults(schema: Mapping[str, Any], values: object) -> Iterator[Fault]:
    """Unknown keys are errors here; whether they are only warned of depends on the format, which the caller knows."""
    for error in Draft202012Validator(schema).iter_errors(values):
        path: KeyPath = tuple(error.absolute_path)
        if "propertyNames" in error.relative_schema_path:
            yield Fault(path=(*path, str(error.instance)), message=f"must {_must(error)}", at_key=True)
        elif error.validator == "required":
            yield from _lacking(error, path)
        elif error.validator == "additionalProperties":
            yield from _unknown(error, path)
        elif error.validator != "oneOf" or isinstance(error.instance, dict):  # else its type is wrong, and both branches hold
            yield Fault(path=path, message=_message(error), wanted=_wanted(error), got=error.instance)


def _wanted(error: _Error) -> str | None:
    if error.validator == "type":
        return str(error.validator_value if isinstance(error.validator_value, str) else error.validator_value[0])
    return "string" if error.validator in ("const", "enum") else None


def _lacking(error: _Error, path: KeyPath) -> Iterator[Fault]:
    # jsonschema makes one error for each key that lacks, and names it only in its words: each of these errors gives all, and doubles are dropped
    for key in error.validator_value:
        if key not in error.instance:
            yield Fault(path=path, message="is missing", lacking=key)


def _unknown(error: _Error, path: KeyPath) -> Iterator[Fault]:
    known = error.schema["properties"]
    unknown = [key for key in error.instance if key not in known]
    near = known if len(unknown) <= MOST_GUESSED else ()
    for key in unknown:
        message = f"{shown(key)} is not a key {_of_what(path)}"
        yield Fault(path=path, message=message, hint=did_you_mean(key, near), unknown=key)


def _of_what(path: KeyPath) -> str:
    if not path:
        return "of a config"
    if len(path) == 2 and path[0] == "stages":  # noqa: PLR2004 - stages.NAME
        return "of a stage"
    return f"of `{path[-1]}`"


def _must(error: _Error) -> str:
    if error.validator == "pattern":
        return f"{error.schema['x-must']}, got {shown(error.instance)}"
    return f"{_LIMITS[error.validator](error.validator_value)}, got {_length_or_value(error)}"


def _length_or_value(error: _Error) -> str:
    return f"{len(error.instance)}" if error.validator in ("maxLength", "minLength") else shown(error.instance).strip("`")


_LIMITS: Mapping[str, Callable[[int], str]] = {
    "minimum": lambda least: f"be {least} or more",
    "exclusiveMinimum": lambda bound: f"be more than {bound}",
    "maximum": lambda most: f"be {most} or less",
    "maxLength": lambda most: f"have {most} characters or fewer",
    "minLength": lambda least: "not be empty" if least == 1 else f"have {least} characters or more",
}


def _message(error: _Error) -> str:
    wanted = error.validator_value
    if error.validator == "type":
        return f"must be {_type(wanted)}, got {described(error.instance)}"
    if error.validator == "const":
        return f"must be text, got {described(error.instance)}"  # another text was said by yaml_version
    if error.validator == "enum":
        return f"must be one of {', '.join(wanted)}, got {described(error.instance)}"
    if error.validator == "oneOf":
        keys = [key for branch in wanted for key in branch["required"]]
        given = sum(key in error.instance for key in keys)
        either = " or ".join(f"`{key}`" for key in keys)
        return f"must have either {either}, and has {'both' if given else 'neither'}"
    if error.validator == "minLength":
        return "must not be empty"
    return f"must {_must(error)}"


def _type(wanted: str | list[str]) -> str:
    names = [wanted] if isinstance(wanted, str) else [name for name in wanted if name != "boolean"]
    return " or ".join(_TYPES[name] for name in names)


def described(value: object) -> str:
    """A value with its kind: `the number 3`."""
    if value is None:
        return "nothing"
    if isinstance(value, Odd):
        return f"{value.what}: {shown(value.written)}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {shown(value)[1:-1]}"
    if isinstance(value, str):
        return f"the text {shown(value)}" if value else "an empty text"
    return "a list" if isinstance(value, list) else "a mapping"
