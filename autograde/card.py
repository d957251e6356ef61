"""Verdicts as cards: HTML for JupyterLab, Markdown and text elsewhere. Drawing only, no judging."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from autograde.exercise import Line, Measured, Outcome, Verdict

__all__ = [
    "LOOK",
    "Beside",
    "as_html",
    "as_markdown",
    "as_text",
    "code_marked",
]

# Okabe-Ito colours, told apart by the colour-blind; the mark and the word say the same without colour.
LOOK = {
    Outcome.PASSED: ("✓", "#009e73"),
    Outcome.PARTIAL: ("◐", "#e69f00"),
    Outcome.FAILED: ("✗", "#d55e00"),
    Outcome.NOT_ATTEMPTED: ("○", "#767676"),
    Outcome.CRASHED: ("✸", "#cc79a7"),
    Outcome.TIMED_OUT: ("∞", "#cc79a7"),
    Outcome.OUT_OF_MEMORY: ("▣", "#cc79a7"),
    Outcome.MALFORMED: ("?", "#0072b2"),
    Outcome.MISSING: ("–", "#0072b2"),
    Outcome.UNGRADED: ("↻", "#5b5fc7"),
}


EMPHASIS = re.compile(r"(?<![\w*])\*(?=\w)([^*\n]*?\w)\*(?![\w*])")  # *so*, and neither 2 * 3 * 4 nor **kwargs


def code_marked(text: str) -> Markup:
    """Text as HTML: what stands in backticks as code, what stands between asterisks emphasised."""
    parts = re.split(r"`([^`]+)`", html.escape(text))
    return Markup(
        "".join(f"<code>{p}</code>" if i % 2 else EMPHASIS.sub(r"<em>\1</em>", p) for i, p in enumerate(parts))
    )


@dataclass(frozen=True)
class Beside:
    """What stands under a line that has not passed, in practice: HTML, made safe by whoever made it, and plain text."""

    html: str
    text: str
    is_open: bool = True  # else it is folded away, and left out where nothing can be folded


ASIDES = "Your code printed or warned while it was checked"
AS_ABOVE = "as above"
SEEN = "What was asked, what came, what was expected"
DARK_ON = ("#e69f00", "#cc79a7")  # colours too light for a white mark

# Inline styles alone: a notebook's HTML loses its style sheets in nbviewer, GitHub and nbgrader's feedback.
_environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_environment.filters["code"] = code_marked
_HTML = _environment.from_string("""\
<div role="status" aria-label="{{ label }}" style="border:1px solid var(--jp-border-color1,#bdbdbd);
 border-left:6px solid {{ colour }};border-radius:6px;padding:.7em 1em .8em;margin:.3em 0;max-width:60em;
 background:var(--jp-layout-color1,#fff);color:var(--jp-ui-font-color1,#1f1f1f);
 font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:14px;line-height:1.5;overflow-wrap:anywhere">
<div style="display:flex;align-items:baseline;gap:.6em">
{{ badge(mark, colour) }}
<strong style="flex:1;font-size:16px">
<code style="{{ plain }}">{{ verdict.name }}</code>: {{ verdict.outcome }}</strong>
{% if points %}
<strong style="white-space:nowrap">{{ points }}</strong>
{% endif %}
</div>
{% if intro %}
<div style="margin:.4em 0 0 2.1em">{{ intro | code }}</div>
{% endif %}
{% for line, help, seen in lines %}
<div style="display:flex;align-items:baseline;gap:.6em;margin-top:.4em">
{{ badge("✓" if line.passed else "✗", "#009e73" if line.passed else "#d55e00", small=True) }}
<span style="flex:1">{{ line.sentence | code }}</span>
<span style="white-space:nowrap;font-size:13px;color:var(--jp-ui-font-color2,#5f5f5f)">
{{- "passed" if line.passed else "failed" }}{{ ", " + as_above if help == as_above }} · {{ points_of(line) }}</span>
</div>
{% if help and help != as_above %}
<div style="margin:.25em 0 .5em 2.1em;padding:.35em .7em;border-left:3px solid #d55e00;border-radius:0 4px 4px 0;
 background:var(--jp-layout-color2,#f3f3f3)">{{ help | code }}</div>
{% endif %}
{% if seen %}
<details{{ " open" if seen.is_open }} style="margin:.25em 0 .6em 2.1em;font-size:13px">
<summary style="cursor:pointer">{{ seen_title }}</summary>
{{ seen.html | safe }}
</details>
{% endif %}
{% endfor %}
{% if measured %}
<div style="margin:.7em 0 0 2.1em">{{ measured }}</div>
{% endif %}
{% if verdict.asides %}
<details style="margin:.6em 0 0 2.1em"><summary style="cursor:pointer;color:var(--jp-ui-font-color2,#5f5f5f)">
{{- asides_title }}</summary>
<pre style="white-space:pre-wrap;margin:.3em 0 0;padding:.4em .7em;font-size:13px;
 background:var(--jp-layout-color2,#f3f3f3);color:inherit">{{ verdict.asides | join("\\n") }}</pre></details>
{% endif %}
</div>""")
_BADGE = Markup(
    '<span aria-hidden="true" style="flex:none;width:1.5em;text-align:center;font-weight:bold;line-height:1.5em;{}">'
    "{}</span>"
)
_PLAIN = "font-family:var(--jp-code-font-family,monospace);font-size:inherit;background:none;color:inherit;padding:0"


def as_html(verdict: Verdict, beside: Sequence[Beside | None] = ()) -> str:
    """The card as one self-contained HTML element; colours follow JupyterLab's light or dark theme.

    beside: what stands under each of the verdict's lines, where there is something.
    """
    mark, colour = LOOK[verdict.outcome]
    return _HTML.render(
        verdict=verdict,
        mark=mark,
        colour=colour,
        label=_title(verdict),
        lines=_explained(verdict, beside),
        seen_title=SEEN,
        intro=_intro(verdict),
        points=_points(verdict) if verdict.points else "",
        points_of=_points,
        as_above=AS_ABOVE,
        measured=_told(verdict.measured),
        asides_title=ASIDES,
        plain=_PLAIN,
        badge=_badge,
    )


def as_markdown(verdict: Verdict, beside: Sequence[Beside | None] = ()) -> str:
    """The card as Markdown, for documents and front ends without HTML."""
    mark, _ = LOOK[verdict.outcome]
    rows = [f"**{mark} {_markdown_safe(_title(verdict))}**", ""]
    for line, help_, seen in _explained(verdict, beside):
        rows.append(f"- {_line_title(line, _markdown_safe(line.sentence), help_)}")
        rows += [f"  > {_markdown_safe(help_)}"] if help_ not in ("", AS_ABOVE) else []
        rows += (
            ["", *(f"  {row}".rstrip() for row in _fenced(seen.text.split("\n"))), ""] if seen and seen.is_open else []
        )
    if intro := _intro(verdict):
        rows.append(_markdown_safe(intro))
    if verdict.measured:
        rows += ["", _markdown_safe(_told(verdict.measured))]
    if verdict.asides:
        rows += ["", f"{ASIDES}:", "", *_fenced(verdict.asides)]
    return "\n".join(rows)


def as_text(verdict: Verdict, beside: Sequence[Beside | None] = ()) -> str:
    """The card as plain text, for a terminal."""
    mark, _ = LOOK[verdict.outcome]
    rows = [f"{mark} {_title(verdict)}"]
    for line, help_, seen in _explained(verdict, beside):
        rows.append(f"  {_line_title(line, line.sentence, help_)}")
        rows += [f"      {help_}"] if help_ not in ("", AS_ABOVE) else []
        rows += [f"      {row}" for row in seen.text.split("\n")] if seen and seen.is_open else []
    if intro := _intro(verdict):
        rows.append(f"  {intro}")
    if verdict.measured:
        rows.append(f"  {_told(verdict.measured)}")
    if verdict.asides:
        rows += [f"  {ASIDES}:", *(f"  | {aside}" for aside in verdict.asides)]
    return "\n".join(rows)


def _title(verdict: Verdict) -> str:
    title = f"{verdict.name}: {verdict.outcome}"
    return f"{title}, {_points(verdict)}" if verdict.points else title


def _line_title(line: Line, sentence: str, help_: str) -> str:
    word = ("passed" if line.passed else "failed") + (f", {AS_ABOVE}" if help_ == AS_ABOVE else "")
    return f"{'✓' if line.passed else '✗'} {word}: {sentence} ({_points(line)})"


def _points(scored: Verdict | Line) -> str:
    unit = "" if isinstance(scored, Line) else " point" if scored.points == 1 else " points"
    return f"{scored.score:g} of {scored.points:g}{unit}"


def _badge(mark: str, colour: str, small: bool = False) -> Markup:
    ink = "#1f1f1f" if colour in DARK_ON else "#fff"
    return _BADGE.format(f"color:{colour}" if small else f"border-radius:50%;background:{colour};color:{ink}", mark)


def _told(measured: Measured | None) -> str:
    """What was measured, among what known answers have: "RMSE on ...: yours 0.8954; damped biases 0.9380"."""
    if not measured:
        return ""
    others = ", ".join(f"{name} {value:.4f}" for name, value in measured.rungs.items())
    return f"{measured.what}: yours {measured.value:.4f}" + (f"; {others}" if others else "")


def _intro(verdict: Verdict) -> str:
    """What is said of the exercise as a whole, where no line says it."""
    return "" if any(line.feedback for line in _shown(verdict)) else verdict.feedback


def _shown(verdict: Verdict) -> tuple[Line, ...]:
    return () if verdict.outcome is Outcome.NOT_ATTEMPTED else verdict.lines


def _explained(verdict: Verdict, beside: Sequence[Beside | None]) -> list[tuple[Line, str, Beside | None]]:
    """Each line with what helps, and with what stands under it.

    A sentence is said once, then AS_ABOVE: one mistake often fails several checks.
    """
    said: set[str] = set()
    explained = []
    for line, seen in itertools.zip_longest(_shown(verdict), beside[: len(_shown(verdict))]):
        explained.append((line, AS_ABOVE if line.feedback and line.feedback in said else line.feedback, seen))
        said.add(line.feedback)
    return explained


def _fenced(lines: Sequence[str]) -> list[str]:
    """Lines as a block of Markdown that they cannot end."""
    fence = "`" * (3 + max(map(len, re.findall("`+", "\n".join(lines))), default=0))
    return [f"{fence}text", *lines, fence]


def _markdown_safe(text: str) -> str:
    """Text in which Markdown marks nothing up but what stands in backticks as code."""
    parts = re.split(r"(`[^`]+`)", text)
    safe = (part if i % 2 else re.sub(r"([\\`*_\[\]~$|#])", r"\\\1", part) for i, part in enumerate(parts))
    # an entity's # comes after the marks are escaped; within backticks Markdown knows no HTML
    return "".join(part if i % 2 else _entities(part) for i, part in enumerate(safe))


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
