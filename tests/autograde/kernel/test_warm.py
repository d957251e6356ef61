"""The server itself: how it starts, forks for several threads, is started anew, and ends."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from autograde.kernel import warm, wire
from autograde.kernel.limits import Ended
from autograde.kernel.walls import Walls
from autograde.kernel.warm import ServerFailed, WarmServer

from .children import SMALL, is_gone, value_of


def test_several_threads_have_children_at_once(server):
    values = {}

    def use(number):
        with server.fork(SMALL, seed=number) as child:
            child.run(f"kept = {number}", 60)
            values[number] = value_of(child, "kept", 60)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert values == {number: str(number) for number in range(6)}


def test_requests_that_come_while_everything_is_imported_are_all_served():
    """They wait in one socket, with their handles one behind the other: each child gets its own."""
    found = []

    def one():
        with new.fork(SMALL) as child:
            found.append(child.run("1", 20).ended)

    with WarmServer(Walls.none()) as new:
        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [Ended.OK] * 4


def test_a_child_is_closed_once_and_answers_no_more(server):
    child = server.fork(SMALL)
    assert child.is_alive
    child.close()
    child.close()
    assert not child.is_alive
    ran = child.run("1", 1)
    assert (ran.ended, ran.how) == (Ended.NOT_REACHED, "has been closed")


@pytest.fixture(scope="module")
def own_server():
    """A server that tests may kill."""
    walls = Walls.found() if Walls.found().enough else Walls.none()
    with WarmServer(walls) as server:
        yield server


def test_a_server_that_dies_is_nobodys_fault_and_starts_anew(own_server):
    with own_server.fork(SMALL) as child:
        assert value_of(child, "1", 60) == "1"
        pid = own_server._process.pid
        below = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for each in (pid, *below):
            os.kill(each, signal.SIGKILL)
        with pytest.raises(ServerFailed, match="while a submission was running"):
            child.run("import time; time.sleep(60)", 60)
        assert is_gone(pid)
    with own_server.fork(SMALL) as child:
        assert value_of(child, "2", 60) == "2"


def test_a_watcher_that_says_nothing_in_time_blames_no_server(server, monkeypatch):
    monkeypatch.setattr(warm, "LAST_WORDS_SECONDS", 0.0)
    with server.fork(SMALL) as child:

        def receive(deadline):
            raise wire.WireClosed("the kernel hung up")

        monkeypatch.setattr(child, "_receive", receive)
        ran = child.run("1", 60)
    assert (ran.ended, ran.how) == (Ended.DIED, "ended, and its watcher could not tell how")


def test_a_nursery_that_dies_ends_the_server_which_starts_anew(own_server):
    if not own_server.walls.rooms:
        pytest.skip("there are no rooms here")
    with own_server.fork(SMALL):
        pass
    before = own_server._process

    def below(pid):
        found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found + [each for child in found for each in below(child)]

    nursery = below(before.pid)[-1]  # bubblewrap twice, the server, and the nursery
    os.kill(nursery, signal.SIGKILL)
    assert is_gone(before.pid)
    with own_server.fork(SMALL) as child:
        assert value_of(child, "5", 60) == "5"


def test_a_server_that_takes_no_request_is_replaced(own_server, monkeypatch):
    before = own_server._process

    def send(*_, **__):
        raise wire.WireTimeout("nobody read")

    monkeypatch.setattr(before.control, "send", send)
    with pytest.raises(ServerFailed, match="took no request"):
        own_server.fork(SMALL)
    assert own_server._process is not before
    with own_server.fork(SMALL) as child:
        assert value_of(child, "3", 60) == "3"


def test_a_closed_server_forks_no_more():
    server = WarmServer(Walls.none())
    server.close()
    server.close()
    with pytest.raises(ServerFailed, match="has been closed"):
        server.fork()


def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch):
    broken = tmp_path / "torch"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('this torch is broken')")
    with (
        WarmServer(Walls.none(), readable=[broken]) as server,
        pytest.raises(ServerFailed, match="this torch is broken"),
    ):
        server.fork(SMALL)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ServerFailed, match="did not start"):
        WarmServer(Walls.none())


def test_a_system_without_fork_is_told(monkeypatch):
    monkeypatch.delattr(warm.os, "fork")
    with pytest.raises(ServerFailed, match="Subsystem for Linux"):
        WarmServer(Walls.none())


def test_the_environment_may_say_more(root):
    with WarmServer(Walls.none(), environment={"MORE": "x"}) as server, server.fork(SMALL) as child:
        assert value_of(child, "import os\nos.environ['MORE']", 60) == "'x'"


def test_a_locked_name_that_does_not_exist_is_our_failure(server):
    with pytest.raises((ServerFailed, ValueError), match="to be locked"):
        server.fork(SMALL, locked=["torch.nn.NoSuchThing"])
    with server.fork(SMALL) as child:
        assert value_of(child, "4", 60) == "4"


def test_what_takes_long_to_import_is_there(server):
    with server.fork(SMALL) as child:
        source = "import torch\nx = torch.ones(3, 4, device='meta')\n(x * x).sum()\nsorted(set(sys.modules) - before)"
        assert value_of(child, f"import sys\nbefore = set(sys.modules)\n{source}", 60) == "[]"


def test_a_thread_in_the_server_is_no_crash(server):
    """Every child has one thread: what runs in others is not copied, so nothing may hang."""
    with server.fork(SMALL) as child:
        source = "import torch\nx = torch.ones(64, 64, requires_grad=True)\n(x @ x).sum().backward()\nx.grad[0, 0]"
        assert value_of(child, source, 60) == "tensor(128.)"
        assert value_of(child, "torch.get_num_threads()") == "1"


def test_what_children_will_import_is_imported_once_before_they_are_forked(server):
    """In the child it is there before any cell has run; what does not exist is left for the cell to tell."""
    names = ["colorsys.rgb_to_hls", "wave", "no_such_module", "colorsys.no_such_function"]
    with server.fork(SMALL, imports=names) as child:
        there = "import sys; [name in sys.modules for name in ('colorsys', 'wave', 'no_such_module')]"
        assert value_of(child, there, 60) == "[True, True, False]"


def test_what_is_prepared_is_done_before_children_are_forked(finished_work):
    """A function that cannot be called, or is not there, stops nothing."""
    called = ["finished_work.models.double", "finished_work.no_such", "decimal.getcontext"]
    with WarmServer(Walls.none(), readable=[finished_work], prepare=called) as new, new.fork(SMALL) as child:
        assert value_of(child, "import sys; 'decimal' in sys.modules, 'finished_work.models' in sys.modules", 60) == (
            "(True, True)"
        )
