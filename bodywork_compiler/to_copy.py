"""Commands that are said to be copied into a shell. Whatever a name looks like, it is one word there, and no option. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

Options = Mapping[str, str | bool | Sequence[str] | None]


def to_copy(*words: str, names: Sequence[str] = (), options: Options = MappingProxyType({}), **more: str | bool | None) -> str:
    """`bodywork update secret aws --group prod`. `words` are our own; `names` come from elsewhere, as options' values may. None, and False, is no option."""
    from shlex import join  # most commands propose none

    given = list(_given({**options, **more}))
    if any(name.startswith("-") for name in names):
        return join([*words, *given, "--", *names])
    return join([*words, *names, *given])


def _given(options: Options) -> Iterator[str]:
    for name, value in options.items():
        option, glue = (f"-{name}", "") if len(name) == 1 else (f"--{name.replace('_', '-')}", "=")
        if value is True:
            yield option
        elif value:
            for each in [value] if isinstance(value, str) else value:
                yield from (f"{option}{glue}{each}",) if each.startswith("-") else (option, each)


def as_path(where: str) -> str:
    """A path among a command's words that is no option."""
    return f"./{where}" if where.startswith("-") else where
