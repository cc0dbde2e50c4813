"""Where templates are read from: folders given by a user or a project, then the package's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bodywork_compiler import resources
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

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
