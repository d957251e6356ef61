"""What lateness costs, and the file that says so."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from autograde.late import Rule, penalty, seconds_late
from autograde.policy import Policy, PolicyError, read_policy

LESSONS = ["03_dot_product", "04_bias"]
DAY, HOUR = 86_400, 3_600
DUE = datetime(2026, 11, 20, 22, 59, tzinfo=UTC)


def policy_of(tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path, LESSONS)


@pytest.mark.parametrize(
    ("late", "earned", "expected"),
    [(0, 8, 0), (1, 8, 1), (DAY, 8, 1), (DAY + 1, 8, 2), (9 * DAY, 8, 5), (9 * DAY, 3, 3), (DAY, 0, 0), (DAY, -1, 0)],
)
def test_a_day_that_has_begun_counts_whole_up_to_a_limit(late, earned, expected):
    assert penalty(Rule(percent_per_day=10, at_most=50), late, earned, 10) == expected


def test_percent_of_what_was_earned_and_parts_of_a_day():
    assert penalty(Rule(percent_per_day=10, percent_of="earned"), 1, 8, 10) == 0.8
    assert penalty(Rule(percent_per_day=10, days="exact"), DAY / 2, 8, 10) == 0.5
    assert penalty(Rule(percent_per_day=10, days="exact"), 2.5 * DAY, 8, 10) == 2.5


def test_within_the_grace_nothing_comes_off_and_after_it_all_of_it_does():
    rule = Rule(percent_per_day=10, grace=timedelta(hours=6))
    assert penalty(rule, 6 * HOUR, 8, 10) == 0
    assert penalty(rule, 6 * HOUR + 1, 8, 10) == 1


def test_nothing_comes_off_without_a_rule():
    assert penalty(Rule(), 100 * DAY, 8, 10) == 0


def test_seconds_late():
    assert seconds_late(DUE + timedelta(hours=1), DUE) == HOUR
    assert seconds_late(DUE - timedelta(hours=1), DUE) == 0
    assert seconds_late(DUE + timedelta(hours=1), DUE, timedelta(minutes=30)) == HOUR / 2
    assert seconds_late(None, DUE) == seconds_late(DUE, None) == 0


def test_a_policy_is_read_with_all_its_keys(tmp_path):
    policy = policy_of(
        tmp_path,
        """
        timezone = "Europe/Berlin"
        [late]
        percent_per_day = 10
        percent_of = "earned"
        days = "exact"
        grace = "6 hours"
        at_most = 50
        [due]
        03 = 2026-11-20T23:59:00
        bias = 2026-07-01
        [extensions]
        bob = "1 day and 12 hours"
        [extensions.ada]
        "03_dot_product" = "2 days"
        04 = 2026-07-03T12:00:00Z
        [feedback]
        inputs_from = 2026-12-01T00:00:00
        """,
    )
    assert policy.rule == Rule(10, "earned", "exact", timedelta(hours=6), 50)
    assert policy.due == {"03_dot_product": DUE, "04_bias": datetime(2026, 7, 1, 21, 59, 59, tzinfo=UTC)}
    assert policy.extension("ada", "03_dot_product") == timedelta(days=2)
    assert policy.extension("ada", "04_bias") == timedelta(days=1, hours=14, seconds=1)
    assert policy.extension("bob", "04_bias") == policy.extension("bob", "03_dot_product") == timedelta(hours=36)
    assert policy.extension("eva", "04_bias") is None
    assert not policy.shows_inputs(datetime(2026, 11, 30, 22, 59, tzinfo=UTC))
    assert policy.shows_inputs(datetime(2026, 11, 30, 23, 0, tzinfo=UTC))
    assert policy.told(policy.inputs_from) == "2026-12-01 00:00 (Europe/Berlin)"


def test_all_of_it_is_optional(tmp_path):
    assert read_policy(tmp_path / "none.toml", LESSONS) == policy_of(tmp_path, "") == Policy()
    assert not Policy().shows_inputs(datetime(9999, 1, 1, tzinfo=UTC))
    assert policy_of(tmp_path, "[due]\n03 = 2026-11-20T22:59:00").due["03_dot_product"] == DUE, "UTC without a zone"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("=", "is no TOML: "),
        ("lates = 3", "lates is no key of it: there are due, extensions, feedback, late, timezone"),
        ("late = 10", "late is 10: it is a table, and begins with the line [late]"),
        ("[late]\npercent = 10", "late.percent is no key of it"),
        ("[late]\npercent_per_day = 101", "late.percent_per_day is 101: write a number from 0 to 100"),
        ("[late]\npercent_per_day = true", "late.percent_per_day is True: write a number"),
        ("[late]\nat_most = nan", "late.at_most is nan: write a number"),
        ('[late]\ndays = "half"', "late.days is 'half': write 'started' or 'exact'"),
        ("[late]\ndays = []", "late.days is []: write 'started' or 'exact'"),
        ("[late]\npercent_of = 3", "late.percent_of is 3: write 'possible' or 'earned'"),
        ("[late]\ngrace = 6", "late.grace is 6: write a length of time as text"),
        ('[late]\ngrace = "6 fortnights"', "late.grace is '6 fortnights': write a length"),
        ('[late]\ngrace = "-6 hours"', "late.grace is '-6 hours': write a length"),
        ('[late]\ngrace = "999999999999 weeks"', "late.grace is too long"),
        ('[due]\n03 = "2026-11-20"', "due.03 is '2026-11-20': write a date and a time without quotes"),
        ("[due]\n99 = 2026-11-20", "due.99 names no lesson: they are 03_dot_product, 04_bias"),
        ('timezone = "Europe/Atlantis"', "timezone is 'Europe/Atlantis': write the name of a time zone"),
        ('timezone = "../../etc/passwd"', "timezone is '../../etc/passwd': write the name"),
        ("timezone = 1", "timezone is 1: write the name of a time zone"),
        ('[extensions.ada]\n03 = "2 days"', "extensions.ada.03 is of no use: the lesson has no date under [due]"),
        ("[due]\n03 = 2026-11-20\n[extensions.ada]\n03 = 2026-11-19", "ada.03 lies before the date that everybody has"),
        ("[due]\n03 = 2026-11-20\n[extensions]\nada = 2026-11-21", "extensions.ada is datetime.date(2026, 11, 21): wr"),
        ("[feedback]\nfrom = 2026-11-20", "feedback.from is no key of it: there are inputs_from"),
        ("[feedback]\ninputs_from = 3", "feedback.inputs_from is 3: write a date and a time"),
    ],
)
def test_what_is_not_understood_is_told_by_its_key(tmp_path, text, said):
    with pytest.raises(PolicyError) as error:
        policy_of(tmp_path, text)
    assert said in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "policy.toml"))
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def test_a_policy_in_another_encoding_is_told(tmp_path):
    (tmp_path / "policy.toml").write_bytes(b"# \xff")
    with pytest.raises(PolicyError, match="is no text in UTF-8"):
        read_policy(tmp_path / "policy.toml", LESSONS)


def test_the_examples_in_the_documents_are_read(root, tmp_path):
    blocks = re.findall(r"(?ms)^```toml\n(.*?)^```", (root / "docs" / "corrections.md").read_text(encoding="utf-8"))
    policies = [policy_of(tmp_path, block) for block in blocks]
    assert [policy.rule.percent_per_day for policy in policies] == [10, 0]
    assert policies[0].extension("ada", "04_bias") > policies[0].extension("bob", "04_bias") == timedelta(days=1)
    assert policies[1].inputs_from
