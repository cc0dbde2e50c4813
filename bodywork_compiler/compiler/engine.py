"""Templates into text: Jinja in its sandbox, where every undefined variable is an error that names template, line and chain of includes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bodywork_compiler import __version__, resources
from bodywork_compiler.compiler.scalars import yaml_scalar, yaml_text
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Template
    from jinja2.sandbox import SandboxedEnvironment

SUFFIX = ".yaml.j2"
_BUILT_IN = "bodywork"  # `{% include "bodywork/pod.yaml.j2" %}` is the package's own template, also in one that overrides it


class Engine:
    """The templates of one render: `folders` are searched before the package's own."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._own = resources.folder("templates")
        self._folders = tuple(folders)
        self._templates: dict[str, Template] = {}

    @cached_property
    def overridden(self) -> tuple[str, ...]:
        """Names of the package's templates that a folder overrides. What these give has to be checked."""
        found = {path.name for folder in self._folders for path in folder.glob(f"*{SUFFIX}")}
        return tuple(sorted(name for name in found if (self._own / name).is_file()))

    def render(self, kind: str, variables: Mapping[str, Any]) -> str:
        """The text of template `KIND.yaml.j2`."""
        from jinja2 import TemplateError

        try:
            return self._template(kind).render(variables)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, OSError) as error:
            raise self._explained(error, kind) from error

    def _template(self, kind: str) -> Template:
        template = self._templates.get(kind)
        if template is None:
            template = self._templates[kind] = self._environment.get_template(kind + SUFFIX)
        return template

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        own = FileSystemLoader(self._own)
        environment = SandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader([*self._folders, self._own]), PrefixLoader({_BUILT_IN: own})]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            bytecode_cache=_bytecode_cache(),
        )
        environment.filters["yaml"] = yaml_scalar
        environment.filters["yaml_text"] = yaml_text
        return environment

    def _explained(self, error: Exception, kind: str) -> BodyworkError:
        from jinja2 import TemplateNotFound, TemplateSyntaxError

        chain = _places(error.__traceback__, self._own)
        if isinstance(error, TemplateSyntaxError):
            chain.append(f"{_shown(error.filename or error.name or kind + SUFFIX, self._own)}:{error.lineno}")
        elif isinstance(error, TemplateNotFound):
            return BodyworkError(f"template {', included from '.join([f'{error.name} not found', *reversed(chain)])}")
        place = ", included from ".join(reversed(chain)) or kind + SUFFIX
        return BodyworkError(f"template {place}: {error}", hint="docs/templates.md lists the variables that each template is given")


def _places(traceback: TracebackType | None, own: Path) -> list[str]:
    """Template and line of each frame that is one, from the outermost in: Jinja gives its tracebacks the templates' own lines."""
    places = []
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            places.append(f"{_shown(file, own)}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return places


def _shown(file: str, own: Path) -> str:
    """A user's template with the folder where it was found, the package's own by name."""
    path = Path(file)
    return path.name if path.parent == own else file


def _bytecode_cache() -> BytecodeCache | None:
    """Compiled templates are kept between runs, where a private folder for them can be had."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 - never raises, as Path.home() does
    folder = root / "bodywork" / f"templates-{__version__}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
    except OSError:
        return None
    # what is read there is executed: nobody else may write it
    if state.st_uid != os.getuid() or state.st_mode & 0o077 or not os.access(folder, os.W_OK):
        return None
    return _kept_in(folder)


def _kept_in(folder: Path) -> BytecodeCache:
    from jinja2.bccache import Bucket, FileSystemBytecodeCache

    class Kept(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):  # a full disk: then it is compiled again next time
                super().dump_bytecode(bucket)

    return Kept(str(folder))
