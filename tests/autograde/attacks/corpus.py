"""The attacks as values: read from cells/, put into notebooks, and an accomplice that some of them ask.

A file of cells/ says in its docstring what it tries, behind `# into:` the lesson and the exercise, behind `# stock:`
what it got on stock nbgrader (written by stock.py). Its parts begin with `# %%` and a word:

    answer    stands in the exercise's answer cell, whose stub is there without this part; `answer rmse` in that of rmse
    before, after, end    a cell of the learner's own: before and behind the answer cell, at the notebook's end
    markdown  a Markdown cell before the answer cell
    plain     the answer cell without its trick, to be marked beside it; without this part it is the stub
    notebook  `change(notebook)`, run by the test itself: the attack is what a notebook is made of

Each attack is bounded: it signals no process that a test of this corpus did not start, and never process 1; it forks
at most 300 times, for less than two minutes; it takes less than 8 GB of memory and 2 GB of disk; it connects to
loopback only. What it leaves is called autograde-attack. What it gets to see that it should not, it prints as LOOT.
"""

from __future__ import annotations

import ast
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

__all__ = ["LEFT", "LOOT", "MARKER", "Attack", "accomplice", "attacks", "cell_of", "loot_in", "notebook_of"]

CELLS = Path(__file__).parent / "cells"
MARKER = "AUTOGRADE_ATTACK_TEST"  # in the environment of whatever a test starts: attacks signal nothing else
LEFT = "autograde-attack"  # in the name of whatever an attack leaves
LOOT = "LOOT:"
PORT = 47213  # as it stands in the attacks; each test has an accomplice at a port of its own
PARTS = ("answer", "before", "after", "end", "markdown", "plain", "notebook")


@dataclass(frozen=True)
class Attack:
    name: str
    tries: str
    lesson: str
    exercise: str
    parts: dict[str, str]  # its cells by their word
    stock: str = ""

    @property
    def path(self) -> Path:
        return CELLS / f"{self.name}.py"


def attacks() -> list[Attack]:
    """The corpus, in the order of names. ValueError for a file that is none of it."""
    return [_read(path) for path in sorted(CELLS.glob("*.py"))]


def notebook_of(attack: Attack, released: NotebookNode, *, plain: bool = False, port: int = PORT) -> NotebookNode:
    """The student's notebook with the attack in it, or with its answer cell as it is without the trick."""
    notebook = nbformat.from_dict(released)
    parts = {"answer": attack.parts["plain"]} if plain else dict(attack.parts)
    for words, source in parts.items():
        word, _, exercise = words.partition(" ")
        answer = cell_of(notebook, f"{exercise or attack.exercise}-answer")
        source = source.replace(str(PORT), str(port)).replace(str(PORT + 1), str(port + 1))
        place = notebook.cells.index(answer)
        match word:
            case "answer":
                answer.source = source
            case "before":
                notebook.cells.insert(place, new_code_cell(source))
            case "after":
                notebook.cells.insert(place + 1, new_code_cell(source))
            case "markdown":
                notebook.cells.insert(place, new_markdown_cell(source))
            case "end":
                notebook.cells.append(new_code_cell(source))
            case "notebook":
                space: dict = {}
                exec(compile(source, attack.path, "exec"), space)
                space["change"](notebook)
    return notebook


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def loot_in(notebook: NotebookNode) -> list[str]:
    """What an attack printed of things that it should not have come by."""
    texts = [
        output.get("text", "") or "".join(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    return [line for text in texts for line in text.splitlines() if line.startswith(LOOT)]


@contextlib.contextmanager
def accomplice(answer: str) -> Iterator[int]:
    """Hands an answer to everybody who asks on loopback, by TCP, UDP or an abstract socket; yields its port.

    The port behind it is free as well.
    """
    with contextlib.ExitStack() as stack:
        tcp, udp = _pair_of_ports(stack)
        port = tcp.getsockname()[1]
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"\0{LEFT}-{port}")
        unix.listen()
        stop = threading.Event()
        for serve, connection in ((_hand_out, tcp), (_hand_out, unix), (_reply, udp)):
            connection.settimeout(0.2)
            thread = threading.Thread(target=serve, args=(connection, answer.encode(), stop))
            thread.start()
            stack.callback(thread.join)
        stack.callback(stop.set)
        yield port


def _pair_of_ports(stack: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    for _ in range(100):
        tcp, udp, next_one = (
            socket.socket(type=kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_STREAM)
        )
        try:
            tcp.bind(("127.0.0.1", 0))
            udp.bind(tcp.getsockname())
            next_one.bind(("127.0.0.1", tcp.getsockname()[1] + 1))
        except OSError:
            tcp.close()
            udp.close()
        else:
            tcp.listen()
            return stack.enter_context(tcp), stack.enter_context(udp)
        finally:
            next_one.close()
    raise OSError("no two free ports side by side")


def _hand_out(listener: socket.socket, answer: bytes, stop: threading.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(answer)


def _reply(listener: socket.socket, answer: bytes, stop: threading.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(OSError):
            _, address = listener.recvfrom(100)
            listener.sendto(answer, address)


def _read(path: Path) -> Attack:
    head, *rest = re.split(r"(?m)^# %% (\w+(?: \w+)?)\n", path.read_text(encoding="utf-8"))
    parts = dict(zip(rest[::2], (source.strip("\n") for source in rest[1::2]), strict=True))
    lesson, exercise = re.search(r"(?m)^# into: (\w+) ([\w-]+)$", head).groups()
    stock = re.search(r"(?m)^# stock: (.*)$", head)
    tries = ast.get_docstring(ast.parse(head))
    if not tries or not parts or {words.split()[0] for words in parts} - set(PARTS):
        raise ValueError(f"{path} says nothing, or has a part that is none of {', '.join(PARTS)}")
    return Attack(path.stem, tries, lesson, exercise, parts, stock.group(1) if stock else "")
