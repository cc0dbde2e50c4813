"""A `value` is a frozen, slotted, keyword-only dataclass to everybody who looks; the true one stands beside it here."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from bodywork_compiler.values import value


@value
class Ours:
    """Words."""

    name: str
    count: int = 3
    parts: tuple[str, ...] = ()

    @property
    def is_many(self) -> bool:
        return self.count > 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class True_:  # noqa: N801 - as near to the other's name as can be
    """Words."""

    name: str
    count: int = 3
    parts: tuple[str, ...] = ()

    @property
    def is_many(self) -> bool:
        return self.count > 1


LOOKS: dict[str, Callable[[Any], Any]] = {
    "attributes": lambda made: (made(name="a").name, made(name="a").count, made(name="a", count=1).is_many),
    "equal": lambda made: (made(name="a") == made(name="a"), made(name="a") == made(name="b"), made(name="a") == ("a", 3, ())),
    "hash": lambda made: hash(made(name="a", parts=("x",))),
    "repr": lambda made: repr(made(name="a")).replace("True_", "Ours"),
    "replace": lambda made: dataclasses.astuple(dataclasses.replace(made(name="a"), count=9)),
    "fields": lambda made: [(field.name, field.default, field.kw_only) for field in dataclasses.fields(made)],
    "asdict": lambda made: dataclasses.asdict(made(name="a")),
    "is a dataclass": lambda made: (dataclasses.is_dataclass(made), dataclasses.is_dataclass(made(name="a"))),
    "parameters": lambda made: [(name, each.kind, each.default) for name, each in inspect.signature(made).parameters.items()],
    "copies": lambda made: (copy.copy(made(name="a")) == made(name="a"), copy.deepcopy(made(name="a")) == made(name="a")),
    "pickled": lambda made: pickle.loads(pickle.dumps(made(name="a"))) == made(name="a"),
    "words": lambda made: (made.__doc__, made.__module__, made.__match_args__),
    "slots": lambda made: (made.__slots__, hasattr(made(name="a"), "__dict__")),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_it_is_as_a_dataclass_is(look: Callable[[Any], Any]) -> None:
    assert look(Ours) == look(True_)


@pytest.mark.parametrize("made", [Ours, True_])
def test_it_takes_no_wrong_arguments(made: Any) -> None:
    for args, named in [(("a",), {}), ((), {}), ((), {"name": "a", "nme": "b"})]:
        with pytest.raises(TypeError):
            made(*args, **named)


@pytest.mark.parametrize("made", [Ours, True_])
def test_it_is_frozen(made: Any) -> None:
    one = made(name="a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.name
    with pytest.raises((AttributeError, TypeError)):
        one.other = "b"


def test_what_is_long_is_not_shown() -> None:
    assert repr(Ours(name="x" * 10_000)) == "Ours(name=<str of length 10000>, count=3, parts=())"
