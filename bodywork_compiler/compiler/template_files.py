"""Where templates are read from: folders given by a user or a project, then the package's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bodywork_compiler.errors import BodyworkError

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

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


def _file_of(template: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / template for folder in folders if (folder / template).exists()), None)
