"""Every kind of card on one page, to look at and for checks of accessibility: `python -m autograde.card_gallery FILE`.

The page has JupyterLab's colours, light or dark as the browser is set, and what JupyterLab does to tables in outputs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment

from autograde import card, evidence, exercises, standing
from autograde.exercise import Line, Measured, Outcome, Verdict
from autograde.judge import ask_here, examined, silence

__all__ = ["cards", "main", "page"]

SEED = 1
LINES = (
    Line("Gives one prediction for each row", True, 0.5, 0.5),
    Line("Multiplies the `factors`", False, 0.0, 1.0, "You took the mean: `.sum(dim=1)`."),
    Line("Takes a batch of one", False, 0.0, 1.0, "You took the mean: `.sum(dim=1)`."),
)
PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cards</title>
<style>
:root{color-scheme:light dark;--jp-layout-color1:#fff;--jp-layout-color2:#eee;--jp-border-color1:#bdbdbd;
--jp-ui-font-color1:rgba(0,0,0,.87);--jp-ui-font-color2:rgba(0,0,0,.54);
--jp-ui-font-family:system-ui,sans-serif;--jp-code-font-family:monospace}
@media (prefers-color-scheme:dark){:root{--jp-layout-color1:#212121;--jp-layout-color2:#424242;
--jp-border-color1:#616161;--jp-ui-font-color1:#fff;--jp-ui-font-color2:rgba(255,255,255,.7)}}
body{margin:1em;background:var(--jp-layout-color1);color:var(--jp-ui-font-color1);
font-family:var(--jp-ui-font-family);font-size:13px}
td,th,tr{text-align:right;vertical-align:middle;padding:.5em;line-height:normal;border:none}
tbody tr:nth-child(odd){background:var(--jp-layout-color2)}
h2{font-size:14px;font-weight:normal;margin:1.2em 0 .3em}
</style></head><body><main><h1>Cards</h1>
{% for title, shown in cards %}
<section><h2>{{ title }}</h2>
{{ shown | safe }}
</section>
{% endfor %}
</main></body></html>
""")


def cards(names: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """(title, HTML) of every outcome, and of the first known mistake in each exercise; with names, of all in these."""
    for outcome in Outcome:
        lines = LINES if outcome is Outcome.PARTIAL else ()
        verdict = Verdict("an_exercise", outcome, 0.5, 2.5, "This is what `helps`.", lines)
        yield str(outcome), card.as_html(verdict)
    measured = Measured("RMSE on other ratings", 0.9, {"damped biases": 0.94, "our best": 0.89})
    yield (
        "measured, and printed",
        card.as_html(Verdict("m", Outcome.PASSED, 1, 1, asides=("a line",), measured=measured)),
    )
    yield "no such exercise", card.as_html(Verdict("m", Outcome.FAILED, 0, 0, "There is none called m."))
    yield "progress", standing.as_html(standing.standing([]))
    for slug in exercises.slugs():
        for name, exercise in exercises.of_lesson(slug).items():
            if names and name not in names:
                continue
            if not names and exercise.patience > 1:
                continue  # it trains for long
            for mistake in exercise.misconceptions[: None if names else 1]:
                with silence():
                    verdict, seen = examined(exercise, ask_here(mistake.answer, SEED), SEED)
                    shown = card.as_html(verdict, evidence.beside(exercise, verdict, seen, SEED))
                yield f"{name}: {mistake.name}", shown


def page(names: Sequence[str] = ()) -> str:
    """The gallery as one HTML page."""
    return PAGE.render(cards=list(cards(names)))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m autograde.card_gallery", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("names", nargs="*", help="exercises of which to show all known mistakes")
    options = parser.parse_args(arguments)
    options.file.write_text(page(options.names), encoding="utf-8")


if __name__ == "__main__":
    main()
