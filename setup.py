"""Metadata is in setup.cfg. This maps `templates/` and `schemas/`, which stand at the top of the repository, into the package."""

from setuptools import setup

setup()
