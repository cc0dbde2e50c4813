"""docs/templates.md names every variable that each template is given, and no other."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from golden_cases import cases

from bodywork_compiler import resources
from bodywork_compiler.compiler.engine import Engine

TEXT = (Path(__file__).parents[3] / "docs" / "templates.md").read_text()


def documented():
    """Template → the variables of its section's table; "" is the section for all."""
    found = defaultdict(set)
    for section in re.split(r"^##+ ", TEXT, flags=re.MULTILINE):
        title = section.splitlines()[0]
        names = {name for row in re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
        found["" if title.startswith("Variables of every") else title.removesuffix(".yaml.j2")] |= names
    for kind in ("job", "deployment"):
        found[kind] |= found["pod"]
    found["job"] -= {"startup_seconds"}  # said there to be of services only
    return found


@pytest.fixture(scope="module")
def given():
    """Template → all variables that it got in the golden cases."""
    found = defaultdict(set)
    render = Engine.render
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "render", lambda self, kind, variables: found[kind].update(variables) or render(self, kind, variables))
        for make in cases().values():
            make()
    return found


@pytest.mark.parametrize(
    "kind", ["namespace", "service-account", "pipeline", "addresses", "scripts", "source", "job", "deployment", "service", "ingress"]
)
def test_the_page_names_what_the_template_is_given(given, kind):
    assert documented()[kind] | documented()[""] == given[kind]


def test_the_page_names_every_template():
    for path in resources.folder("templates").glob("*.j2"):
        assert path.name in TEXT
