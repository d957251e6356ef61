"""Feedback pages hold no hidden input before the policy's date, whatever a learner's code does with one."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from autograde.exercise import Line, Outcome, Verdict
from autograde.feedback import withheld
from autograde.grading import grade
from autograde.kernel.limits import Limits
from autograde.verdict import verdict_bundle

from .gradebooks import copy_of, forget
from .small_class import LESSON, cell_of, hand_in, solved_notebook
from .test_nbgrader_commands import nbgrader

TAG = "LOOT"  # which no source holds as one word, so it comes from what ran
RETURNED = "424242"
UNTIL = "What your code put out here is left out: it may hold inputs that are hidden."
CLASS = """
seen = []
class DotProduct(nn.Module):
    def __init__(self, n_users, n_movies, n_factors):
        super().__init__()
        self.user_factors, self.movie_factors = nn.Embedding(n_users, n_factors), nn.Embedding(n_movies, n_factors)
    def forward(self, x):
        seen.append("LO" + "OT" + str(x.tolist()))
        {trick}
        return (self.user_factors(x[:, 0]) * self.movie_factors(x[:, 1])).sum(dim=1)
"""
TRICKS = {  # what stands in forward, and what in cells further down
    "raises": ("raise ValueError(seen[-1])", {}),
    "names": ("raise type(seen[-1][:4], (Exception,), {})()", {}),
    "returns": ("return torch.full((len(x),), 424_000.0 + 242)", {}),
    "prints-later": ("", {"gradient_step-answer": "print(seen)"}),
    "shows-later": ("", {"gradient_step-answer": "from IPython.display import HTML\nHTML(str(seen))"}),
    "raises-later": ("", {"gradient_step-answer": "raise ValueError(seen[0])"}),
    "answers-later": ("", {"why_mse-answer": "why_mse = seen[0]"}),
    "redraws": ("", {"gradient_step-answer": "drawn.update(seen[-1])"}),
}
UNHEARD = {  # what nobody hears in grading, whatever the date
    "prints": ("print(seen[-1])", {}),
    "warns": ("import warnings; warnings.warn(seen[-1])", {}),
    "redraws-at-once": ("drawn.update(seen[-1])", {}),
}


@pytest.fixture(scope="module")
def tricked(graded, tmp_path_factory):
    """A course in which everybody tries to get at the inputs: graded."""
    course = copy_of(graded[0], tmp_path_factory.mktemp("feedback") / "class")
    for student, (trick, more) in (TRICKS | UNHEARD).items():
        notebook = solved_notebook(course)
        source = CLASS.format(trick=trick or "pass")
        if student.startswith("redraws"):
            source = 'from IPython.display import display\ndrawn = display("x", display_id=True)\n' + source
        cell_of(notebook, "DotProduct-answer").source = source
        for grade_id, code in more.items():
            cell_of(notebook, grade_id).source = code
        hand_in(course, student, notebook)
    grade(course, [LESSON], list(TRICKS | UNHEARD), limits=Limits(cell_seconds=15))
    yield course
    forget(course)


@pytest.fixture(scope="module")
def pages(tricked):
    """When -> student -> the page: without a policy, before a date, and after it."""
    found = {}
    for when, text in {
        "never": "",
        "before": 'timezone = "Europe/Berlin"\n[feedback]\ninputs_from = 2999-12-01\n',
        "after": "[feedback]\ninputs_from = 2020-12-01\n",
    }.items():
        tricked.policy_file.write_text(text)
        done = nbgrader(tricked, "generate_feedback", LESSON, "--force")
        assert done.returncode == 0, done.stderr
        places = {
            student: tricked.folder / "feedback" / student / LESSON for student in [*TRICKS, *UNHEARD, "ada-solved"]
        }
        found[when] = {name: (place / f"{LESSON}.html").read_text("utf-8") for name, place in places.items()}
    return found


def is_told(page):
    return TAG in page or RETURNED in page


@pytest.mark.parametrize("student", TRICKS)
def test_no_hidden_input_before_the_date_and_all_of_it_after(pages, tricked, student):
    assert not is_told(pages["never"][student])
    assert not is_told(pages["before"][student])
    assert is_told(pages["after"][student]), "the trick does work"
    assert is_told(tricked.graded(student, LESSON).read_text("utf-8")), "the instructor sees everything"


@pytest.mark.parametrize("student", UNHEARD)
def test_what_is_said_while_the_judge_asks_reaches_no_page(pages, student):
    assert not any(is_told(found[student]) for found in pages.values())


@pytest.mark.parametrize("student", TRICKS)
def test_it_is_said_what_was_left_out_and_from_when_it_is_shown(pages, student):
    assert UNTIL in pages["never"][student]
    assert f"{UNTIL} Pages that are made from 2999-12-01 23:59 (Europe/Berlin) on show it." in pages["before"][student]
    assert UNTIL not in pages["after"][student]


def test_marks_and_cards_are_the_same_on_every_page(pages):
    for student in [*TRICKS, "ada-solved"]:
        marks = {re.findall(r"Score: [\d.]+ / [\d.]+", found[student])[0] for found in pages.values()}
        assert len(marks) == 1, student
        cards = {
            tuple(re.findall(r'aria-label="([^"]+ of [^"]+ points?)"', found[student])) for found in pages.values()
        }
        assert len(cards) == 1, student
        assert len(cards.pop()) == 6


def test_what_went_wrong_is_still_said(pages):
    assert "Your <code>DotProduct</code> stopped with an error." in pages["never"]["raises"]
    assert "Your <code>DotProduct</code> gave something else than expected." in pages["never"]["returns"]
    assert "The cell of gradient_step stopped with an error." in pages["never"]["raises-later"]


def test_a_known_mistake_keeps_its_sentence(graded, tricked):
    """Sentences that the exercises hold are the same for everybody."""
    known = tricked.exercises(LESSON)
    made = [(p.student, *mistake) for p in graded[1] for mistake in p.mistakes.items()]
    assert made
    for student, name, mistake in made:
        sentence = next(each.sentence for each in known[name].misconceptions if each.name == mistake)
        notebook = nbformat.read(tricked.graded(student, LESSON), as_version=4)
        shown = withheld(notebook, known.get, UNTIL)
        cards = "".join(
            out.data["text/plain"] for cell in shown.cells for out in cell.get("outputs", []) if "data" in out
        )
        assert sentence in cards, (student, name)


@pytest.mark.parametrize(
    ("feedback", "shown"),
    [
        ("The kernel died in the cell that starts with `f = 1`, so f could not be checked.", None),
        ("The cell that starts with `f = 1` did not come to an end in time and could not be stopped, so f could not "
         "be checked.", None),
        ("The cell that starts with `f = 1` needed more memory than a submission may use, so f could not be checked.",
         None),
        ("There is nothing to check as f. No cell of yours defines `f`: is the name spelled like this?", None),
        ("There is nothing to check as f. LOOT: [7, 11].", "f could not be checked."),
        ("The kernel died in the cell that starts with `LOOT`, so f could not be checked.", "f could not be checked."),
        ("The cell of f stopped with LOOT: 7.", "The cell of f stopped with an error."),
    ],
)  # fmt: skip
def test_sentences_about_the_run_stay_as_far_as_they_repeat_the_source(feedback, shown):
    verdict = Verdict("f", Outcome.CRASHED, 0.0, 1.0, feedback)
    assert shown_of(verdict).feedback == (shown or feedback)


def test_values_go_and_kinds_of_mistakes_stay():
    told = {
        "Your `f` gave shape (7, 11), expected (7,).": "Your `f` gave another shape than expected.",
        "Your `f` gave NaN in 3 of 7 places where a number belongs.": "Your `f` gave NaN where a number belongs.",
        "Your `f` gave None, expected 3: is a `return` missing?": "Your `f` gave None: is a `return` missing?",
        "Your `f` LOOT.": "Your `f` gave something else than expected.",
    }
    lines = tuple(Line("Does", False, 0.0, 1.0, feedback) for feedback in told)
    shown = shown_of(Verdict("f", Outcome.FAILED, 0.0, 4.0, " ".join(told), lines, asides=("LOOT",)))
    assert [line.feedback for line in shown.lines] == list(told.values())
    assert shown.feedback == " ".join(told.values())
    assert shown.asides == ()


def test_a_check_cell_without_a_verdict_shows_nothing():
    notebook = checked(None)
    notebook.cells[1].outputs = [new_output("stream", text=TAG)]
    assert TAG not in str(withheld(notebook, {}.get, UNTIL))


def shown_of(verdict):
    from autograde.verdict import reported

    return reported(withheld(checked(verdict), {}.get, UNTIL).cells[1])


def checked(verdict):
    cell = new_code_cell('check("f", f)', metadata={"nbgrader": {"grade": True, "grade_id": "f", "points": 4}})
    if verdict:
        cell.outputs = [new_output("display_data", data=verdict_bundle(verdict))]
    return new_notebook(cells=[new_code_cell("f = 1"), cell])


# ---- the page itself


def test_formgrader_s_button_makes_our_page(own):
    reply = own.api.generate_feedback(LESSON, "ada-solved")
    assert reply["success"], reply
    page = (own.folder / "feedback" / "ada-solved" / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page


def test_nbgrader_s_other_pages_keep_their_templates(own):
    """formgrader shows a submission, with its fields for marks and comments, through HTMLExporter."""
    assert "HTMLExporter" not in own.config()
