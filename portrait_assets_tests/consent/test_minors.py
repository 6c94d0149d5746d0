"""Under 14 a guardian agrees; what a child agreed to does not count later."""

from __future__ import annotations

from portrait_assets_tests.consent.world import Asked, consent, day, person


def test_minors_under_14_are_left_out_unless_a_guardian_agreed() -> None:
    records = [
        person("born", birth_date=day("2010-07-01")),
        person("birthday", birth_date=day("2010-06-30")),
        person("guarded", birth_date=day("2012-01-01")),
        person("aged", age=12, recorded_on=day("2023-01-01")),
        person("grown", age=12, recorded_on=day("2022-01-01")),
        person("unknown"),
        person("no longer", birth_date=day("2012-01-01")),
        person("corrected", birth_date=day("2015-01-01")),
        person("corrected", "2024-03", birth_date=day("1985-01-01")),
    ]
    consents = [
        consent("profiling", "2024-01-01", who="born"),
        consent("profiling", "2024-01-01", who="guarded", basis="guardian"),
        consent("marketing", "2024-01-01", who="guarded", basis="consent"),
        consent("profiling", "2024-01-01", who="no longer", basis="guardian"),
        consent("profiling", "2024-01-01", "2024-02-01", who="no longer", basis="guardian"),
        consent("profiling", "2024-01-01", "2024-02-01", who="aged"),
    ]
    asked = Asked(records=records, consents=consents)
    refused = asked.rows.filter(purpose="profiling", allowed=False)
    assert refused["customer_id"].to_list() == ["aged", "born", "no longer"]
    assert set(refused["because"]) == {"minor_without_guardian"}
    # The day from which one is a minor would be the day of birth.
    assert refused["since"].to_list() == [None] * 3
    assert asked.of("profiling", who="guarded") == (True, "default")
    assert asked.of("marketing", who="guarded") == (False, "minor_without_guardian")
    later = Asked("2024-07", records=records, consents=consents)
    assert later.of("profiling", who="born") == (True, "default"), "what a child said is no consent"


def test_what_a_child_agreed_to_does_not_count_when_they_are_of_age() -> None:
    """From their 14th birthday on they may agree; what a guardian agreed to goes on to hold."""
    records = [
        person("grown", birth_date=day("2010-06-15")),
        person("guarded", birth_date=day("2010-06-15")),
        person("leap", birth_date=day("2008-02-29")),
        # 13 in a year that began up to a year before: of age on 2024-03-01 at the latest.
        person("aged", age=13, recorded_on=day("2023-03-01")),
        person("adult", age=40, recorded_on=day("2023-03-01")),
        person("undated", age=20),
        person("unknown"),
    ]
    consents = [
        consent("marketing", "2024-06-14", who="grown"),
        consent("credit", "2024-06-14", who="grown", basis="contract"),
        consent("sharing", "2024-06-15", who="grown"),
        consent("marketing", "2024-01-01", who="guarded", basis="guardian"),
        consent("marketing", "2022-02-28", who="leap"),
        consent("credit", "2022-03-01", who="leap"),
        consent("marketing", "2024-02-29", who="aged"),
        consent("credit", "2024-03-01", who="aged"),
        *(
            consent("marketing", on, who=who)
            for who, on in (
                *(("adult", "1997-03-01"), ("undated", "2018-06-30"), ("unknown", "1980-01-01")),
            )
        ),
        consent("credit", "1997-02-28", who="adult"),
        consent("credit", "2018-06-29", who="undated"),
    ]
    asked = Asked(records=records, consents=consents)
    found = {
        (who, purpose): asked.of(purpose, who=who)
        for who in ("grown", "guarded", "leap", "aged", "adult", "undated", "unknown")
        for purpose in ("marketing", "credit", "sharing")
    }
    assert {key: because for key, (allowed, because) in found.items() if allowed} == {
        ("grown", "sharing"): "consent",
        ("guarded", "marketing"): "guardian",
        ("leap", "credit"): "consent",
        ("aged", "credit"): "consent",
        ("adult", "marketing"): "consent",
        ("undated", "marketing"): "consent",
        ("unknown", "marketing"): "consent",
    }
    assert {because for allowed, because in found.values() if not allowed} == {"default"}
    # One who agrees again, and one who takes back what they agreed to as a child.
    again = [
        *consents,
        consent("marketing", "2024-06-20", who="grown"),
        consent("marketing", "2024-02-29", "2024-06-20", who="aged"),
    ]
    asked = Asked(records=records, consents=again)
    assert asked.of("marketing", who="grown") == (True, "consent")
    assert asked.of("marketing", who="aged") == (False, "withdrawn")


def test_who_is_under_age_by_a_newer_record_is_a_minor() -> None:
    """By the newest that says anything of it."""
    records = [
        person("ann", birth_date=day("1985-01-01")),
        person("ann", "2024-03", birth_date=day("2015-01-01")),
        person("bob", birth_date=day("2015-01-01")),
        person("bob", "2024-03"),
    ]
    asked = Asked(records=records)
    for who in ("ann", "bob"):
        assert asked.of("profiling", who=who) == (False, "minor_without_guardian")


def test_the_newest_record_of_a_consent_has_its_basis() -> None:
    records = [person("ann", birth_date=day("2012-01-01"))]
    rows = [
        consent("profiling", "2024-01-01", basis="guardian"),
        consent("profiling", "2024-01-01", basis="consent", recorded_on=day("2024-02-01")),
    ]
    assert Asked("2024-01", records=records, consents=rows[:1]).of("profiling")[0]
    assert not Asked("2024-02", records=records, consents=rows).of("profiling")[0]
