"""The folders `templates/` and `schemas/`: at the top of the repository, and inside the package once it is installed.

Plain paths: `importlib.resources` would cost 10 ms at every start.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """The folder `name` of the installed package, or of the checkout that it runs from."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
