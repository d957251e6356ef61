"""What Canvas, Moodle, Gradescope and an LTI platform read, written from their own rules. Nothing of ours is used here.

Canvas: lib/gradebook_importer.rb. Moodle: mod/assign/feedback/offline/importgradeslib.php and locallib.php. Gradescope:
gradescope-autograders.readthedocs.io/en/latest/specs. LTI: imsglobal.org/spec/lti-ags/v2p0, section 3.4.
"""

import csv
import io
import re
from datetime import datetime

import jsonschema

NO_ASSIGNMENT = re.compile(
    "Current Score|Current Points|Current Grade|Final Score|Final Points|Final Grade"
    "|Override Score|Override Grade|Override Status"
)
IN_FRONT = {"Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account"}


def canvas(data, custom=()):
    """(assignment -> (id or None, points possible), canvas id -> assignment -> cell) as Canvas would import them.

    custom: titles of the course's own columns, which Canvas knows by its database.
    """
    text = data.decode("utf-8-sig")
    lines = text.splitlines()[:3]
    counts = {}
    for separator in ";,":
        sizes = {len(next(csv.reader([line], delimiter=separator))) for line in lines if line}
        counts[separator] = sizes.pop() if len(sizes) == 1 else 0
    separator = ";" if counts[";"] > counts[","] else ","
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if any(row)]
    header = rows[0]
    first_last = header[:2] == ["LastName", "FirstName"]
    assert first_last or ("Student" in header[0] and "ID" in header[1])
    start = header.index("Section") + 1
    assert set(header[: start - 1]) <= IN_FRONT
    found = {
        name: at
        for at, name in enumerate(header)
        if at >= start and name not in custom and not NO_ASSIGNMENT.search(name)
    }
    points, students = {}, {}
    for row in rows[1:]:
        row += [""] * (len(header) - len(row))
        if "Points Possible" in row[0]:
            points = row
        elif not all(re.fullmatch(r"(?i)\s*(muted|manual posting.*)?\s*", cell) for cell in row):
            students[row[2 if first_last else 1]] = {name: canvas_cell(row[at]) for name, at in found.items()}
    assignments = {}
    for name, at in found.items():
        match = re.fullmatch(r"(.*?)\s*\((\d+)\)", name)
        if points and re.search(r"read\s+only", points[at]):
            continue
        assignments[name] = (match[2] if match else None, canvas_cell(points[at]) if points else None)
    return assignments, students


def canvas_cell(text):
    """A number whatever its decimal mark, else the text."""
    text = text.strip()
    if re.fullmatch(r"-?[0-9.,]+%?", text):
        *front, last = re.split("[,.]", text)
        return float(f"{''.join(front)}.{last}" if front else last)
    return text


def moodle(data, headers, hidden_user):
    """Participant -> (grade or None when Moodle passes it over, comment). headers: the site's strings."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    at = {role: rows[0].index(name) for role, name in headers.items()}
    assert {"identifier", "grade", "maximum", "modified"} <= set(at)
    found = {}
    for row in rows[1:]:
        assert row[at["identifier"]].startswith(hidden_user)
        text = row[at["grade"]].replace(",", ".")  # unformat_float with the site's decimal mark
        grade, most = float(text) if text else None, float(row[at["maximum"]].replace(",", "."))
        passed_over = grade is None or not 0 <= grade <= most or row[at["locked"]] in ("No", "Nein")
        comment = row[at["comments"]] if "comments" in at else ""
        found[int(row[at["identifier"]][len(hidden_user) :])] = (None if passed_over else grade, comment)
    return found


VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
OUTPUT_FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
NUMBER = {"type": "number"}
TEST = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": NUMBER,
        "max_score": NUMBER,
        "status": {"enum": ["passed", "failed"]},
        "name": {"type": "string"},
        "name_format": OUTPUT_FORMAT,
        "number": {"type": "string"},
        "output": {"type": "string"},
        "output_format": OUTPUT_FORMAT,
        "tags": {"type": "array", "items": {"type": "string"}},
        "visibility": VISIBILITY,
        "extra_data": {"type": "object"},
    },
}
GRADESCOPE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": NUMBER,
        "execution_time": NUMBER,
        "output": {"type": "string"},
        "output_format": OUTPUT_FORMAT,
        "test_output_format": OUTPUT_FORMAT,
        "test_name_format": OUTPUT_FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": TEST},
        "leaderboard": {"type": "array"},
    },
    "anyOf": [
        {"required": ["score"]},
        {"required": ["tests"], "properties": {"tests": {"minItems": 1, "items": {"required": ["score"]}}}},
    ],
}
LTI_SCORE = {
    "type": "object",
    "required": ["userId", "timestamp", "activityProgress", "gradingProgress"],
    "additionalProperties": False,
    "properties": {
        "userId": {"type": "string", "minLength": 1},
        "scoreGiven": {"type": "number", "minimum": 0},
        "scoreMaximum": {"type": "number", "exclusiveMinimum": 0},
        "comment": {"type": "string"},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$"},
        "activityProgress": {"enum": ["Initialized", "Started", "InProgress", "Submitted", "Completed"]},
        "gradingProgress": {"enum": ["NotReady", "Failed", "Pending", "PendingManual", "FullyGraded"]},
    },
    "dependentRequired": {"scoreGiven": ["scoreMaximum"]},
}


def gradescope(record):
    """The score that Gradescope shows."""
    jsonschema.validate(record, GRADESCOPE, jsonschema.Draft202012Validator)
    return record["score"] if "score" in record else sum(test["score"] for test in record["tests"])


def lti(score):
    """The fraction that a platform writes into its gradebook; None where it writes nothing."""
    jsonschema.validate(score, LTI_SCORE, jsonschema.Draft202012Validator)
    assert datetime.fromisoformat(score["timestamp"]).tzinfo
    if score["gradingProgress"] != "FullyGraded":
        return None
    return score["scoreGiven"] / score["scoreMaximum"]
