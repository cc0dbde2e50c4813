"""Templates into text: Jinja in its sandbox, from folders of a user or a project, then from the package's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bodywork_compiler import __version__, resources
from bodywork_compiler.compiler.scalars import yaml_scalar, yaml_text
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from jinja2 import BaseLoader, BytecodeCache, Environment, Template
    from jinja2.sandbox import SandboxedEnvironment


Foreign = Callable[[Path], "str | None"]
SUFFIX = ".yaml.j2"
BUILT_IN = "bodywork"  # `{% include "bodywork/pod.yaml.j2" %}` is the package's own template, also in one that overrides it


def template_loader(folders: Sequence[Path], own: Path, foreign: Foreign | None) -> BaseLoader:
    """`foreign` says why a file may not be a template, however it was included; None: it may.

    A repository that anybody may have made would otherwise put files of this machine, passwords among them, into its manifests.
    """
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, TemplateNotFound

    class Bounded(FileSystemLoader):
        def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
            dangling = next((folder / template for folder in folders if _is_dangling(folder / template)), None)
            if dangling:
                raise BodyworkError(f"template {dangling}: is a link to a file that is not there")
            try:
                text, file, is_current = super().get_source(environment, template)
            except TemplateNotFound:
                raise
            except (OSError, UnicodeDecodeError) as error:
                raise BodyworkError(f"template {_file_of(template, folders) or template}: cannot be read: {error}") from error
            if foreign is not None and (why := foreign(Path(file))):
                raise BodyworkError(f"template {file}: {why}", hint="Copy the file, or name the folder where it is with --templates.")
            return text, file, is_current

    built_in = FileSystemLoader(own)
    return ChoiceLoader([Bounded([*folders, own]), PrefixLoader({BUILT_IN: built_in})])


def without_use(folders: Sequence[Path]) -> Iterator[tuple[Path, str | None]]:
    """Files named as templates that neither override one nor are included by name; with the name that may have been meant."""
    texts = {path: _text(path) for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}")) if path.is_file()}
    own = [path.name for path in resources.folder("templates").glob(f"*{SUFFIX}")] if texts else []
    for path in texts:
        if path.name not in own and not any(path.name in text for text in texts.values()):
            from difflib import get_close_matches

            yield path, next(iter(get_close_matches(path.name, own, n=1)), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_dangling(file: Path) -> bool:
    return file.is_symlink() and not file.exists()


def _file_of(template: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / template for folder in folders if (folder / template).exists()), None)


_PARTIALS = ("container.yaml.j2", "metadata.yaml.j2", "pod.yaml.j2")  # what other templates include
_LONGEST_CHAIN = 6


class Engine:
    """The templates of one render: `folders` are searched before the package's own; see `template_loader` for `foreign`."""

    def __init__(self, folders: Sequence[Path] = (), foreign: Foreign | None = None) -> None:
        self._own = resources.folder("templates")
        self._folders = tuple(folders)
        self._foreign = foreign
        self._templates: dict[str, Template] = {}

    @cached_property
    def overridden(self) -> tuple[str, ...]:
        """Names of the package's templates that a folder overrides. What these give has to be checked."""
        found = {path.name for folder in self._folders for path in folder.glob(f"*{SUFFIX}")}
        return tuple(sorted(name for name in found if (self._own / name).is_file()))

    def described(self, kind: str) -> str:
        """Which files a text of that kind came from, as far as a user can change them."""
        files = [str(folder / name) for name in self.overridden for folder in self._folders if (folder / name).is_file()]
        main = next((file for file in files if Path(file).name == kind + SUFFIX), kind + SUFFIX)
        others = [file for file in files if Path(file).name in _PARTIALS]
        return f"{main} with {', '.join(others)}" if others else main

    def render(self, kind: str, variables: Mapping[str, Any]) -> str:
        """The text of template `KIND.yaml.j2`."""
        try:
            return self._template(kind).render(variables)
        except BodyworkError:
            raise
        except Exception as error:  # a template may make Jinja, its filters and Python raise whatever they can
            raise self._explained(error, kind) from error

    def _template(self, kind: str) -> Template:
        template = self._templates.get(kind)
        if template is None:
            template = self._templates[kind] = self._environment.get_template(kind + SUFFIX)
        return template

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        environment = SandboxedEnvironment(
            loader=template_loader(self._folders, self._own, self._foreign),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            bytecode_cache=_bytecode_cache(self._own),
        )
        environment.filters["yaml"] = yaml_scalar
        environment.filters["yaml_text"] = yaml_text
        return environment

    def _explained(self, error: Exception, kind: str) -> BodyworkError:
        from jinja2 import TemplateNotFound, TemplateSyntaxError

        chain = _places(error.__traceback__, self._own)
        if isinstance(error, TemplateSyntaxError):
            place = f"{_shown(error.filename or error.name or kind + SUFFIX, self._own)}:{error.lineno}"
            chain += [place] if place not in chain[-1:] else []
        elif isinstance(error, TemplateNotFound):
            return BodyworkError(f"template {_included([*chain, f'{error.name} not found'])}")
        place = _included(chain) or kind + SUFFIX
        said = "needs too much memory" if isinstance(error, MemoryError) else error
        return BodyworkError(f"template {place}: {said}", hint="docs/templates.md lists the variables that each template is given")


def _places(traceback: TracebackType | None, own: Path) -> list[str]:
    """Template and line of each frame that is one, from the outermost in: Jinja gives its tracebacks the templates' own lines."""
    places = []
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            places.append(f"{_shown(file, own)}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return places


def _included(chain: Sequence[str]) -> str:
    """From the fault outwards; of a template that includes itself only the ends."""
    places = list(reversed(chain))
    if len(places) > _LONGEST_CHAIN:
        places[3:-3] = [f"… {len(places) - _LONGEST_CHAIN} more"]
    return ", included from ".join(places)


def _shown(file: str, own: Path) -> str:
    """A user's template with the folder where it was found, the package's own by name."""
    path = Path(file)
    return path.name if path.parent == own else file


def _bytecode_cache(own: Path) -> BytecodeCache | None:
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
    return _kept_in(folder, own)


def _kept_in(folder: Path, own: Path) -> BytecodeCache:
    from jinja2.bccache import Bucket, FileSystemBytecodeCache

    class Kept(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            """Ours alone: a commit's templates lie in a new folder each time, and their files would be more and more."""
            if bucket.code and Path(bucket.code.co_filename).parent == own:
                with suppress(OSError):  # a full disk: then it is compiled again next time
                    super().dump_bytecode(bucket)

    return Kept(str(folder))
