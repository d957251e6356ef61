"""A course's rules for late work and for feedback: `policy.toml` in the folder of the class. All keys are optional.

[late] has percent_per_day, percent_of, days, grace and at_most, see late.Rule; [due] a date by lesson; [extensions]
lengths of time or other dates, by student; [feedback] inputs_from. `timezone` is that of all times which name none.
docs/corrections.md shows a whole one.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from autograde.cells import is_called
from autograde.late import Rule

__all__ = ["Policy", "PolicyError", "read_policy"]

ALL = "*"  # in the place of a lesson
UNITS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
LENGTH = re.compile(rf"(\d+(?:\.\d+)?) *({'|'.join(UNITS)})s?")


class PolicyError(Exception):
    """policy.toml does not say what it should; the message names the key, and what may stand there."""


@dataclass(frozen=True)
class Policy:
    """The rules of one course. Moments are in UTC; an extension is a length of time, or a new due date."""

    rule: Rule = field(default_factory=Rule)
    due: Mapping[str, datetime] = field(default_factory=dict)  # by lesson
    extensions: Mapping[str, Mapping[str, timedelta | datetime]] = field(default_factory=dict)  # student -> lesson
    inputs_from: datetime | None = None  # from when feedback shows inputs; None: never
    zone: tzinfo = UTC  # in which people read moments

    def extension(self, student: str, lesson: str) -> timedelta | None:
        """How much longer than everybody a student has for a lesson with a due date here; None: no longer."""
        given = self.extensions.get(student, {})
        longer = given.get(lesson, given.get(ALL))
        if longer is None or lesson not in self.due:
            return None
        return longer if isinstance(longer, timedelta) else longer - self.due[lesson]

    def shows_inputs(self, now: datetime) -> bool:
        return self.inputs_from is not None and now >= self.inputs_from

    def told(self, moment: datetime) -> str:
        """A moment as people of the course read it: 2026-12-01 00:00 (Europe/Berlin)."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M} ({self.zone})"


def read_policy(path: Path, lessons: list[str]) -> Policy:
    """The policy in a file; one that takes nothing off where there is none. lessons: all of the course, by name.

    Raises PolicyError, with a sentence for the instructor, for anything in the file that is not understood.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Policy()
    except UnicodeDecodeError:
        raise PolicyError(f"{path} is no text in UTF-8: save it as such.") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path} is no TOML: {error}.") from None
    return _Reader(path, lessons).policy(data)


class _Reader:
    """Makes values of what TOML holds, and knows the name of the key that it is at."""

    def __init__(self, path: Path, lessons: list[str]):
        self.path, self.lessons = path, lessons
        self.zone: tzinfo = UTC

    def policy(self, data: dict[str, Any]) -> Policy:
        self.known("", data, {"timezone", "late", "due", "extensions", "feedback"})
        if "timezone" in data:
            self.zone = self.zone_of(data["timezone"])
        late, feedback = self.table(data, "late"), self.table(data, "feedback")
        takes: dict[str, Callable[[str, Any], Any]] = {
            "percent_per_day": self.percent,
            "at_most": self.percent,
            "grace": self.length,
            "days": functools.partial(self.one_of, ("started", "exact")),
            "percent_of": functools.partial(self.one_of, ("possible", "earned")),
        }
        self.known("late.", late, takes)
        self.known("feedback.", feedback, {"inputs_from"})
        due = {
            lesson: self.moment(f"due.{key}", value)
            for key, value in self.table(data, "due").items()
            for lesson in [self.lesson(f"due.{key}", key)]
        }
        return Policy(
            Rule(**{key: takes[key](f"late.{key}", value) for key, value in late.items()}),
            due,
            {name: self.extended(name, value, due) for name, value in self.table(data, "extensions").items()},
            self.moment("feedback.inputs_from", feedback["inputs_from"]) if feedback else None,
            self.zone,
        )

    def extended(self, student: str, value: Any, due: dict[str, datetime]) -> dict[str, timedelta | datetime]:
        key = f"extensions.{student}"
        if not isinstance(value, dict):
            return {ALL: self.longer(key, value)}
        found = {}
        for name, longer in value.items():
            lesson = self.lesson(f"{key}.{name}", name)
            if lesson not in due:
                self.refuse(f"{key}.{name}", "is of no use: the lesson has no date under [due]")
            found[lesson] = self.longer(f"{key}.{name}", longer)
            if isinstance(found[lesson], datetime) and found[lesson] < due[lesson]:
                self.refuse(f"{key}.{name}", "lies before the date that everybody has")
        return found

    def longer(self, key: str, value: Any) -> timedelta | datetime:
        if isinstance(value, date) and key.count(".") > 1:
            return self.moment(key, value)
        return self.length(key, value)

    def lesson(self, key: str, name: str) -> str:
        found = [each for each in self.lessons if is_called(each, name)]
        if not found:
            self.refuse(key, f"names no lesson: they are {', '.join(self.lessons)}")
        return found[0]

    def moment(self, key: str, value: Any) -> datetime:
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(23, 59, 59))
        if not isinstance(value, datetime):
            self.refuse(key, f"is {value!r}: write a date and a time without quotes, 2026-11-20T23:59:00")
        return (value if value.tzinfo else value.replace(tzinfo=self.zone)).astimezone(UTC)

    def length(self, key: str, value: Any) -> timedelta:
        parts = LENGTH.findall(value) if isinstance(value, str) else []
        if not parts or LENGTH.sub("", value).replace(",", "").replace("and", "").strip():
            self.refuse(key, f'is {value!r}: write a length of time as text, "6 hours" or "2 days 12 hours"')
        try:
            return timedelta(seconds=sum(float(number) * UNITS[unit] for number, unit in parts))
        except OverflowError:
            self.refuse(key, "is too long")

    def percent(self, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            self.refuse(key, f"is {value!r}: write a number from 0 to 100")
        return float(value)

    def one_of(self, allowed: tuple[str, ...], key: str, value: Any) -> str:
        if value not in allowed:
            self.refuse(key, f"is {value!r}: write {' or '.join(map(repr, allowed))}")
        return value

    def zone_of(self, value: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (OSError, LookupError, ValueError, TypeError, AttributeError):
            self.refuse("timezone", f'is {value!r}: write the name of a time zone, "Europe/Berlin"')

    def table(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        found = data.get(key, {})
        if not isinstance(found, dict):
            self.refuse(key, f"is {found!r}: it is a table, and begins with the line [{key}]")
        return found

    def known(self, where: str, table: dict[str, Any], allowed: Any) -> None:
        for key in table:
            if key not in allowed:
                self.refuse(f"{where}{key}", f"is no key of it: there are {', '.join(sorted(allowed))}")

    def refuse(self, key: str, what: str) -> NoReturn:
        raise PolicyError(f"{self.path}: {key} {what}.")
