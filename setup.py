"""Metadata is in setup.cfg. This maps `templates/` and `schemas/`, which stand at the top of the repository, into the package."""

from setuptools import find_packages, setup

RESOURCES = {f"bodywork_compiler.{folder}": folder for folder in ("schemas", "templates")}

setup(packages=[*find_packages(include=["bodywork_compiler", "bodywork_compiler.*"]), *RESOURCES], package_dir=RESOURCES)
