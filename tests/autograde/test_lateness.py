"""What lateness costs stands in the gradebook, the same through both doors, and follows the policy."""

import shutil

import pytest

from autograde.course import CourseError
from autograde.export.exported import Settings
from autograde.export.formats import export
from autograde.grading import grade
from autograde.kernel.limits import Limits
from autograde.marks import lesson_marks

from .gradebooks import course_at, rows_in
from .small_class import LESSON
from .test_nbgrader_commands import nbgrader

LIMITS = Limits(cell_seconds=15)  # those of the graded class: nothing is graded again
POLICY = """
timezone = "Europe/Berlin"
[late]
percent_per_day = 10
percent_of = "{of}"
grace = "1 hour"
at_most = 50
[due]
03 = 2026-11-20T23:59:00
[extensions.hana-mistakes]
03 = "2 days"
"""
# 22:59 UTC is when it is due
HANDED_IN = {
    "ada-solved": "2026-11-20 23:30:00.000000 UTC",
    "gus-mistakes": "2026-11-22 10:00:00 UTC",
    "hana-mistakes": "2026-11-22 23:59:01 UTC",
    "odd-duplicated": "2026-12-30 00:00:00 UTC",
    "ben-blank": "2026-11-22 10:00:00 UTC",
}
UNDATED = "odd-markdown"
DAYS = {"gus-mistakes": 2, "hana-mistakes": 1, "odd-duplicated": 5}


def hand_in_late(course, of="possible"):
    course.policy_file.write_text(POLICY.format(of=of))
    for student, moment in HANDED_IN.items():
        (course.submitted / student / LESSON / "timestamp.txt").write_text(moment)


def penalties(course):
    query = (
        "SELECT student_id, late_submission_penalty FROM submitted_notebook AS n"
        " JOIN submitted_assignment AS s ON n.assignment_id = s.id WHERE late_submission_penalty IS NOT NULL"
    )
    return dict(rows_in(course, query))


@pytest.fixture
def nobody_runs(monkeypatch):
    def refuse(_, jobs):
        assert [ready.student for ready, _ in jobs] == []
        yield from ()

    monkeypatch.setattr("autograde.grading.pool.Workers.graded", refuse)


@pytest.mark.usefixtures("nobody_runs")
def test_a_policy_that_comes_later_counts_and_is_told_without_a_run(graded, own):
    hand_in_late(own)
    scores = {result.student: result.score for result in graded[2]}
    students = [*HANDED_IN, UNDATED]
    seen = []
    grade(own, [LESSON], students, limits=LIMITS, dry_run=True, before_correcting=seen.append)
    assert penalties(own) == {}
    grade(own, [LESSON], students, limits=LIMITS, before_correcting=seen.append)
    expected = {student: min(scores[student], 0.8 * days) for student, days in DAYS.items()}
    for found in seen:
        assert found.gains() == {student: -points for student, points in expected.items()}
        assert found.undated == [(UNDATED, LESSON)]
    assert penalties(own) == pytest.approx(expected)
    finals = {mark.student: mark.final for mark in lesson_marks(own, [LESSON], students)}
    assert finals["gus-mistakes"] == pytest.approx(scores["gus-mistakes"] - 1.6)
    assert b"gus-mistakes" in export(own, "csv", Settings((LESSON,))).content
    # an extension that is granted later
    own.policy_file.write_text(own.policy_file.read_text() + '[extensions.gus-mistakes]\n03 = "3 days"\n')
    grade(own, [LESSON], students, limits=LIMITS, before_correcting=seen.append)
    assert seen[-1].gains() == {"gus-mistakes": pytest.approx(1.6)}
    assert set(penalties(own)) == {"hana-mistakes", "odd-duplicated"}
    # and taken back, with all the rest
    own.policy_file.unlink()
    grade(own, [LESSON], students, limits=LIMITS, before_correcting=seen.append)
    assert set(seen[-1].gains()) == {"hana-mistakes", "odd-duplicated"}
    assert penalties(own) == {}


@pytest.mark.parametrize("of", ["possible", "earned"])
def test_nbgrader_s_own_autograde_takes_the_same_off(graded, own, of, tmp_path):
    hand_in_late(own, of)
    students = ["ada-solved", "gus-mistakes", "odd-duplicated"]
    grade(own, [LESSON], students, limits=LIMITS)
    twin = course_at(own.root, tmp_path / "twin")
    for student in students:
        shutil.copytree(own.submitted / student, twin.submitted / student)
    shutil.copy(own.policy_file, twin.folder)
    for command in (["generate_assignment", LESSON, "--create"], ["autograde", LESSON]):
        done = nbgrader(twin, *command)
        assert done.returncode == 0, done.stderr
    assert penalties(twin) == pytest.approx(penalties(own))
    assert set(penalties(own)) == {"gus-mistakes", "odd-duplicated"}
    query = "SELECT duedate, extension, timestamp FROM assignment AS a JOIN submitted_assignment AS s"
    query += " ON s.assignment_id = a.id WHERE student_id = 'gus-mistakes'"
    assert rows_in(twin, query) == rows_in(own, query)


@pytest.mark.usefixtures("nobody_runs")
def test_formgrader_s_own_classes_read_what_is_written(own):
    hand_in_late(own)
    grade(own, [LESSON], list(HANDED_IN), limits=LIMITS)
    with own.api.gradebook as gradebook:
        assert f"{gradebook.find_assignment(LESSON).duedate:%Y-%m-%d %H:%M}" == "2026-11-20 22:59"
        hana = gradebook.find_submission(LESSON, "hana-mistakes")
        assert hana.extension.days == 2
        assert hana.total_seconds_late == 3601
        assert hana.late_submission_penalty == pytest.approx(min(0.8, hana.score))
        # a due date that is set there counts where the policy has none
        gradebook.find_assignment(LESSON).duedate = gradebook.find_assignment(LESSON).duedate.replace(year=2025)
        gradebook.db.commit()
    own.policy_file.write_text("[late]\npercent_per_day = 10\n")
    grade(own, [LESSON], ["ada-solved"], limits=LIMITS)
    assert penalties(own)["ada-solved"] == 8


@pytest.mark.usefixtures("nobody_runs")
def test_a_mark_by_hand_counts_for_the_penalty_too(own):
    hand_in_late(own, "earned")
    with own.api.gradebook as gradebook:
        for found in gradebook.find_submission_notebook(LESSON, LESSON, "gus-mistakes").grades:
            found.manual_score = 1.0
        gradebook.db.commit()
    grade(own, [LESSON], ["gus-mistakes"], limits=LIMITS)
    assert penalties(own) == {"gus-mistakes": pytest.approx(1.2)}


def test_a_policy_that_is_not_understood_stops_both_doors_in_a_sentence(own):
    own.policy_file.write_text("[late]\npercent = 10\n")
    with pytest.raises(CourseError, match=r"late\.percent is no key of it"):
        grade(own, [LESSON], ["ada-solved"], limits=LIMITS)
    done = nbgrader(own, "autograde", LESSON, "--student", "ben-blank", "--force")
    assert done.returncode != 0
    assert "late.percent is no key of it: there are at_most" in done.stderr
    assert "Traceback" not in done.stderr
