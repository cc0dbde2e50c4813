"""Which version of bodywork.yaml a file is written in, and by which it should be judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.config.faults import Fault, shown

# version -> what it calls the section of the pipeline as a whole
SECTIONS = {"1.0": "project", "1.1": "pipeline", "1.2": "pipeline"}
NEWEST_BY_SECTION = {"project": "1.0", "pipeline": "1.1"}


def judged_by(values: Mapping[str, Any]) -> tuple[str | None, Fault | None]:
    """The version to judge a file by, and what is wrong with the version that it gives.

    A file that says one version and is written in another is judged by the one it is written in, so that its other faults are found too;
    None where nothing can be said beyond the version.
    """
    version = values.get("version")
    section = next((name for name in NEWEST_BY_SECTION if name in values), None)
    if not isinstance(version, str):
        # the schema says that it is missing, or no text
        return _nearest(str(version), section), None
    if version not in SECTIONS:
        known = ", ".join(f'"{known}"' for known in SECTIONS)
        return None, Fault(path=("version",), message=f"must be one of {known}, got {shown(version)}")
    if section is None or SECTIONS[version] in values:
        return version, None
    meant = NEWEST_BY_SECTION[section]
    message = f'version "{version}" calls this section `{SECTIONS[version]}`, not `{section}`'
    hint = f'rename it, or say version: "{meant}"'
    return meant, Fault(path=(section,), message=message, hint=hint, at_key=True)


def _nearest(version: str, section: str | None) -> str:
    if version in SECTIONS and (section is None or SECTIONS[version] == section):
        return version
    return NEWEST_BY_SECTION.get(section or "", "1.1")


def stage_names(stage: str, pipeline: Mapping[str, Any], version: str) -> names.StageNames:
    """What a stage is called in Kubernetes; `pipeline` is the section of the pipeline as a whole."""
    return names.stage_names(stage, prefix(pipeline, version))


def prefix(pipeline: Mapping[str, Any], version: str) -> str:
    """What the names of all stages' objects begin with; it may be empty."""
    return names.prefix_before_v3(pipeline["name"]) if version == "1.0" else pipeline.get("name_prefix", "")
