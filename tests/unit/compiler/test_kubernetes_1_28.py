"""No manifest has a field that Kubernetes 1.28, the oldest that we support, does not know."""

import kubernetes_validate
import pytest
from golden_cases import cases
from yaml import safe_load

OLDEST, NEWEST = "1.28", "1.34"
CASES = cases()


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", CASES)
def test_manifests_are_valid(name, version):
    for document in CASES[name]():
        kubernetes_validate.validate(safe_load(document.text), version, strict=True)


def test_this_check_can_fail():
    (job,) = (safe_load(document.text) for document in CASES["as-root-inline"]() if document.kind == "Job")
    pod = job["spec"]["template"]["spec"]
    pod["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 5}}}  # since 1.29
    kubernetes_validate.validate(job, NEWEST, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, OLDEST, strict=True)
