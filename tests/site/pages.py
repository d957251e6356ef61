"""The documentation's pages as they are written: their Markdown, and the commands in it. No tests in here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# what stands before a block that cannot be run here; GitHub and the site show nothing of it
NOT_RUN = re.compile(r"<!--\s*not run in tests:\s*(?P<why>.+?)\s*-->", re.DOTALL)
COMMAND = re.compile(r"(autograde|nbgrader|make|python -m)( .+|$)")


@dataclass(frozen=True)
class Block:
    """The commands of one block, each without its "$ ". why_not: why it is not run, or empty."""

    page: Path
    commands: tuple[str, ...]
    why_not: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def tokens(page: Path) -> list[Token]:
    """A page's Markdown, parsed."""
    return MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))


def fences(page: Path) -> Iterator[tuple[Token, Token | None]]:
    """Each block of code, and what stands before it."""
    parsed = tokens(page)
    for before, token in zip([None, *parsed], parsed, strict=False):
        if token.type == "fence":
            yield token, before


def blocks(page: Path) -> list[Block]:
    """The blocks of commands of a page. A command goes on where its line ends in a backslash."""
    found = []
    for fence, before in fences(page):
        if fence.info.strip() == "console":
            marker = NOT_RUN.fullmatch(before.content.strip()) if before and before.type == "html_block" else None
            commands = re.findall(r"(?m)^\$ ((?:.*\\\n)*.*)$", fence.content)
            found.append(Block(page, tuple(commands), marker["why"] if marker else ""))
    return found


def inline(page: Path) -> Iterator[Token]:
    """What stands in running text and tables: words, code, links, pictures."""
    for token in tokens(page):
        yield from token.children or ()


def mentioned(page: Path) -> list[str]:
    """The commands in running text and tables."""
    return [each.content for each in inline(page) if each.type == "code_inline" and COMMAND.fullmatch(each.content)]


def links(page: Path) -> list[str]:
    """Where links lead and pictures lie."""
    return [str(each.attrs.get("href") or each.attrs["src"]) for each in inline(page) if each.type in LINKS]


LINKS = ("link_open", "image")
