"""docs/config.md is made from the schemas, and is what they say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodywork_compiler.config import reference, schema

PAGE = Path(__file__).parents[3] / "docs/config.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference.page(), "python -m bodywork_compiler.config.reference > docs/config.md"


@pytest.mark.parametrize("key", ["image_pull_secrets", "max_startup_time_seconds", "usage_stats", "EXECUTABLE_SCRIPT", "INGRESS"])
def test_keys_are_found_in_it(key: str) -> None:
    assert f"| `{key}` |" in reference.page()


def test_every_format_has_a_chapter() -> None:
    page = reference.page()
    assert [title for name in schema.FILES if (title := schema.schema_named(name)["title"]) not in page] == []
