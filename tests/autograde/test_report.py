"""The page an instructor reads: everything in itself, everybody on it, and mistakes counted as they were planted."""

import collections
import datetime
import json
import os
import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_output

from autograde.cells import title_of
from autograde.course import Course
from autograde.effort import Effort, as_metadata
from autograde.exercise import Line, Measured, Outcome, Question, Verdict
from autograde.report.page import KEPT, render, write_report
from autograde.report.summary import leaderboards, spread, summaries
from autograde.results import Result
from autograde.similarity import without_docstrings

from .small_class import LESSON, QUOTED, cell_of, hand_in, solved_notebook

NOW = datetime.datetime(2026, 3, 4, 15, 6)
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """A page's tags with their attributes, its text, and the rows of its tables; refuses tags that do not close."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text, self.tables = [], [], "", []
        self.feed(html)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script"):
            return
        self.text += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def html(graded):
    return render(graded[0], graded[2], NOW)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def words(text):
    return " ".join(text.split())


def marks_of(page):
    """Student -> [cells] of the table of marks."""
    return {row[0]: [words(cell) for cell in row[1:]] for row in page.tables[0][1:]}


# ---- the page as a whole


def test_the_page_needs_nothing_but_itself(html, page):
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    assert not any(tag in ("link", "iframe", "object", "embed", "base") for tag, _ in page.tags)
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "href", "action", "data"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)


def test_links_lead_to_something_on_the_page(page):
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {a["href"][1:] for tag, a in page.tags if tag == "a"} <= ids


def test_the_page_says_what_it_is(page):
    assert ("html", {"lang": "en"}) in page.tags
    assert f"{len(marks_of(page))} students, 1 lesson, graded 4 March 2026, 15:06" in page.text
    assert "Around learners' code in the last run: bubblewrap ✓, namespaces ✓" in words(page.text)
    assert re.search(r"Inputs were drawn from the secret [0-9a-f]{12}\.", words(page.text))
    assert "without walls" not in page.text
    assert re.search(r"nbgrader 0\.\d+.*torch \d+\..*fastai \d+\.", page.text)


def test_ids_are_single_and_labels_point_at_them(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a} <= set(ids)


# ---- everybody


def test_every_student_has_a_mark_and_every_status_a_word(graded, page):
    course, _, results, _ = graded
    marks = marks_of(page)
    assert list(marks) == course.students()
    for result in results:
        cell, total = marks[result.student]
        expected = [] if result.problem else [f"{result.score:g}"]
        assert cell.split()[: len(expected)] == expected
        assert total == f"{result.score:g}"
        for status in result.statuses:
            assert status in cell
    assert {status for result in results for status in result.statuses} == {
        *(Outcome.NOT_ATTEMPTED, Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.MALFORMED, Outcome.MISSING),
    }


def test_what_needs_a_person_is_told_with_the_note_or_the_sentence(graded, page):
    needy = {row[0]: words(" ".join(row[1:])) for row in page.tables[1][1:]}
    expected = [r for r in graded[2] if r.statuses and r.statuses != [Outcome.NOT_ATTEMPTED]]
    expected.sort(key=lambda result: result.problem is Outcome.MISSING)
    assert list(needy) == [result.student for result in expected]
    for result in expected:
        said = result.note or next(v.feedback for v in result.verdicts.values() if v.outcome in result.statuses)
        assert words(said.replace("`", "")) in needy[result.student]


def test_what_was_put_right_is_told(graded, html):
    _, _, results, _ = graded
    mended = [result for result in results if result.notes]
    text = words(Page(html).text)
    assert f"{len(mended)} notebooks were put right before grading" in text
    for result in mended:
        assert words(" ".join(result.notes).replace("`", "")) in text


def test_titles_and_points_are_those_of_the_lesson(graded, page):
    text = (graded[0].solutions / f"{LESSON}.py").read_text(encoding="utf-8")
    assert words(page.tables[0][0][1]) == f"03 {title_of(text)}of 8 points"


# ---- mistakes


def test_mistakes_are_counted_as_they_were_planted(graded):
    course, planted, results, _ = graded
    counted = {
        (summary.name, mistake.sentence): mistake.students
        for summary in summaries(course, results)
        for mistake in summary.mistakes
    }
    expected = collections.defaultdict(tuple)
    for student in planted:
        for name, mistake in student.mistakes.items():
            sentence = next(m.sentence for m in course.exercises(LESSON)[name].misconceptions if m.name == mistake)
            expected[name, sentence] += (student.student,)
    assert counted == expected


def test_summaries_count_outcomes_and_means(graded):
    course, _, results, _ = graded
    found = summaries(course, results)
    assert [summary.name for summary in found] == list(course.exercises(LESSON))
    readable = [result for result in results if result.verdicts]
    for summary in found:
        verdicts = [result.verdicts[summary.name] for result in readable]
        assert summary.outcomes == collections.Counter(verdict.outcome for verdict in verdicts)
        assert list(summary.outcomes) == [outcome for outcome in Outcome if outcome in summary.outcomes]
        assert summary.mean == pytest.approx(sum(verdict.score for verdict in verdicts) / len(verdicts))
        assert summary.is_question == isinstance(course.exercises(LESSON)[summary.name], Question)


def test_what_to_talk_about_are_mistakes_in_code_the_most_frequent_first(graded, page):
    course, _, results, _ = graded
    asked = page.text[page.text.index("What to talk about") : page.text.index("Exercise by exercise")]
    for summary in summaries(course, results):
        for mistake in summary.mistakes:
            assert (words(mistake.sentence.replace("`", "")) in words(asked)) is not summary.is_question


def made(student, feedback, outcome=Outcome.FAILED, score=0.0):
    line = Line("adds", not feedback, score, 2.0, feedback)
    return Result(student, LESSON, {"gradient_step": Verdict("gradient_step", outcome, score, 2.0, feedback, (line,))})


def test_the_most_frequent_mistake_comes_first_and_unknown_ones_are_named(graded):
    course = graded[0]
    rare, often = (m.sentence for m in course.exercises(LESSON)["gradient_step"].misconceptions[:2])
    results = [
        made("a", rare),
        made("b", often),
        made("c", often),
        made("d", "Something else."),
        made("e", "", Outcome.PASSED, 2.0),
    ]
    (summary,) = [each for each in summaries(course, results) if each.name == "gradient_step"]
    assert [(m.sentence, m.students) for m in summary.mistakes] == [(often, ("b", "c")), (rare, ("a",))]
    assert summary.unknown == ("d",)
    text = words(Page(render(course, results, NOW)).text)
    assert text.index(words(f"2 of 5 in gradient_step ({LESSON}) {often}").replace("`", "")) < text.index("1 of 5 in")
    assert "mistake not known: d" in text


def test_sentences_that_the_judge_dressed_up_are_recognised(graded):
    course = graded[0]
    sentence = course.exercises(LESSON)["train"].misconceptions[0].sentence
    verdict = Verdict("train", Outcome.FAILED, 0.0, 1.0, sentence, (Line("x", False, 0.0, 1.0, sentence.rstrip(".")),))
    (summary,) = [s for s in summaries(course, [Result("a", LESSON, {"train": verdict})]) if s.name == "train"]
    assert summary.mistakes[0].students == ("a",)


# ---- a leaderboard


def measured(student, value, **rungs):
    found = Measured("RMSE on others", value, rungs or {"baseline": 0.94, "our best": 0.89})
    verdict = Verdict("train", Outcome.PASSED, 1.0, 1.0, measured=found)
    return Result(student, LESSON, {"train": verdict})


def test_a_leaderboard_has_known_answers_between_the_students(graded):
    results = [measured("a", 0.91), measured("b", 0.88), measured("c", 1.2), measured("d", 0.91), made("e", "")]
    (board,) = leaderboards(results)
    assert board.is_one_measure
    assert board.rows == (
        (1, "b", 0.88),
        (None, "our best", 0.89),
        (2, "a", 0.91),
        (2, "d", 0.91),
        (None, "baseline", 0.94),
        (4, "c", 1.2),
    )
    page = Page(render(graded[0], results, NOW))
    (table,) = [table for table in page.tables if table[0] == ["Place", "Who", "Measured"]]
    assert table[1:4] == [["1", "b", "0.8800"], ["–", "our best", "0.8900"], ["2", "a", "0.9100"]]


def test_what_was_measured_on_other_inputs_is_told(graded):
    results = [measured("a", 0.91), measured("b", 0.9, baseline=0.95)]
    assert not leaderboards(results)[0].is_one_measure
    assert "Not all were measured on the same inputs" in Page(render(graded[0], results, NOW)).text


def test_without_anything_measured_there_is_no_leaderboard(html):
    assert "Leaderboard" not in html


# ---- strangers' text


def test_names_and_feedback_are_escaped(html, page):
    assert QUOTED in marks_of(page)
    assert "<b>&amp;" not in html


def test_feedback_cannot_become_html(graded):
    evil = "`<img src=x onerror=alert(1)>` </table><script>alert(2)</script>"
    accident = Verdict("train", Outcome.CRASHED, 0.0, 1.0, evil)
    results = [
        Result("<i>a</i>", LESSON, {"train": accident}),
        Result("b", LESSON, problem=Outcome.MALFORMED, note=evil),
        made("c<script>", evil),
    ]
    html = render(graded[0], results, NOW)
    page = Page(html)
    assert html.count("<script>") == 1
    assert not any(tag in ("img", "i") and "onerror" in attributes for tag, attributes in page.tags)
    assert list(marks_of(page)) == ["<i>a</i>", "b", "c<script>"]
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") == 2
    assert "`&lt;img" not in html, "what stands in backticks is code, in notes as in feedback"


# ---- ends of the range


def test_an_empty_class_is_a_page(graded):
    page = Page(render(graded[0], [], NOW))
    assert "0 students, 0 lessons" in page.text
    assert "No known mistake was made." in page.text
    assert marks_of(page) == {}


def test_a_class_of_problems_alone_is_a_page(graded):
    page = Page(render(graded[0], [Result("a", LESSON, problem=Outcome.MISSING, note="Nothing.")], NOW))
    assert marks_of(page)["a"] == ["– missing", "0"]


def test_a_lesson_that_a_student_was_not_graded_in_says_so(root, tmp_path):
    course = Course(root, tmp_path)
    other = next(lesson for lesson in course.lessons() if lesson != LESSON)
    results = [Result("a", other, problem=Outcome.MISSING, note="x"), made("b", "", Outcome.PASSED, 2.0)]
    page = Page(render(course, results, NOW))
    assert marks_of(page) == {"a": ["– missing", "not graded", "0"], "b": ["not graded", "2", "2"]}


def test_the_report_is_written_in_one_move(own, graded):
    path = write_report(own, graded[2]).path
    assert path == own.report
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [each.name for each in path.parent.iterdir()] == ["index.html"]


# ---- earlier reports


def test_earlier_reports_are_kept_and_linked_and_do_not_pile_up(own):
    results = [made("a", "")]
    folder = own.report.parent
    for hour in range(KEPT + 3):
        now = datetime.datetime(2026, 3, 4, 0, 0, hour)
        write_report(own, results, now)
        os.utime(own.report, (now.timestamp(), now.timestamp()))
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == [*(f"2026-03-04T00-00-{second:02}.html" for second in range(2, KEPT + 2)), "index.html"]
    page = Page(own.report.read_text(encoding="utf-8"))
    linked = [a["href"] for tag, a in page.tags if tag == "a" and not a["href"].startswith("#")]
    assert linked == kept[-2::-1]
    assert f"The last {KEPT} are kept." in page.text
    for name in kept[:-1]:
        page = Page((folder / name).read_text(encoding="utf-8"))
        assert [a["href"] for tag, a in page.tags if tag == "a" and not a["href"].startswith("#")] == ["index.html"]


def test_two_reports_of_one_second_are_both_kept(own):
    for _ in range(3):
        write_report(own, [made("a", "")], NOW)
        os.utime(own.report, (NOW.timestamp(), NOW.timestamp()))
    assert {path.name for path in own.report.parent.iterdir()} == {
        *("2026-03-04T15-06-00.html", "2026-03-04T15-06-00-2.html", "index.html"),
    }


# ---- what an instructor does with it


def test_a_mistake_comes_with_an_example_the_solution_and_what_to_say(graded, html, page):
    course, planted, _, _ = graded
    student = planted[-1]
    name = "DotProduct"
    handed = nbformat.read(course.submission(student.student, LESSON), as_version=4)
    code = cell_of(handed, f"{name}-answer").source
    text = words(page.text)
    assert words(without_docstrings(code)) in text
    assert words("users = self.user_factors(x[:, 0]) # (rows, n_factors)") in text
    assert "BEGIN SOLUTION" not in text
    exercise = course.exercises(LESSON)[name]
    assert words(exercise.hints[0].replace("`", "")) in text
    assert f"It shows in “{exercise.checks[0].sentence}”" in text


def test_equally_frequent_mistakes_of_several_exercises_come_in_turn(graded):
    course = graded[0]
    exercises = course.exercises(LESSON)
    results = []
    for name in ("gradient_step", "train"):
        for place, mistake in enumerate(exercises[name].misconceptions[:2]):
            line = Line("x", False, 0.0, 1.0, mistake.sentence)
            verdict = Verdict(name, Outcome.FAILED, 0.0, 1.0, mistake.sentence, (line,))
            results.append(Result(f"{name}{place}", LESSON, {name: verdict}))
    page = Page(render(course, results, NOW))
    asked = page.text[page.text.index("What to talk about") : page.text.index("Exercise by exercise")]
    assert re.findall(r"1 of 4 in (\w+)", words(asked)) == ["gradient_step", "train"] * 2


def test_marks_spread_over_tenths(graded):
    assert spread([]) is None
    assert spread([0.5]).median == 0.5
    found = spread([0.0, 0.05, 0.1, 0.3, 0.7, 0.95, 1.0, 1.0])
    assert found.counts == (2, 1, 0, 1, 0, 0, 0, 1, 0, 3)
    assert (found.lower, found.median, found.upper) == pytest.approx((0.0875, 0.5, 0.9625))
    html = render(graded[0], graded[2], NOW)
    readable = [result.score / 8 for result in graded[2] if result.verdicts]
    counts = ", ".join(map(str, spread(readable).counts))
    assert f'aria-label="Students by tenths of all points, from the lowest: {counts}"' in html


def test_time_and_hints_are_told_or_said_not_to_be(own, graded):
    assert "Not told: no notebook was handed in with the cards" in Page(render(own, graded[2], NOW)).text
    notebook = solved_notebook(own)
    day = NOW.timestamp() - 10_000
    told = Effort(checks=3, hints=2, seconds=600.0, first_at=day, last_at=day + 900, gave_up=True)
    shown = new_output("display_data", {"text/plain": "card"}, metadata=as_metadata(told))
    cell_of(notebook, "train").outputs = [shown]
    hand_in(own, "ada-solved", notebook)
    page = Page(render(own, graded[2], NOW))
    (by_lesson, by_exercise) = [table for table in page.tables if "Working time" in table[0]]
    assert by_lesson[1][1:] == ["1", "10 min", "10 min", "3", "2", "1"]
    assert [words(cell) for cell in by_exercise[1]] == ["train 03", "1", "10 min", "3", "2", "1"]
    assert marks_of(page) == marks_of(Page(render(graded[0], graded[2], NOW))), "what is told changes no mark"


def details_of(html):
    return json.loads(re.search(r'<script type="application/json" id="details">(.*?)</script>', html).group(1))


def test_each_exercise_of_each_student_can_be_unfolded(graded, html):
    course, planted, results, _ = graded
    details = details_of(html)
    names = [name for _, name, _ in details["exercises"]]
    assert names == list(course.exercises(LESSON))
    for result, text in zip(results, details["students"], strict=True):
        for name, word in zip(names, text.split(" "), strict=True):
            if not result.verdicts:
                assert word == "-"
                continue
            outcome, _, score = word.partition("=")
            verdict = result.verdicts[name]
            assert details["looks"][int(outcome, 16)][0] == verdict.outcome
            assert float(score or (verdict.points if verdict.passed else 0)) == verdict.score
    students = [result.student for result in results]
    made_by = {(names[place], students[who]) for place, _, everybody in details["mistakes"] for who in everybody}
    assert made_by == {(name, student.student) for student in planted for name in student.mistakes}


def test_of_many_who_made_a_mistake_some_are_named_and_all_can_be(graded):
    course = graded[0]
    sentence = course.exercises(LESSON)["gradient_step"].misconceptions[0].sentence
    html = render(course, [made(f"s{i:03}", sentence) for i in range(100)], NOW)
    assert html.count('data-mistake="0"') == 2
    assert html.count("s029 and 70 more") == 2
    assert len(details_of(html)["mistakes"][0][2]) == 100
