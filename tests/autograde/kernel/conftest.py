"""Warm servers that the tests share: starting one takes seconds, a child of it hundredths."""

from pathlib import Path

import pytest

from autograde.kernel.walls import Walls
from autograde.kernel.warm import WarmServer

from .children import IMPATIENT, SMALL


@pytest.fixture(scope="session")
def finished_work():
    """A package that children may read and import, with versions to be locked away."""
    folder = Path(__file__).parent / "finished_work"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder.parent)
        yield folder


@pytest.fixture(scope="session")
def walled(finished_work):
    """A server behind the walls of this machine."""
    if not Walls.found().enough:
        pytest.skip(f"not enough walls stand here: {Walls.found().problems}")
    with WarmServer(Walls.found(), readable=[finished_work]) as server:
        yield server


@pytest.fixture(scope="session")
def open_air(finished_work):
    """A server without walls."""
    with WarmServer(Walls.none(), readable=[finished_work]) as server:
        yield server


@pytest.fixture(params=["walled", "open_air"])
def server(request):
    """Each of both kinds."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def child(server):
    """A child that nothing has run in."""
    with server.fork(SMALL, seed=7) as child:
        yield child


@pytest.fixture
def hasty(server):
    """A child that has little time to give up."""
    with server.fork(IMPATIENT, seed=7) as child:
        yield child


@pytest.fixture
def prisoner(walled):
    """A child behind walls."""
    with walled.fork(SMALL, seed=7) as child:
        yield child
