"""The commands that are proposed at the end of a run: with all that was given to lead to the same project and cluster."""

from __future__ import annotations

from bodywork_compiler.cli.options import CompileOptions
from bodywork_compiler.git.url import without_credentials
from bodywork_compiler.to_copy import as_path


def same_cluster(context: str | None, kubeconfig: str | None) -> str:
    """` --context=dev`, for behind a command; nothing where nothing was given."""
    from shlex import quote

    return "".join(f" {quote(f'--{name}={given}')}" for name, given in (("context", context), ("kubeconfig", kubeconfig)) if given)


def same_project(where: str, options: CompileOptions) -> str:
    """`bodywork apply URL --branch=main`. An address is shown without its credentials, as everywhere."""
    from shlex import join

    words = ["bodywork", "apply", *([] if where == "." else [as_path(without_credentials(where))])]
    for option in options.given():
        value = getattr(options, option.removeprefix("--").replace("-", "_"))
        words.append(option if value is True else f"{option}={value}")
    return join(words)
