"""Moodle's grading worksheet: filled, and in all else as it was; read back by Moodle's own rules."""

import pytest

from autograde.export.moodle import as_moodle
from autograde.export.sheet import Sheet

from . import readers
from .example import LESSON, SHEETS, grid, mark, persons, refused, settings, sheet

ENGLISH = {
    "identifier": "Identifier",
    "grade": "Grade",
    "maximum": "Maximum grade",
    "locked": "Grade can be changed",
    "modified": "Last modified (grade)",
    "comments": "Feedback comments",
}
GERMAN = {
    "identifier": "ID",
    "grade": "Bewertung",
    "maximum": "Bestwertung",
    "locked": "Bewertung kann geändert werden",
    "modified": "Zuletzt geändert (Bewertung)",
    "comments": "Feedback als Kommentar",
}
SITES = {"moodle_en.csv": (ENGLISH, "Participant "), "moodle_de.csv": (GERMAN, "Teilnehmer/in")}
EVERYBODY = {"moodle_en.csv": ["ada", "jmueller", "zoneill", "formula"], "moodle_de.csv": ["a.lovelace", "jmueller"]}


def filled(marks, name="moodle_en.csv", known=None, comment=None, **chosen):
    chosen = settings(comments=comment is not None, **chosen)
    return as_moodle(sheet(name), marks, known or persons(marks), chosen, comment or (lambda mark: ""))


def test_moodle_reads_the_marks_of_the_right_students():
    done = filled([mark("ada", 6.5), mark("jmueller", 8.0), mark("formula", 0.0, "failed")])
    read = readers.moodle(done.content, *SITES["moodle_en.csv"])
    assert {who: grade for who, (grade, _) in read.items()} == {5518: 6.5, 5519: 8, 5520: None, 5521: 0, 5522: None}


def test_a_german_sheet_is_read_and_written_with_decimal_commas():
    done = filled([mark("900001", 6.5), mark("jmueller", 2.0)], "moodle_de.csv")
    read = readers.moodle(done.content, *SITES["moodle_de.csv"])
    assert {who: grade for who, (grade, _) in read.items()} == {7001: 81.25, 7002: 25, 7003: None}
    assert '"81,25"' in done.content.decode("utf-8-sig")
    assert "The lesson is worth 8 points here and 100 in Moodle: marks are scaled." in done.notes


@pytest.mark.parametrize("name", SITES)
def test_no_other_cell_and_no_row_changes(name):
    headers, _ = SITES[name]
    marks = [mark(student, 6.25) for student in EVERYBODY[name]]
    before, after = grid((SHEETS / name).read_bytes()), grid(filled(marks, name).content)
    at = before[0].index(headers["grade"])
    assert [row[:at] + row[at + 1 :] for row in before] == [row[:at] + row[at + 1 :] for row in after]
    assert len(before) == len(after)


@pytest.mark.parametrize("name", ["moodle_en.csv", "moodle_de.csv", "moodle_pl.csv"])
def test_without_marks_every_byte_stays(name):
    assert filled([mark("ada", None, "ungraded")], name).content == (SHEETS / name).read_bytes()


def test_a_language_that_is_not_known_is_told_by_its_content():
    done = filled([mark("ada", 4.0), mark("lzak", 3.2)], "moodle_pl.csv")
    assert [row[4] for row in grid(done.content)] == ["Ocena", "5", "4,00"]
    assert [row[5] for row in grid(done.content)[1:]] == ["10,00", "10,00"]


def test_columns_that_cannot_be_told_are_asked_for():
    text = (SHEETS / "moodle_pl.csv").read_text("utf-8").replace('"10,00",Tak,-\n', '"10,00","10,00",-\n')
    marks = [mark("ada", 4.0)]

    def fill(**columns):
        return as_moodle(Sheet(text.encode(), "x.csv"), marks, persons(marks), settings(columns=columns))

    assert refused(fill, "no column that is known for the grade: .*--column grade=HEADER. It has: Identyfikator, Imię")
    done = fill(grade="Ocena", maximum="Maksymalna ocena")
    assert grid(done.content)[1][4] == "5"
    assert refused(lambda: fill(grade="Nota"), "no column 'Nota'. It has: ")


@pytest.mark.parametrize("outcome", ["missing", "malformed", "crashed", "ungraded", "not graded"])
def test_a_status_leaves_the_cell_as_it_was_and_is_named(outcome):
    done = filled([mark("ada", None, outcome), mark("jmueller", None, outcome)])
    read = readers.moodle(done.content, *SITES["moodle_en.csv"])
    assert (read[5518][0], read[5519][0]) == (7, None)
    assert f"{LESSON}, {outcome}: no mark, the cell stays as it was: ada, jmueller." in done.notes


def test_missing_as_zero():
    done = filled([mark("formula", None, "missing"), mark("ada", None, "crashed")], missing_as_zero=True)
    read = readers.moodle(done.content, *SITES["moodle_en.csv"])
    assert (read[5521][0], read[5518][0]) == (0, 7)


def test_everybody_is_on_the_sheet_or_named():
    done = filled([mark(each, 4.0) for each in ("ada", "ghost", "jmueller")])
    assert any(note.startswith("Not on the sheet, so their marks are not in it: ghost.") for note in done.notes)
    assert any('Zoë "Shaq" O\'Neill, =1+1, Wer Weg.' in note for note in done.notes)


def test_a_locked_grade_stays_and_is_named():
    done = filled([mark("zoneill", 8.0)])
    assert grid(done.content)[3][4] == "3.00"
    assert "Moodle does not let their grade be changed, so it stays: zoneill." in done.notes


def test_extra_credit_ends_at_the_maximum_which_moodle_insists_on():
    done = filled([mark("ada", 8.0), mark("jmueller", 9.5)])
    assert readers.moodle(done.content, *SITES["moodle_en.csv"])[5519][0] == 8
    assert "More than the maximum, which Moodle would pass over, so the maximum: jmueller." in done.notes


def test_comments_are_html_and_never_replace_anybody_s():
    text = 'A, 1 of 3: `x < y` & "z".'
    done = filled([mark("ada", 6.5), mark("jmueller", 2.0)], comment=lambda mark: text)
    read = readers.moodle(done.content, *SITES["moodle_en.csv"])
    assert (read[5518][1], read[5519][1]) == ('A, 1 of 3: `x &lt; y` &amp; "z".', "<p>Well done</p>")
    assert "There is a comment already, which stays: jmueller." in done.notes
    again = as_moodle(
        Sheet(done.content, "again.csv"),
        [mark("ada", 6.5)],
        persons([mark("ada", 6.5)]),
        settings(comments=True),
        lambda mark: text,
    )
    assert again.content == done.content


def test_comments_need_a_column():
    assert refused(
        lambda: filled([mark("ada", 6.5)], "moodle_pl.csv", comment=lambda mark: "x"),
        "no column that is known for the comments: .*--column comments=HEADER",
    )


def test_an_anonymous_sheet_is_filled_by_the_instructor_s_list():
    text = "Identifier,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade)\n"
    text += "Participant 31,x,,8.00,Yes,-\nParticipant 32,x,,8.00,Yes,-\n"
    marks = [mark("ada", 4.0), mark("bob", 5.0)]
    known = persons(marks, {"ada": "Participant 32", "bob": "participant 31"})
    done = as_moodle(Sheet(text.encode(), "x.csv"), marks, known, settings())
    headers = {role: name for role, name in ENGLISH.items() if role != "comments"}
    assert readers.moodle(done.content, headers, "Participant ") == {31: (5, ""), 32: (4, "")}


def test_two_students_on_one_row_are_refused():
    marks = [mark("ada", 5.0), mark("ada-lovelace", 3.0)]
    assert refused(lambda: filled(marks), "ada and ada-lovelace both fit one row of the sheet, Ada Lovelace")


HEADER = "Identifier,Full name,Grade,Maximum grade,Grade can be changed,Last modified (grade)\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        (HEADER, "has no students"),
        ("Student,ID,SIS Login ID,Section\nAda,1,ada,A\n", "no grading worksheet of Moodle.*has: Student, ID"),
        (HEADER.replace("Maximum grade", "Scale") + "Participant 1,Ada,,good,Yes,-\n", "graded by words"),
        (HEADER.replace("Full name", "Grade") + "Participant 1,Ada,,8,Yes,-\n", "more than one column 'Grade'"),
        (HEADER + "Participant 1,ada,,,Yes,-\n", "says no maximum for ada"),
    ],
)
def test_a_wrong_sheet_is_one_sentence(text, sentence):
    marks = [mark("ada", 5.0)]
    assert refused(
        lambda: as_moodle(Sheet(text.encode(), "x.csv"), marks, persons(marks), settings()), f"^x.csv.*{sentence}"
    )
