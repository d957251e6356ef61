"""Canvas's sheet: filled, and in all else as it was, byte for byte; read back by Canvas's own rules."""

import re

import pytest

from autograde.export.canvas import as_canvas
from autograde.export.sheet import Sheet

from . import readers
from .example import LESSON, OTHER, SHEETS, TITLES, grid, mark, persons, refused, settings, sheet, students

FILES = ["canvas_sis.csv", "canvas_plain.csv", "canvas_semicolon.csv"]
COLUMN = "03 Multiply the factors (90112)"


def filled(marks, name="canvas_sis.csv", known=None, titles=None, **chosen):
    titles = titles or {each.lesson: TITLES[each.lesson] for each in marks}
    return as_canvas(sheet(name), marks, known or persons(marks), titles, settings(*dict.fromkeys(titles), **chosen))


def test_canvas_reads_the_marks_of_the_right_students():
    done = filled([mark("ada", 6.5), mark("jmueller", 8.0), mark("formula", 0.0, "not attempted")])
    assignments, cells = readers.canvas(done.content, custom=["Notes"])
    assert assignments[COLUMN] == ("90112", 8)
    assert {student: row[COLUMN] for student, row in cells.items()} == {
        "4001": 6.5, "4002": 8, "4003": "EX", "4004": 0, "4005": 3, "4999": "",
    }  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_no_other_cell_and_no_row_changes(name):
    marks = [mark(student, 6.25, lesson=lesson) for student in ("ada", "jmueller", "aasa", "jm") for lesson in TITLES]
    before, after = grid((SHEETS / name).read_bytes()), grid(filled(marks, name).content)
    ours = [at for at, title in enumerate(after[0]) if "Multiply" in title or "bend" in title.casefold()]
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        others = [cell for at, cell in enumerate(new) if at not in ours]
        assert others == [cell for at, cell in enumerate(old) if at not in ours]


@pytest.mark.parametrize("name", FILES)
def test_without_marks_every_byte_stays(name):
    marks = [mark("nobody", None, "missing")]
    titles = {LESSON: TITLES[LESSON]} if name != "canvas_plain.csv" else {OTHER: TITLES[OTHER]}
    assert filled(marks, name, titles=titles).content == (SHEETS / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_byte_order_mark_ends_of_lines_and_quotes_stay(name):
    before = (SHEETS / name).read_bytes()
    after = filled([mark("ada", 1.5)], name).content
    assert after.startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
    assert after.count(b"\r\n") == before.count(b"\r\n")
    assert after.count(b"\n") == before.count(b"\n")
    assert after.count(b'"') == before.count(b'"')


@pytest.mark.parametrize(
    "outcome", ["missing", "malformed", "crashed", "timed out", "out of memory", "ungraded", "not graded"]
)
def test_a_status_leaves_the_cell_as_it_was_and_is_named(outcome):
    done = filled([mark("ada", None, outcome), mark("jmueller", None, outcome)])
    _, cells = readers.canvas(done.content, custom=["Notes"])
    assert (cells["4001"][COLUMN], cells["4002"][COLUMN]) == ("", 7.5)
    assert f"{LESSON}, {outcome}: no mark, the cell stays as it was: ada, jmueller." in done.notes


def test_missing_as_zero_is_for_what_is_missing_alone():
    done = filled([mark("ada", None, "missing"), mark("jmueller", None, "malformed")], missing_as_zero=True)
    _, cells = readers.canvas(done.content, custom=["Notes"])
    assert (cells["4001"][COLUMN], cells["4002"][COLUMN]) == (0, 7.5)


def test_everybody_is_on_the_sheet_or_named():
    done = filled([mark(each, 4.0) for each in ("ada", "ghost", "x,y", "jmueller")])
    assert any(re.match(r"Not on the sheet, so their marks are not in it: ghost; x,y\.", note) for note in done.notes)
    assert any('O\'Neill, "Shaq" Zoë; ="=1+1"; Weg, Wer.' in note for note in done.notes)
    assert len(grid(done.content)) == len(grid((SHEETS / "canvas_sis.csv").read_bytes()))


def test_excused_and_not_assigned_stay_and_are_named():
    marks = [mark("zoneill", 4.0)]
    done = filled(marks, titles={LESSON: "Essay"}, columns={LESSON: "Essay"})
    assert f"{LESSON}, N/A in Canvas, which stays: zoneill." in done.notes
    assert f"{LESSON}, EX in Canvas, which stays: zoneill." in filled(marks).notes


def test_a_lesson_without_a_column_becomes_a_new_assignment():
    done = filled([mark("ada", 2.0, lesson=OTHER)])
    assignments, cells = readers.canvas(done.content, custom=["Notes"])
    assert assignments["05 Bend the scale"] == (None, 8)
    assert (cells["4001"]["05 Bend the scale"], cells["4002"]["05 Bend the scale"]) == (2, "")
    assert any("Canvas will make a new assignment '05 Bend the scale' of 8 points" in note for note in done.notes)
    again = as_canvas(
        Sheet(done.content, "again.csv"), [mark("ada", 3.0, lesson=OTHER)], persons([mark("ada", 3.0)]),
        {OTHER: TITLES[OTHER]}, settings(OTHER),
    )  # fmt: skip
    assert grid(again.content)[0] == grid(done.content)[0]


def test_marks_are_scaled_to_what_canvas_says():
    done = filled([mark("ada@uni.example", 6.0)], "canvas_semicolon.csv")
    assert readers.canvas(done.content)[1]["21"][COLUMN.replace("90112", "5")] == 7.5
    assert f"{LESSON} is worth 8 points here and 10 in Canvas: marks are scaled." in done.notes
    done = filled([mark("ada@uni.example", 6.5)], "canvas_semicolon.csv")
    assert "8,125" in done.content.decode()


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (("jmueller@uni.example", {}), "4002"),  # the login
        (("JMueller@Uni.Example", {}), "4002"),  # in whatever case
        (("jmueller", {}), "4002"),  # what stands before the @
        (("900002", {}), "4002"),  # the SIS id
        (("4002", {}), "4002"),  # Canvas's id
        (("jürgen-ö-müller", {}), "4002"),  # the name, in whatever order
        (("x1", {"x1": "900002"}), "4002"),  # the instructor's list
        (("jmueller", {"jmueller": "ada"}), "4001"),  # which comes first
        (("m", {}), None),
    ],
)
def test_who_is_who(known, found):
    student, users = known
    marks = [mark(student, 5.0)]
    done = filled(marks, known=persons(marks, users))
    _, cells = readers.canvas(done.content, custom=["Notes"])
    assert [each for each, row in cells.items() if row[COLUMN] == 5] == ([found] if found else [])


def test_a_full_name_in_the_gradebook_tells_who_it_is():
    marks = [mark("s1", 5.0)]
    _, cells = readers.canvas(filled(marks, known=persons(marks, s1="Ada Lovelace")).content, custom=["Notes"])
    assert cells["4001"][COLUMN] == 5


def test_two_students_on_one_row_are_refused():
    marks = [mark("ada", 5.0), mark("900001", 3.0)]
    assert refused(lambda: filled(marks), "ada and 900001 both fit one row of the sheet, Lovelace, Ada: say who is who")


def test_one_id_on_two_rows_is_refused():
    text = (SHEETS / "canvas_plain.csv").read_text("utf-8").replace("aasa", "ada")
    marks = [mark("ada", 5.0)]
    twice = Sheet(text.encode(), "twice.csv")
    assert refused(
        lambda: as_canvas(twice, marks, persons(marks), {LESSON: TITLES[LESSON]}, settings()),
        "ada fits more than one row of the sheet: Ångström, Åsa and Lovelace, Ada",
    )


def test_columns_can_be_chosen():
    marks = [mark("ada", 5.0)]
    for header in ("Essay", "Essay (90113)"):
        done = filled(marks, columns={LESSON: header})
        assert readers.canvas(done.content, custom=["Notes"])[1]["4001"]["Essay (90113)"] == 6.25
    assert refused(lambda: filled(marks, columns={LESSON: "Final Score"}), "no column 'Final Score' that can be filled")
    assert refused(lambda: filled(marks, columns={LESSON: "ID"}), "no column 'ID' that can be filled")
    both = [mark("ada", 5.0), mark("ada", 5.0, lesson=OTHER)]
    assert refused(lambda: filled(both, columns={OTHER: COLUMN}), "both fit the column")


def test_an_assignment_without_points_gets_the_marks_as_they_are():
    text = (SHEETS / "canvas_plain.csv").read_text("utf-8").replace(",9,5", ",0,5")
    marks = [mark("ada", 5.0, lesson=OTHER)]
    done = as_canvas(Sheet(text.encode(), "x.csv"), marks, persons(marks), {OTHER: TITLES[OTHER]}, settings())
    assert readers.canvas(done.content)[1]["12"]["bend_the_scale (7)"] == 5
    assert f"{OTHER} is worth no points in Canvas: marks are written as they are, of 8." in done.notes


def test_two_columns_for_one_lesson_are_refused():
    text = (SHEETS / "canvas_plain.csv").read_text("utf-8").replace("Quiz (8)", "05 Bend the Scale (8)")
    marks = [mark("ada", 5.0, lesson=OTHER)]
    assert refused(
        lambda: as_canvas(Sheet(text.encode(), "two.csv"), marks, persons(marks), {OTHER: TITLES[OTHER]}, settings()),
        r"more than one column for 05_sigmoid_range: bend_the_scale \(7\), 05 Bend the Scale \(8\)",
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty.*download"),
        (b"\xef\xbb\xbf \r\n", "empty.*download"),
        (b"PK\x03\x04 and so on", "workbook.*save it as CSV"),
        ("Student,ID,Section\nJürgen,1,A\n".encode("cp1252"), "is not utf-8: .*--encoding cp1252"),
        (b"Identifier,Full name,Grade\nParticipant 1,Ada,\n", "no gradebook of Canvas.*this one has: Identifier, Full"),
        (b"Student,ID,SIS Login ID,Section\n    Points Possible,,,\n", "has no students"),
        (b'Student,ID,Section\n"Ada,1,A\n', "line 2: a quote is opened and never closed"),
    ],
)
def test_a_wrong_sheet_is_one_sentence(data, sentence):
    marks = [mark("ada", 5.0)]
    assert refused(
        lambda: as_canvas(Sheet(data, "sheet.csv"), marks, persons(marks), {LESSON: "x"}, settings()),
        f"^sheet.csv.*{sentence}",
    )


def test_other_encodings_are_kept():
    text = (SHEETS / "canvas_plain.csv").read_text("utf-8")
    marks = [mark("ada", 5.0, lesson=OTHER)]
    for encoding, start in (("cp1252", b""), ("utf-16-le", b"\xff\xfe")):
        data = start + text.encode(encoding)
        done = as_canvas(Sheet(data, "x.csv", encoding), marks, persons(marks), {OTHER: "Bend the scale"}, settings())
        assert done.content.removeprefix(start).decode(encoding) == text.replace(",1,4", ",5.625,4")


def test_students_are_all_there_whatever_they_are_called():
    names = [f"student-{number}" for number in range(50)]
    marks = [mark(name, number / 10) for number, name in enumerate(names)]
    lines = [f'"Last {name}, ""First""",{number},{name},A,' for number, name in enumerate(names)]
    text = "\n".join(["Student,ID,SIS Login ID,Section,03_dot_product (1)", "Points Possible,,,,8", *lines])
    done = as_canvas(Sheet(text.encode(), "x.csv"), marks, persons(marks), {LESSON: ""}, settings())
    _, cells = readers.canvas(done.content)
    assert [row["03_dot_product (1)"] for row in cells.values()] == [number / 10 for number in range(50)]
    assert done.notes == ()
    assert len(students(marks)) == len(cells)
