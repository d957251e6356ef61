"""Every lesson from both sides: solved is full marks, blank none, each known mistake told by its own sentence.

Lessons are found by their presence in solutions/: a new one is held to all of this without an edit here.
"""

import ast
import importlib
import inspect
import re
import textwrap
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest

from autograde.build import stale
from autograde.cells import answer_grade_id, exercise_grade_id, grade_id_of, is_demo, slug_of
from autograde.compare import equal
from autograde.course import Course, find_root
from autograde.execute import executed, judging_server
from autograde.exercise import Outcome, Question
from autograde.exercises import number_of
from autograde.judge import ask_here, judge
from autograde.kernel.limits import Ended, Limits
from autograde.kernel.walls import Walls
from autograde.lesson import source_notebook, student_notebook
from autograde.observe import ask
from autograde.outside import pickled
from autograde.repair import repaired
from autograde.secret import Secret
from autograde.verdict import verdicts_in
from collabkit.ratings import load_ratings

from ..practice import run_in_jupyter
from .mistakes import slips

ROOT = find_root(Path(__file__).parent)
COURSE = Course(ROOT, ROOT / "course")
LESSONS = COURSE.lessons()
EXERCISES = [(lesson, name) for lesson in LESSONS for name in COURSE.exercises(lesson)]
PATIENT = Limits(
    cell_seconds=600, import_seconds=600, submission_seconds=3600
)  # a busy machine fails no test: bench measures
SEEDS = range(3)
BANDS = {"03_dot_product": ("dot product", 0.87, 0.03)}  # rung on MovieLens 100K: facts measured over three seeds

every_lesson = pytest.mark.parametrize("lesson", LESSONS)
every_exercise = pytest.mark.parametrize(("lesson", "name"), EXERCISES)


def source_of(lesson):
    return source_notebook(script_of(lesson), COURSE.exercises(lesson), lesson)


def script_of(lesson):
    return (COURSE.solutions / f"{lesson}.py").read_text(encoding="utf-8")


def outputs_of(notebook):
    return [(cell, output) for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def complaints(notebook):
    """What a learner must never meet in a notebook that ran: tracebacks and lines on stderr."""
    return [
        (cell.source[:60], output.get("evalue") or output.get("text"))
        for cell, output in outputs_of(notebook)
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


class Images(HTMLParser):
    """The alternative texts of the images in a piece of HTML; None for an image without one."""

    def __init__(self, text):
        super().__init__()
        self.alts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.alts.append(dict(attrs).get("alt"))


def alts_of(notebook):
    bundles = [output.get("data", {}) for _, output in outputs_of(notebook)]
    return [alt for bundle in bundles for alt in Images("".join(bundle.get("text/html", ""))).alts]


# ---- the notebooks, run in real kernels as learners run them


@every_lesson
def test_solved_lesson_earns_all_points(lesson, tmp_path):
    notebook = source_of(lesson)
    endings = run_in_jupyter(notebook, tmp_path)
    assert complaints(notebook) == []
    assert set(endings) <= {Ended.OK, Ended.SKIPPED}
    verdicts = verdicts_in(notebook)
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == dict.fromkeys(
        COURSE.exercises(lesson), Outcome.PASSED
    )
    alts = alts_of(notebook)
    assert alts, "a lesson shows at least one picture"
    assert all(alt and len(alt) > 30 for alt in alts), alts
    bare = [cell.source[:60] for cell, output in outputs_of(notebook) if "image/png" in output.get("data", {})]
    assert bare == [], "pictures without alternative text"
    if lesson in BANDS and load_ratings().attrs["source"] == "MovieLens 100K":
        rung, mse, width = BANDS[lesson]
        ladder = next(alt for alt in alts if f"{rung}: " in alt and "damped biases" in alt and "constant 3" in alt)
        assert float(re.search(rf"{rung}: ([\d.]+\d)", ladder)[1]) == pytest.approx(mse, abs=width)


@every_lesson
def test_blank_lesson_runs_to_its_end_and_earns_nothing(lesson, tmp_path):
    notebook = student_notebook(source_of(lesson))
    endings = run_in_jupyter(notebook, tmp_path)
    assert complaints(notebook) == []
    assert set(endings) <= {Ended.OK, Ended.SKIPPED}
    verdicts = verdicts_in(notebook)
    assert set(verdicts) == set(COURSE.exercises(lesson))
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.NOT_ATTEMPTED}
    assert sum(verdict.score for verdict in verdicts.values()) == 0


# ---- the notebooks, judged from outside


@pytest.fixture(scope="module")
def server():
    with judging_server(Walls.found()) as server:
        yield server


def graded(notebook, lesson, server, key=b"a secret of 32 bytes for tests.."):
    notebook, notes = repaired(notebook, student_notebook(source_of(lesson)))
    assert notes == []
    secret = Secret(key)
    return executed(notebook, server, PATIENT, lambda exercise: secret.seed("ada", exercise))


@every_lesson
def test_solved_lesson_earns_all_points_from_outside_without_its_demonstrations(lesson, server):
    notebook = graded(source_of(lesson), lesson, server)
    assert complaints(notebook) == [], "set-up must not need what is locked away in grading"
    assert all(not cell.outputs for cell in notebook.cells if is_demo(cell))
    verdicts = verdicts_in(notebook)
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == dict.fromkeys(
        COURSE.exercises(lesson), Outcome.PASSED
    )
    assert sum(v.score for v in verdicts.values()) == sum(e.points for e in COURSE.exercises(lesson).values())


@every_lesson
def test_blank_lesson_earns_nothing_from_outside(lesson, server):
    notebook = graded(student_notebook(source_of(lesson)), lesson, server)
    assert complaints(notebook) == []
    verdicts = verdicts_in(notebook)
    assert set(verdicts) == set(COURSE.exercises(lesson))
    assert {(verdict.outcome, verdict.score) for verdict in verdicts.values()} == {(Outcome.NOT_ATTEMPTED, 0)}


@every_lesson
def test_another_secret_draws_other_inputs_and_gives_the_same_marks(lesson, server):
    seeds = {Secret(key * 32).seed("ada", "x") for key in (b"a", b"b")}
    assert len(seeds) == 2
    first, second = (verdicts_in(graded(source_of(lesson), lesson, server, key * 32)) for key in (b"a", b"b"))
    assert first == second


def own_version(module, name, mistake, solution):
    """A known mistake as a learner would write it: under the exercise's name, on what the solution defines."""
    imports = [
        ast.unparse(node)
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and not re.search(r"\b(autograde|collabkit|__future__)\b", ast.unparse(node))
    ]
    name = name.split(".")[0]
    tree = ast.parse(textwrap.dedent(inspect.getsource(mistake.answer)))
    tree.body[0].decorator_list = []
    text = re.sub(rf"\bcollabkit\.{re.escape(name)}\b", "Solution", ast.unparse(tree))
    text = text.replace(f" {tree.body[0].name}(", f" {name}(", 1)
    return "\n".join([*imports, solution, f"Solution = {name}", text])


@every_lesson
def test_each_mistake_is_told_by_its_own_sentence_alone_from_outside(lesson, server):
    exercises = COURSE.exercises(lesson)
    module = importlib.import_module(f"autograde.exercises.{slug_of(lesson)}")
    for number in range(max(len(exercise.misconceptions) for exercise in exercises.values())):
        notebook, made, leaning = source_of(lesson), {}, set()
        for cell in notebook.cells:
            name = next((each for each in exercises if grade_id_of(cell) == answer_grade_id(each)), None)
            if name and any(re.search(rf"\b{re.escape(other)}\(", cell.source) for other in made):
                leaning.add(name)  # it may fail for the sake of the one that it calls
            if name and number < len(exercises[name].misconceptions):
                made[name] = mistake = exercises[name].misconceptions[number]
                is_question = isinstance(exercises[name], Question)
                answer = f'{name} = "{mistake.answer}"'
                cell.source = answer if is_question else own_version(module, name, mistake, cell.source)
        verdicts = verdicts_in(graded(notebook, lesson, server))
        for name, mistake in made.items():
            others = [other.sentence for other in exercises[name].misconceptions if other is not mistake]
            assert verdicts[name].score < exercises[name].points, mistake.name
            assert mistake.sentence in verdicts[name].feedback, (mistake.name, verdicts[name].feedback)
            assert [sentence for sentence in others if sentence in verdicts[name].feedback] == [], mistake.name
        assert all(verdict.passed for name, verdict in verdicts.items() if name not in leaning | made.keys())


@every_exercise
def test_no_question_that_is_sent_leads_to_an_answer(lesson, name):
    exercise = COURSE.exercises(lesson)[name]
    for check in exercise.checks:
        given = exercise.draw(np.random.default_rng(0))
        for value in (check.question, given):
            sent = pickled(value, check.question)  # which refuses references, misconceptions and all of collabkit
            assert b"collabkit" not in sent
            assert all(mistake.sentence.encode()[:40] not in sent for mistake in exercise.misconceptions)


@every_exercise
def test_what_anybody_could_say_without_an_answer_is_marked_as_form(lesson, name):
    """A check whose expected observation never changes could be passed by a trick that always sends it."""
    exercise = COURSE.exercises(lesson)[name]
    if isinstance(exercise, Question):  # there the letter is the answer
        return
    for check in exercise.checks:
        seen = [
            ask(check.question, exercise.reference, exercise.draw(np.random.default_rng(seed)), seed) for seed in SEEDS
        ]
        assert check.is_form or not all(equal(seen[0], other) for other in seen[1:]), check.sentence
    assert not all(check.is_form for check in exercise.checks), "nothing of substance is asked"


# ---- the exercises, without a kernel


@every_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_reference_passes_its_own_checks(lesson, name, seed):
    exercise = COURSE.exercises(lesson)[name]
    verdict = judge(exercise, ask_here(exercise.reference, seed), seed)
    assert verdict.outcome is Outcome.PASSED, verdict.feedback
    assert verdict.score == exercise.points


@every_exercise
def test_each_mistake_loses_the_same_marks_in_each_draw_and_is_told_by_its_own_sentence_alone(lesson, name):
    exercise = COURSE.exercises(lesson)[name]
    draws = 2 if exercise.patience > 1 or isinstance(exercise, Question) else 4  # python -m tests.lessons.mistakes: more
    assert list(slips(exercise, range(draws))) == []


@every_lesson
def test_its_exercises_know_which_lesson_it_is(lesson):
    assert number_of(slug_of(lesson)) == int(lesson[:2])


@every_exercise
def test_sentences_are_distinct(lesson, name):
    sentences = [mistake.sentence for mistake in COURSE.exercises(lesson)[name].misconceptions]
    assert len(set(sentences)) == len(sentences)


@every_lesson
def test_a_lesson_has_exercises_questions_hints_and_misconceptions(lesson):
    exercises = COURSE.exercises(lesson).values()
    questions = [exercise for exercise in exercises if isinstance(exercise, Question)]
    built = [exercise for exercise in exercises if not isinstance(exercise, Question)]
    assert len(built) >= 2
    assert len(questions) >= 3
    for exercise in built:
        assert 2 <= len(exercise.hints) <= 3, exercise.name
        assert len(exercise.misconceptions) >= 3, exercise.name
    for question in questions:
        assert len(question.choices) >= 3, question.name
    share = sum(question.points for question in questions) / sum(exercise.points for exercise in exercises)
    assert 0.1 <= share <= 0.3, "questions carry about a fifth of the points"


# ---- the texts


@every_lesson
def test_derived_files_are_fresh(lesson):
    names = [str(path.relative_to(ROOT)) for path in stale(COURSE, [lesson])]
    assert names == [], "stale: run make lessons"


@every_exercise
def test_stub_says_nothing_of_the_solution(lesson, name):
    source, student = source_of(lesson), student_notebook(source_of(lesson))
    wanted = f"{exercise_grade_id(name)}-answer"
    solved, stub = (
        next(cell.source for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == wanted)
        for notebook in (source, student)
    )
    assert "SOLUTION" not in stub
    assert stub != solved
    assert "raise NotImplementedError" in stub or "= ..." in stub


@every_lesson
def test_prose_names_aims_time_points_and_what_comes_next(lesson):
    script = script_of(lesson)
    total = sum(exercise.points for exercise in COURSE.exercises(lesson).values())
    assert re.match(rf"# %% \[markdown\]\n# # {int(lesson[:2])}\. \S", script), "the title carries the lesson's number"
    assert "You will be able to" in script
    assert re.search(r"\*\*Time\*\*: about \d+ minutes", script)
    assert re.search(r"\*\*Points\*\*: ([\d.]+?)\.?\s", script)[1] == f"{total:g}"
    assert "**Next**" in script


@every_lesson
def test_imports_are_explicit(lesson):
    assert re.search(r"(?m)^\s*from \S+ import \*", script_of(lesson)) is None


@every_lesson
def test_links_resolve(lesson):
    prose = "\n".join(cell.source for cell in source_of(lesson).cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#\s]+)", prose):
        if not target.startswith(("http://", "https://")):
            assert (ROOT / "lessons" / lesson / target).exists(), target


@every_lesson
def test_committed_notebook_is_valid_and_without_outputs(lesson):
    notebook = nbformat.read(ROOT / "lessons" / lesson / f"{lesson}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert outputs_of(notebook) == []
