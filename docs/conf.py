"""The documentation as a site: `make site`. Lessons and API are read from the code, and no network is needed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

from docutils.nodes import SkipNode, math, math_block
from latex2mathml.converter import convert
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from autograde.course import Course
from autograde.lesson import source_notebook, student_notebook

DOCS = Path(__file__).resolve().parent
LESSONS = DOCS / "lessons"

project = "Collaborative filtering, rebuilt by hand"
release = metadata("collaborative-filtering-course")["Version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click", "sphinx_copybutton"]
exclude_patterns = ["deploy"]  # files to copy, which docs/hub.md links to

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_math_renderer = "mathml"  # MathJax would come from another server
html_copy_source = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

myst_heading_anchors = 3
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!(autograde|collabkit)\.).*")]  # other projects' names: no network to ask them
linkcheck_anchors = False

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write_lessons())
    app.connect("autodoc-process-docstring", lambda *event: read_as_markdown(event[-1]))
    app.add_html_math_renderer("mathml", (write_math, None), (write_math, None))


def write_lessons() -> None:
    """A page for each lesson, as a student gets it; a page that is as it was keeps its date."""
    LESSONS.mkdir(exist_ok=True)
    course = Course(DOCS.parent, DOCS.parent / "course")
    pages = {LESSONS / f"{lesson}.md": lesson_page(course, lesson) for lesson in course.lessons()}
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for orphan in set(LESSONS.glob("*.md")) - set(pages):
        orphan.unlink()


def lesson_page(course: Course, lesson: str) -> str:
    """A lesson's notebook, without solutions and outputs, as Markdown."""
    exercises = course.exercises(lesson)
    script = (course.solutions / f"{lesson}.py").read_text(encoding="utf-8")
    title, *cells = student_notebook(source_notebook(script, exercises, lesson)).cells
    notebook = f"lessons/{lesson}/{lesson}.ipynb"
    link = f"`make lab` opens the lessons in JupyterLab: this one is [{notebook}](../../{notebook})."
    box = f"```{{admonition}} To work on it\n:class: tip\n{link} Below is its text, as you get it.\n```"
    parts = [
        "---\nmyst:\n  enable_extensions: [dollarmath]\n---",
        title.source,
        box,
        *(cell_in_markdown(cell) for cell in cells),
    ]
    return "\n\n".join(parts) + "\n"


def cell_in_markdown(cell: NotebookNode) -> str:
    if cell.cell_type == "markdown":
        return cell.source
    option = f":caption: {caption}\n" if (caption := caption_of(cell)) else ""
    return f"````{{code-block}} python\n{option}\n{cell.source}\n````"


def caption_of(cell: NotebookNode) -> str:
    """What a reader should know of a cell besides its code."""
    record = cell.metadata.get("nbgrader", {})
    if record.get("solution"):
        return "Yours to write"
    if record.get("grade"):
        points = f"{record['points']:g} point{'s' * (record['points'] != 1)}"
        return f"The check: {points}"
    return f"To look at: {cell.metadata.autograde.demo}" if "autograde" in cell.metadata else ""


def read_as_markdown(lines: list[str]) -> None:
    """Turn a docstring, in place, from what this project writes into reStructuredText.

    That is: paragraphs, lists of dashes, `code`, and blocks indented by four.
    """
    text = textwrap.dedent("\n".join(lines))
    lines[:] = [*"\n\n".join(blocks(re.split(r"\n\s*\n", text.strip("\n")))).splitlines(), ""]


def blocks(paragraphs: list[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        rows = paragraph.splitlines()
        if all(row.startswith("    ") for row in rows):
            yield ".. code-block:: none\n\n" + paragraph
        elif rows and rows[0].startswith("- "):
            yield "\n".join(map(in_line, rows))
        else:
            yield in_line(" ".join(map(str.strip, rows)))


def in_line(text: str) -> str:
    """`code` as ``code``; what else means something in reStructuredText is escaped."""
    pieces = re.split(r"(`+)(.+?)\1", text)  # prose, ticks, code, prose, ...
    prose = (re.sub(r"([\\*_|`])", r"\\\1", piece) for piece in pieces[::3])
    code = (f"``{piece}``" for piece in pieces[2::3])
    return "".join(piece for pair in zip(prose, [*code, ""], strict=True) for piece in pair)


def write_math(writer: HTML5Translator, node: math | math_block) -> None:
    """As MathML, which browsers draw themselves."""
    display = "inline" if isinstance(node, math) else "block"
    writer.body.append(convert(node.astext(), display=display))
    raise SkipNode
