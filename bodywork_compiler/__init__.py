"""Bodywork: a pipeline of Python files, compiled to Kubernetes manifests and run from them."""

__version__ = "0.1.0"
