"""The built site: no warnings, links that lead somewhere, nothing left out, lessons without their solutions."""

from __future__ import annotations

import re
from collections import defaultdict
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from mdit_py_plugins.anchors.index import slugify

import collabkit
from autograde.course import Course

from .pages import PAGES, ROOT, links, name_of, tokens

COURSE = Course(ROOT, ROOT / "course")


class Page(HTMLParser):
    """A page's ids, and where its links, pictures and scripts lead."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.ids.update(filter(None, (named.get("id"), named.get("name") if tag == "a" else None)))
        self.links += [named[key] for key in ("href", "src") if named.get(key)]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_link_in_the_site_leads_somewhere(site, pages):
    lost = defaultdict(set)
    for path, page in pages.items():
        for link in page.links:
            to = urlsplit(link)
            if to.scheme or to.netloc or link == "#":
                continue
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            known = pages.get(target)
            if not target.is_file() or (to.fragment and known and unquote(to.fragment) not in known.ids):
                lost[link].add(path.relative_to(site).as_posix())
    assert not lost


def test_the_site_loads_nothing_from_elsewhere(site):
    loaded = re.compile(r"""<(?:script|img|link rel="(?:stylesheet|preload)")[^>]*(?:src|href)=["'](?:https?:)?//""")
    assert [path.name for path in site.rglob("*.html") if loaded.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_hold_in_the_repository_as_well(page):
    """Whoever reads the Markdown where it lies follows the same links."""
    for link in links(page):
        to = urlsplit(link)
        if to.scheme:
            assert to.scheme == "https", link
            assert "." in to.netloc, link
            continue
        target = (page.parent / unquote(to.path)).resolve() if to.path else page
        assert target.exists(), link
        if to.fragment:
            assert to.fragment in anchors(target), link


def anchors(page):
    """The names that GitHub and MyST give to a page's headings, and to those of the pages that it takes in."""
    found = set()
    for token, following in pairwise([*tokens(page), None]):
        if token.type == "heading_open":
            found.add(slugify("".join(child.content for child in following.children)))
        elif token.type == "fence" and token.info.startswith("{include}"):
            found |= anchors(page.parent / token.info.split()[1])
    return found


def test_each_lesson_is_there_as_a_student_gets_it(site, pages):
    assert COURSE.lessons()
    for lesson in COURSE.lessons():
        text = pages[site / "lessons" / f"{lesson}.html"].text
        assert "# YOUR CODE HERE" in text
        assert "SOLUTION" not in text
        script = (COURSE.solutions / f"{lesson}.py").read_text(encoding="utf-8")
        solutions = re.findall(r"### BEGIN SOLUTION\n(.*?)\s*### END SOLUTION", script, re.DOTALL)
        assert not [each for each in solutions if len(each) > 100 and each in text]


def test_every_public_name_of_the_library_is_in_the_api(site, pages):
    known = pages[site / "api-collabkit.html"].ids
    documented = {each.rpartition(".")[2] for each in known}
    constants = {name for name in collabkit.__all__ if name.isupper()}  # values have no docstring
    assert set(collabkit.__all__) - documented - constants == set()
