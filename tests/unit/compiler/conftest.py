import pytest
from script_runs import Workspace


@pytest.fixture
def workspace(tmp_path):
    """The volume that a pod's containers share, still empty."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return Workspace(folder)
