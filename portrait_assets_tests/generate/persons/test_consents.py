"""Consents come and go by purpose and channel, and end on the day that a request ends them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from portrait_assets.synthetic.persons.consents import (
    ANY,
    MARKETING,
    NEVER_ON,
    PROFILING,
    UNDER_SECOND_ID,
    Consents,
    unsubscribed,
)
from portrait_assets.synthetic.persons.segment_traits import CHANNELS
from portrait_assets_tests.generate.conftest import PLANTED, Query

APP, PHONE = CHANNELS.index("app"), CHANNELS.index("phone")
PERSON = """
WITH person AS (
    SELECT customer_id AS id, customer_id FROM truth_segments
    UNION ALL SELECT duplicate_id, customer_id FROM truth_duplicates
), agreed AS (
    SELECT person.customer_id, purpose, channel, granted_on, max(withdrawn_on) AS withdrawn_on,
        any_value(basis) AS basis
    FROM consents JOIN person ON consents.customer_id = id
    GROUP BY person.customer_id, id, purpose, channel, granted_on
)
"""
"""Consents by the person that they are of, whichever record they stand under, and how they end."""
HOLDS_AFTER_ALL = (
    PERSON
    + """
SELECT r.* FROM requests r JOIN agreed a ON a.customer_id = r.customer_id
    AND coalesce(r.purpose, a.purpose) = a.purpose
    AND coalesce(r.channel, a.channel, 'any') = coalesce(a.channel, 'any')
WHERE r.kind IN ('erasure', 'objection') AND a.granted_on <= r.requested_on
    AND (a.withdrawn_on IS NULL OR a.withdrawn_on > r.requested_on)
"""
)


def some_consents() -> Consents:
    """Customer 0 by app, phone and for profiling; customer 1 by app, given up and given again."""
    return Consents(
        customer=np.array([0, 0, 0, 1, 1]),
        purpose=np.array([MARKETING, MARKETING, PROFILING, MARKETING, MARKETING]),
        channel=np.array([APP, PHONE, ANY, APP, APP]),
        granted=np.array([100, 100, 100, 100, 300]),
        withdrawn=np.array([NEVER_ON, NEVER_ON, NEVER_ON, 200, NEVER_ON]),
        basis=np.zeros(5, dtype=np.int64),
    )


def test_who_unsubscribes_withdraws_the_consent_of_that_channel_that_holds() -> None:
    after = unsubscribed(
        some_consents(), np.array([0, 1]), np.array([APP, APP]), np.array([150, 400])
    )
    assert after.withdrawn.tolist() == [150, NEVER_ON, NEVER_ON, 200, 400]


def test_who_unsubscribes_again_withdraws_what_was_granted_in_between() -> None:
    again, app = np.array([1, 1, 1]), np.array([APP, APP, APP])
    after = unsubscribed(some_consents(), again, app, np.array([400, 150, 500]))
    assert after.withdrawn.tolist() == [NEVER_ON, NEVER_ON, NEVER_ON, 150, 400]


def test_who_unsubscribed_from_a_campaign_has_withdrawn_that_consent(query: Query) -> None:
    asked = (
        PERSON + "SELECT count(DISTINCT (c.customer_id, c.channel)), "
        "count(DISTINCT (c.customer_id, c.channel)) FILTER (withdrawn_on = contacted_on), "
        "count(*) FILTER (withdrawn_on IS NULL OR withdrawn_on > contacted_on) "
        "FROM contacts c JOIN agreed a ON a.customer_id = c.customer_id "
        "AND purpose = 'marketing' AND a.channel = c.channel "
        "AND granted_on <= contacted_on WHERE delivery_status = 'unsubscribed'"
    )
    unsubscribed, on_the_day, left = query(asked).row(0)
    assert on_the_day > 0.7 * unsubscribed > 3
    assert left == 0


def test_who_has_not_agreed_has_nothing_to_withdraw() -> None:
    before = some_consents()
    customer, channel = np.array([0, 1, 1, 7]), np.array([APP, PHONE, APP, APP])
    # Before the consent, by another channel, between two consents, and nobody at all.
    after = unsubscribed(before, customer, channel, np.array([99, 150, 250, 150]))
    assert after.withdrawn.tolist() == before.withdrawn.tolist()


@pytest.mark.parametrize(
    ("purpose", "withdrawn"),
    [
        (ANY, [150, 150, 150]),
        (MARKETING, [150, 150, NEVER_ON]),
        (PROFILING, [NEVER_ON] * 2 + [150]),
    ],
)
def test_any_channel_and_any_purpose_withdraw_all_of_them(
    purpose: int, withdrawn: list[int]
) -> None:
    after = some_consents().withdraw(np.array([0]), np.array([150]), purpose)
    assert after.withdrawn.tolist() == [*withdrawn, 200, NEVER_ON]


def test_customers_agree_on_joining_as_often_as_was_set(planted: Query) -> None:
    settings = PLANTED.privacy
    adults, profiling, app, sharing = planted(
        PERSON + "SELECT count(*), avg(profiling), avg(app), avg(sharing) FROM ("
        "SELECT s.customer_id, max((purpose = 'profiling')::INT) AS profiling, "
        "max((purpose = 'marketing' AND channel = 'app')::INT) AS app, "
        "max((purpose = 'sharing')::INT) AS sharing "
        "FROM truth_segments s JOIN outcomes o ON s.customer_id = o.customer_id "
        "LEFT JOIN agreed a ON a.customer_id = s.customer_id "
        "AND granted_on < DATE '2023-01-01' "
        "WHERE s.customer_id NOT IN (SELECT customer_id FROM truth_minors) "
        "AND s.customer_id IN (SELECT customer_id FROM customers WHERE joined_on < '2023-01-01') "
        "GROUP BY 1)"
    ).row(0)
    for found, share in (
        (profiling, settings.profiling),
        (app, settings.marketing),
        (sharing, settings.sharing),
    ):
        assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / adults)


def test_the_rate_of_withdrawal_is_found_and_without_it_there_is_none(
    planted: Query, unplanted: Query
) -> None:
    # By the consents on which neither a request nor a contract bears: withdrawn per month held.
    withdrawn, months = planted(
        PERSON + "SELECT count(withdrawn_on), sum(coalesce(withdrawn_on, DATE '2024-01-01') "
        "- greatest(granted_on, DATE '2023-01-01')) / 30.4375 FROM agreed "
        "WHERE basis <> 'contract' AND customer_id NOT IN "
        "(SELECT customer_id FROM requests WHERE kind IN ('erasure', 'objection'))"
    ).row(0)
    rate = PLANTED.privacy.withdrawing
    assert withdrawn > 1_000
    assert abs(withdrawn / months - rate) < 0.1 * rate
    assert unplanted("SELECT count(withdrawn_on) FROM consents").item() == 0


def test_a_withdrawal_is_a_record_of_its_own_day_that_repeats_its_consent(planted: Query) -> None:
    days, alone = planted(
        "SELECT bool_and(recorded_on = coalesce(withdrawn_on, granted_on)), "
        "count(*) FILTER (withdrawn_on IS NOT NULL AND NOT EXISTS (FROM consents AS c WHERE "
        "c.customer_id = w.customer_id AND c.purpose = w.purpose "
        "AND c.channel IS NOT DISTINCT FROM w.channel AND c.granted_on = w.granted_on "
        "AND c.withdrawn_on IS NULL AND c.basis = w.basis)) FROM consents AS w"
    ).row(0)
    assert days
    assert alone == 0


def test_some_consents_are_granted_again_and_none_while_another_holds(planted: Query) -> None:
    again, overlapping = planted(
        PERSON
        + "SELECT count(*), count(*) FILTER (coalesce(until, DATE '2999-01-01') > granted_on) "
        "FROM (SELECT *, lag(withdrawn_on) OVER w AS until, row_number() OVER w AS number "
        "FROM agreed WINDOW w AS (PARTITION BY customer_id, purpose, channel ORDER BY granted_on)) "
        "WHERE number > 1"
    ).row(0)
    assert again > 100
    assert overlapping == 0


def test_a_request_ends_what_it_is_about(planted: Query, unplanted: Query) -> None:
    kinds = dict(planted("SELECT kind, count(*) FROM requests GROUP BY 1").rows())
    assert kinds.keys() == {"access", "correction", "erasure", "objection"}
    assert kinds["objection"] > 400
    assert kinds["erasure"] > 20
    assert planted(HOLDS_AFTER_ALL).is_empty()
    assert unplanted("FROM requests").is_empty()


def test_without_its_withdrawals_a_request_would_leave_consents(planted: Query) -> None:
    """The query that looks for them does find them."""
    unheeded = HOLDS_AFTER_ALL.replace("a.withdrawn_on IS NULL", "true")
    assert len(planted(unheeded)) > 400


def test_erasure_is_asked_for_after_leaving(planted: Query) -> None:
    early, late = planted(
        "SELECT count(*) FILTER (requested_on <= left_on OR left_on IS NULL), "
        "max(requested_on - left_on) FROM requests JOIN truth_segments USING (customer_id) "
        "WHERE kind = 'erasure'"
    ).row(0)
    assert early == 0
    assert late <= 60


def test_minors_without_a_guardian_are_found_by_birth_and_basis(
    planted: Query, unplanted: Query
) -> None:
    oracle = (
        PERSON + "SELECT DISTINCT customer_id, basis = 'guardian' FROM agreed JOIN "
        "(SELECT customer_id, min(try_cast(birth_date AS DATE)) AS born FROM customers "
        "WHERE birth_date LIKE '____-__-__' GROUP BY 1) USING (customer_id) "
        "WHERE born + INTERVAL 18 YEAR > DATE '2023-12-31' ORDER BY ALL"
    )
    truth = dict(planted("SELECT customer_id, has_guardian_consent FROM truth_minors").rows())
    found = dict(planted(oracle).rows())
    assert len(truth) > 80
    assert 0.5 < sum(truth.values()) / len(truth) < 0.9
    # Some are found by no date of birth, and some have agreed to nothing.
    assert len(found) > 0.9 * len(truth)
    assert all(truth[customer] == guarded for customer, guarded in found.items())
    assert unplanted(oracle).is_empty()
    assert unplanted("FROM truth_minors").is_empty()


def test_minors_hold_a_current_account_and_are_sent_no_offers(planted: Query) -> None:
    products = planted(
        "SELECT DISTINCT product_id FROM balances JOIN truth_minors USING (customer_id)"
    )
    assert products["product_id"].to_list() == ["P101"]
    offers = "SELECT count(*) FROM contacts JOIN truth_minors USING (customer_id)"
    assert planted(offers).item() == 0
    known = planted(
        "SELECT age, marital_status FROM customers JOIN truth_minors USING (customer_id) "
        "WHERE age < 900"
    )
    assert known["age"].is_between(6, 16).all()
    assert set(known["marital_status"].drop_nulls()) <= {"single", "?"}


def test_some_consents_stand_under_a_second_record(planted: Query) -> None:
    second, own = planted(
        "SELECT count(*) FILTER (c.customer_id = d.duplicate_id), "
        "count(*) FILTER (c.customer_id = d.customer_id) FROM consents c "
        "JOIN truth_duplicates d ON c.customer_id IN (d.customer_id, d.duplicate_id) "
        "WHERE granted_on > last_day(known_from) + 1 AND withdrawn_on IS NULL"
    ).row(0)
    share = second / (second + own)
    assert abs(share - UNDER_SECOND_ID) < 4 * math.sqrt(0.24 / (second + own)) < 0.4
