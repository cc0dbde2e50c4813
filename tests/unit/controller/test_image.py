"""Which image the controller's pods run, and what is told when it cannot be had."""

import pytest

from bodywork_compiler import __version__
from bodywork_compiler.api import Refused
from bodywork_compiler.controller.work import choose_image, has_registry, image_given, whole_name

DEFAULT = f"bodywork-controller:{__version__}"


class PaperApi:
    """Answers what `choose_image` asks; `remembered` is in the ConfigMap, `on_nodes` None: the nodes may not be looked at."""

    def __init__(self, remembered=None, on_nodes=(), waiting=()):
        self._remembered, self._on_nodes, self._waiting = remembered, on_nodes, waiting

    def elsewhere(self, namespace):
        assert namespace == "bodywork-deployment-jobs"
        return self

    def find(self, kind, name):
        assert (kind, name) == ("ConfigMap", "bodywork-controller")
        return {"data": {"image": self._remembered}} if self._remembered else None

    def list(self, kind, _query):
        if kind == "Pod":
            return [a_waiting_pod(*each) for each in self._waiting], "1"
        if self._on_nodes is None:
            raise Refused("nodes is forbidden")
        return [{"status": {"images": [{"names": list(self._on_nodes)}]}}], "1"


def a_waiting_pod(image, message):
    status = {"name": "bodywork", "state": {"waiting": {"reason": "ErrImagePull", "message": message}}}
    return {"spec": {"containers": [{"name": "bodywork", "image": image}]}, "status": {"containerStatuses": [status]}}


def test_the_command_line_comes_before_the_environment_and_that_before_what_is_remembered():
    assert image_given("a:1", {"BODYWORK_IMAGE": "b:1"}) == "a:1"
    assert image_given(None, {"BODYWORK_IMAGE": "b:1"}) == "b:1"
    assert image_given(None, {"BODYWORK_IMAGE": ""}) is None
    api = PaperApi(remembered="registry.example.com/c:1")
    assert choose_image(api, "a:1").name == "a:1"
    assert choose_image(api, None).name == "registry.example.com/c:1"
    assert choose_image(PaperApi(), None).name == DEFAULT


def test_without_any_it_is_told_how_to_have_one():
    told, how = choose_image(PaperApi(), None).warnings
    assert told == f"no image of the controller is known, so {DEFAULT} is taken, which is published nowhere"
    assert "make image" in how
    assert "configure-cluster --image" in how


def test_what_is_on_a_node_needs_no_warning():
    assert choose_image(PaperApi(on_nodes=[f"docker.io/library/{DEFAULT}"]), None).warnings == ()


def test_a_name_without_a_registry_that_no_node_has_cannot_be_pulled():
    assert "it names no registry, and no node lists it" in choose_image(PaperApi(), "mine:1").warnings[0]
    assert choose_image(PaperApi(on_nodes=None), "mine:1").warnings == (), "who may not look at nodes cannot know"
    assert choose_image(PaperApi(), "registry.example.com/mine:1").warnings == ()


def test_one_that_could_not_be_pulled_before_is_told_with_the_reason():
    api = PaperApi(waiting=[("registry.example.com/mine:1", "403 Forbidden")])
    told = choose_image(api, "registry.example.com/mine:1").warnings[0]
    assert told == "the cluster could not pull the controller's image registry.example.com/mine:1 before: 403 Forbidden"


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("iris", "docker.io/library/iris:latest"),
        ("acme/iris:1", "docker.io/acme/iris:1"),
        ("localhost/iris", "localhost/iris:latest"),
        ("registry:5000/iris", "registry:5000/iris:latest"),
        ("ghcr.io/acme/iris@sha256:00", "ghcr.io/acme/iris@sha256:00"),
    ],
)
def test_images_are_the_same_under_short_and_whole_names(image, whole):
    assert whole_name(image) == whole
    assert has_registry(image) is not whole.startswith("docker.io")
