"""LTI Assignment and Grade Services: a Score for each student of one lesson, one JSON object on each line.

A tool posts them to the `scores` of a line item, as application/vnd.ims.lis.v1.score+json; see
https://www.imsglobal.org/spec/lti-ags/v2p0#score-publish-service. A Score without scoreGiven tells how far things are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from autograde.exercise import Outcome
from autograde.export.exported import Exported, Settings, left_out, mark_of
from autograde.export.people import Person, in_words
from autograde.marks import NOT_GRADED, LessonMark

__all__ = ["as_lti"]

PENDING = {  # (activityProgress, gradingProgress) where there is no mark
    NOT_GRADED: ("Submitted", "Pending"),
    Outcome.UNGRADED: ("Submitted", "Pending"),  # the next run grades it
    Outcome.MISSING: ("Initialized", "NotReady"),
}
FOR_A_PERSON = ("Submitted", "PendingManual")  # damaged, or crashed before anything was earned


def as_lti(
    marks: Sequence[LessonMark],
    known: Sequence[Person],
    settings: Settings,
    moment: datetime,
    comment: Callable[[LessonMark], str] = lambda mark: "",
) -> Exported:
    """JSON lines. moment: when the marks are handed over, in whatever zone; platforms ignore what is older than theirs.

    userId is what the instructor's list says, else the id that the gradebook has for a learning management system,
    else the student's name. With a list, whoever is not on it is named in the notes and left out.
    """
    by_id = {person.id: person for person in known}
    lines, strangers = [], []
    for mark in marks:
        person = by_id[mark.student]
        if settings.users and not person.user:
            strangers.append(mark.student)
            continue
        user = person.user or person.lms_id or person.id
        lines.append(json.dumps(_score(mark, user, settings, moment, comment(mark)), ensure_ascii=False))
    exported = [mark for mark in marks if mark.student not in strangers]
    notes = left_out(exported, settings, "no scoreGiven, but how far it is")
    if strangers and settings.users:
        notes.append(f"Not in {settings.users.name}, so left out: {in_words(strangers)}.")
    return Exported("".join(f"{line}\n" for line in lines).encode(), notes=tuple(notes))


def _score(mark: LessonMark, user: str, settings: Settings, moment: datetime, text: str) -> dict[str, Any]:
    score = mark_of(mark, settings)
    activity, grading = ("Completed", "FullyGraded") if score is not None else _progress(mark)
    given = {"scoreGiven": score, "scoreMaximum": mark.points} if score is not None else {}
    said = {"comment": text} if text else {}
    time = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return {
        "userId": user,
        **given,
        **said,
        "timestamp": time,
        "activityProgress": activity,
        "gradingProgress": grading,
    }


def _progress(mark: LessonMark) -> tuple[str, str]:
    found = [PENDING.get(status, FOR_A_PERSON) for status in mark.statuses]
    return found[0] if len(set(found)) == 1 else FOR_A_PERSON
