"""A verdict as a card: HTML for JupyterLab, Markdown and text elsewhere. Drawing only, no judging."""

from __future__ import annotations

import html
import re

from jinja2 import Environment
from markupsafe import Markup

from autograde.exercise import Line, Outcome, Verdict

__all__ = ["LOOK", "as_html", "as_markdown", "as_text", "code_marked"]

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
}


def code_marked(text: str) -> Markup:
    """Text as HTML, what stands in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text)))


_environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_environment.filters["code"] = code_marked
_HTML = _environment.from_string("""\
<div role="status" aria-label="{{ label }}" style="border:1px solid var(--jp-border-color1,#bdbdbd);
 border-left:6px solid {{ colour }};border-radius:4px;padding:.6em 1em;margin:.3em 0;max-width:52em;
 background:var(--jp-layout-color1,#fff);color:var(--jp-ui-font-color1,#1f1f1f);
 font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:14px;line-height:1.5">
<div style="display:flex;justify-content:space-between;gap:1em">
<strong><span aria-hidden="true">{{ mark }}</span> <code style="font-size:inherit">{{ verdict.name }}</code>:
 {{ verdict.outcome }}</strong>
<strong style="white-space:nowrap">{{ "%g" % verdict.score }} of {{ "%g" % verdict.points }} points</strong>
</div>
{% if intro %}
<p style="margin:.4em 0 0">{{ intro }}</p>
{% endif %}
{% if lines %}
<ul style="list-style:none;margin:.4em 0 0;padding:0">
{% for line, help in lines %}
<li style="margin:.25em 0;padding-left:1.6em;text-indent:-1.6em">
<span aria-hidden="true" style="display:inline-block;width:1.6em;text-indent:0;font-weight:bold">
{{- "✓" if line.passed else "✗" }}</span>
<span style="position:absolute;left:-999em">{{ "passed:" if line.passed else "failed:" }}</span>
{{- line.sentence | code }}
<span style="opacity:.75;white-space:nowrap">({{ "%g" % line.score }} of {{ "%g" % line.points }})</span>
{% if help %}
<div style="text-indent:0;margin:.15em 0 .3em;padding:.3em .7em;border-left:3px solid {{ colour }};
 background:var(--jp-layout-color2,#f5f5f5)">{{ help | code }}</div>
{% endif %}
</li>
{% endfor %}
</ul>
{% endif %}
{% if verdict.asides %}
<details style="margin-top:.4em"><summary>Your code printed or warned while it was checked</summary>
<pre style="white-space:pre-wrap;margin:.3em 0 0">{{ verdict.asides | join("\\n") }}</pre></details>
{% endif %}
</div>""")


def as_html(verdict: Verdict) -> str:
    """The card as one self-contained HTML element; colours follow JupyterLab's light or dark theme."""
    mark, colour = LOOK[verdict.outcome]
    label = f"{verdict.name}: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} points"
    lines = list(zip(_shown(verdict), _helps(verdict), strict=True))
    intro = verdict.feedback if not lines else ""
    return _HTML.render(verdict=verdict, mark=mark, colour=colour, label=label, lines=lines, intro=intro)


def as_markdown(verdict: Verdict) -> str:
    """The card as Markdown, for documents and front ends without HTML."""
    mark, _ = LOOK[verdict.outcome]
    rows = [
        f"**{mark} `{verdict.name}`: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} points**",
        "",
    ]
    for line, help_ in zip(_shown(verdict), _helps(verdict), strict=True):
        rows.append(f"- {'✓' if line.passed else '✗'} {line.sentence} ({line.score:g} of {line.points:g})")
        rows += [f"  > {help_}"] if help_ else []
    if not _shown(verdict) and verdict.feedback:
        rows.append(verdict.feedback)
    return "\n".join([*rows, *(f"    {aside}" for aside in verdict.asides)])


def as_text(verdict: Verdict) -> str:
    """The card as plain text, for a terminal."""
    mark, _ = LOOK[verdict.outcome]
    rows = [f"{mark} {verdict.name}: {verdict.outcome}, {verdict.score:g} of {verdict.points:g} points"]
    for line, help_ in zip(_shown(verdict), _helps(verdict), strict=True):
        rows.append(f"  {'✓' if line.passed else '✗'} {line.sentence} ({line.score:g} of {line.points:g})")
        rows += [f"      {help_}"] if help_ else []
    if not _shown(verdict) and verdict.feedback:
        rows.append(f"  {verdict.feedback}")
    return "\n".join([*rows, *(f"  | {aside}" for aside in verdict.asides)])


def _shown(verdict: Verdict) -> tuple[Line, ...]:
    return () if verdict.outcome is Outcome.NOT_ATTEMPTED else verdict.lines


def _helps(verdict: Verdict) -> list[str]:
    """The feedback of each line, each sentence once: one mistake often fails several checks."""
    said: set[str] = set()
    helps = []
    for line in _shown(verdict):
        helps.append("" if line.feedback in said else line.feedback)
        said.add(line.feedback)
    return helps
