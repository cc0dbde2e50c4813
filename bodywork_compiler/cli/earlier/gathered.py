"""Options that belong together reach a command as one value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def gathered(name: str, into: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The command gets `into(…)`, made of all the options that its fields name, as its parameter `name`. Stands below the options."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_value(**kwargs: Any) -> Any:
            return command(**{name: into(**{each: kwargs.pop(each) for each in into.__annotations__})}, **kwargs)

        return with_value

    return decorate
