"""Where templates are read from: folders given by a user or a project, then the package's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bodywork_compiler import resources
from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

SUFFIX = ".yaml.j2"
BUILT_IN = "bodywork"  # `{% include "bodywork/pod.yaml.j2" %}` is the package's own template, also in one that overrides it


def template_loader(folders: Sequence[Path], own: Path, within: Path | None) -> BaseLoader:
    """A template that stands inside `within` may not be a link that leads out of it.

    A repository that anybody may have made would otherwise put files of this machine into its manifests.
    """
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, TemplateNotFound

    class Bounded(FileSystemLoader):
        def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
            try:
                text, file, is_current = super().get_source(environment, template)
            except TemplateNotFound:
                raise
            except (OSError, UnicodeDecodeError) as error:
                raise BodyworkError(f"template {_file_of(template, folders) or template}: cannot be read: {error}") from error
            if within is not None and within in Path(file).parents and within.resolve() not in Path(file).resolve().parents:
                raise BodyworkError(
                    f"template {file}: is a link that leads out of the repository, whose files are all that its manifests may be made of",
                    hint="Copy the file, or name the folder where it is with --templates.",
                )
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


def _file_of(template: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / template for folder in folders if (folder / template).exists()), None)
