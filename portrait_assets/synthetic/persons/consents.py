"""What customers agree to, by purpose and channel, when they withdraw it, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from portrait_assets.stages.raw.tables.persons import BASES, PURPOSES, REQUEST_KINDS
from portrait_assets.synthetic.common.columns import canonical, codes, dates
from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.holdings.borrowing import Borrowing
from portrait_assets.synthetic.marketing.campaigns import CAMPAIGN_CHANNELS
from portrait_assets.synthetic.persons.lifecycle import Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.records.customers import Dates
from portrait_assets.synthetic.persons.records.duplicates import Duplicates
from portrait_assets.synthetic.persons.segment_traits import CHANNELS
from portrait_assets.synthetic.settings import Privacy

ANY = -1
"""The position that stands for every channel, or for every purpose."""
NEVER_ON = np.int64(2**31 - 1)
"""A day after every bank's last one."""
PROFILING, MARKETING, CREDIT, SHARING = range(len(PURPOSES))
OWN, GUARDIAN, CONTRACT, _ = range(len(BASES))
ACCESS, CORRECTION, ERASURE, OBJECTION, _ = range(len(REQUEST_KINDS))
BY_CHANNEL = tuple((MARKETING, CHANNELS.index(name)) for name in CAMPAIGN_CHANNELS)
AGREED_TO = ((PROFILING, ANY), *BY_CHANNEL, (CREDIT, ANY), (SHARING, ANY))
"""Purpose and channel of what is agreed to, each by itself."""
MONTH_DAYS = 30.4375
UNDER_SECOND_ID = 0.4
"""Share of consents recorded under a person's second id, once there is one."""


@dataclass(frozen=True)
class Consents:
    """Consents of a run of customers, one entry each; `customer` are rows of the people.

    `purpose` and `basis` are positions in the contract's lists, `channel` in CHANNELS or ANY; days
    count from 1970-01-01. A consent holds from `granted` on and no longer on `withdrawn`.
    """

    customer: Ints
    purpose: Ints
    channel: Ints
    granted: Ints
    withdrawn: Ints
    basis: Ints

    def withdraw(
        self, customer: Ints, day: Ints, purpose: int | Ints = ANY, channel: int | Ints = ANY
    ) -> Consents:
        """The same after these customers withdraw what holds on the day.

        Each withdraws one purpose or ANY, by one channel or ANY; of days on which a customer
        withdraws the same several times, each ends what was granted since the one before.
        """
        known = customer <= self.customer.max(initial=-1)
        purposes, channels = (
            np.broadcast_to(part, customer.shape)[known] for part in (purpose, channel)
        )
        customer, day = customer[known], day[known]
        key = (customer * (len(PURPOSES) + 1) + purposes + 1) * (len(CHANNELS) + 1) + channels + 1
        order = np.lexsort((day, key))
        starts = np.flatnonzero(np.diff(key[order], prepend=-1))
        times = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
        withdrawn = self.withdrawn
        for time in range(times.max(initial=-1) + 1):
            rows = order[times == time]
            ended = replace(self, withdrawn=withdrawn)
            withdrawn = ended._once(customer[rows], purposes[rows], channels[rows], day[rows])
        return replace(self, withdrawn=withdrawn)

    def _once(self, customer: Ints, purpose: Ints, channel: Ints, day: Ints) -> Ints:
        """The days of withdrawal, where nobody withdraws the same twice."""
        people = self.customer.max(initial=-1) + 1
        ends = np.full((people, len(PURPOSES) + 1, len(CHANNELS) + 1), NEVER_ON)
        ends[customer, purpose, channel] = day
        withdrawn = self.withdrawn
        for purposes in (self.purpose, ANY):
            for channels in (self.channel, ANY):
                on = ends[self.customer, purposes, channels]
                withdrawn = np.where((self.granted <= on) & (on < withdrawn), on, withdrawn)
        return withdrawn


@dataclass(frozen=True)
class Requests:
    """Requests of a run of customers, one entry each; positions as in Consents."""

    customer: Ints
    kind: Ints
    day: Ints
    purpose: Ints
    channel: Ints


def make_requests(
    people: People, lives: Lifecycle, calendar: Calendar, privacy: Privacy
) -> Requests:
    """Erasure asked for by who left; objections, access and corrections at any time."""
    draws, count = people.draws.child("privacy", people.number), calendar.count
    end = int(calendar.starts[-1]) - 1
    joined = np.maximum(lives.join_month, 0)
    since = calendar.starts[np.minimum(joined, count)] + 31
    leave = np.minimum(lives.leave_month, count)
    left = leave < count
    left_on = calendar.starts[leave] + lives.leave_day - 1
    horizon = int(calendar.starts[calendar.horizon]) - 1
    until = np.where(left, np.minimum(left_on, horizon), horizon)
    parts: list[tuple[Ints, int, Ints, Ints, Ints]] = []
    shares = ((ERASURE, privacy.erasure), (OBJECTION, privacy.objection))
    for kind, share in (*shares, (ACCESS, privacy.access), (CORRECTION, privacy.correction)):
        name = REQUEST_KINDS[kind]
        when = since + (draws.uniform(f"{name} when") * (until - since)).astype(np.int64)
        asks = draws.chance(name, share) & (when < until) & (joined < count)
        if kind == ERASURE:
            when = left_on + draws.whole("erasure after", 1, 60)
            asks = draws.chance(name, share) & left & (when <= end)
        rows = np.flatnonzero(asks)
        purpose, channel = np.full(len(rows), ANY), np.full(len(rows), ANY)
        if kind == OBJECTION:
            to = draws[rows].whole("objects to", 0, 3)
            purpose = np.where(to < 2, PROFILING, MARKETING)
            one = draws[rows].whole("objects by", 0, len(BY_CHANNEL) - 1)
            channel = np.where(to == 3, np.array([c for _, c in BY_CHANNEL])[one], ANY)
        parts.append((rows, kind, when[rows], purpose, channel))
    customer, day, purpose, channel = (
        np.concatenate([part[i] for part in parts]) for i in (0, 2, 3, 4)
    )
    kinds = np.concatenate([np.full(len(part[0]), part[1]) for part in parts])
    return Requests(customer, kinds, day, purpose, channel)


def has_guardian(people: People, privacy: Privacy) -> Mask:
    """The minors for whom a guardian agreed."""
    draws = people.draws.child("privacy", people.number)
    return draws.chance("guardian", privacy.guardian) & people.is_minor


def make_consents(
    people: People,
    borrowing: Borrowing,
    day: Dates,
    calendar: Calendar,
    privacy: Privacy,
    requests: Requests,
) -> Consents:
    """Consents of these people, on joining and later; who asked for erasure or objected has none.

    Consents from before the first month are of the year before it. An erasure ends all of them on
    its day, an objection those of its purpose and channel; what is granted afterwards holds.
    """
    shares = (privacy.profiling, privacy.marketing, privacy.credit, privacy.sharing)
    start, end = int(calendar.starts[0]), int(calendar.starts[-1])
    guarded = has_guardian(people, privacy)
    parts: list[tuple[Ints, ...]] = []
    for purpose, channel in AGREED_TO:
        draws = people.draws.child(f"agrees to {PURPOSES[purpose]}", np.full(len(people), channel))
        agrees = draws.uniform("agrees")
        by_contract = borrowing.is_borrower & (purpose == CREDIT)
        at_once = by_contract | (agrees < shares[purpose])
        later = ~at_once & draws.chance("later", privacy.later)
        known = (day.joined >= 0) & ~(people.is_minor & (purpose in (CREDIT, SHARING)))
        rows = np.flatnonzero((at_once | later) & known)
        draws, by_contract = draws[rows], by_contract[rows]
        since = np.maximum(day.joined[rows], start - 400 + draws.whole("since", 0, 390))
        first = np.maximum(since, start)
        span = np.maximum(int(calendar.starts[calendar.horizon]) - first - 1, 1)
        after = first + 1 + (draws.uniform("later when") * span).astype(np.int64)
        granted = np.where(at_once[rows], since, after)
        withdrawn = _withdrawn(draws, "withdraws", granted, privacy, calendar)
        withdrawn = np.where(by_contract, NEVER_ON, withdrawn)
        basis = np.where(guarded[rows], GUARDIAN, np.where(by_contract, CONTRACT, OWN))
        parts.append((rows, granted, withdrawn, basis, *_kind(rows, purpose, channel)))
        again = withdrawn + draws.whole("again after", 20, 180)
        second = np.flatnonzero(draws.chance("again", privacy.again) & (again < end))
        rows, granted, basis = rows[second], again[second], basis[second]
        withdrawn = _withdrawn(draws[second], "withdraws again", granted, privacy, calendar)
        parts.append((rows, granted, withdrawn, basis, *_kind(rows, purpose, channel)))
    customer, granted, withdrawn, basis, purposes, channels = (
        np.concatenate([part[i] for part in parts]) for i in range(6)
    )
    inside = granted < end
    order = np.flatnonzero(inside)[
        np.lexsort((channels[inside], purposes[inside], granted[inside], customer[inside]))
    ]
    consents = Consents(
        customer[order],
        purposes[order],
        channels[order],
        granted[order],
        withdrawn[order],
        basis[order],
    )
    ends = (requests.kind == ERASURE) | (requests.kind == OBJECTION)
    return consents.withdraw(
        requests.customer[ends], requests.day[ends], requests.purpose[ends], requests.channel[ends]
    )


def _kind(rows: Ints, purpose: int, channel: int) -> tuple[Ints, Ints]:
    return np.full(len(rows), purpose), np.full(len(rows), channel)


def _withdrawn(
    draws: Draws, label: str, granted: Ints, privacy: Privacy, calendar: Calendar
) -> Ints:
    """Day of withdrawal, the same risk in every month from the bank's first one on."""
    start, end = int(calendar.starts[0]), int(calendar.starts[-1])
    if privacy.withdrawing <= 0:
        return np.full(len(granted), NEVER_ON)
    waits: Floats = np.log1p(-draws.uniform(label)) / np.log1p(-privacy.withdrawing) * MONTH_DAYS
    on = np.maximum(granted, start) + 1 + np.minimum(waits, 1e6).astype(np.int64)
    return np.where(on < end, on, NEVER_ON)


def unsubscribed(consents: Consents, customer: Ints, channel: Ints, day: Ints) -> Consents:
    """The consents after these customers unsubscribed from marketing by a channel on a day.

    One entry each: row of the people, position in CHANNELS, day from 1970-01-01. Who had not
    agreed to it has nothing to withdraw.
    """
    return consents.withdraw(customer, day, MARKETING, channel)


def consents_table(
    consents: Consents, people: People, duplicates: Duplicates, calendar: Calendar, ids: pa.Array
) -> pa.Table:
    """The canonical `consents`, ordered by customer and day; some under a person's second id.

    A consent has a record of its day, and one of the day of its withdrawal that repeats it.
    """
    since = np.full(len(people), NEVER_ON)
    since[duplicates.rows] = calendar.starts[np.minimum(duplicates.since + 1, calendar.count)]
    key = consents.granted * 64 + (consents.purpose + 1) * 8 + consents.channel + 1
    draws = people.draws[consents.customer].child("consent", key)
    second = (consents.granted > since[consents.customer]) & draws.chance(
        "second id", UNDER_SECOND_ID
    )
    second_ids = duplicates.frame["customer_id"].to_arrow().cast(pa.string())
    place = np.zeros(len(people), dtype=np.int64)
    place[duplicates.rows] = np.arange(len(duplicates.rows)) + len(people)
    named = np.where(second, place[consents.customer], consents.customer)
    ended = np.flatnonzero(consents.withdrawn < NEVER_ON)
    of = np.concatenate([np.arange(len(named)), ended])
    is_withdrawal = np.arange(len(of)) >= len(named)
    recorded = np.where(is_withdrawal, consents.withdrawn[of], consents.granted[of])
    order = np.lexsort((is_withdrawal, recorded, consents.customer[of]))
    of, is_withdrawal, recorded = of[order], is_withdrawal[order], recorded[order]
    channel = consents.channel[of]
    return canonical(
        "consents",
        {
            "customer_id": codes(named[of], pa.concat_arrays([ids, second_ids])),
            "recorded_on": dates(recorded),
            "purpose": codes(consents.purpose[of], PURPOSES),
            "channel": codes(channel, CHANNELS, missing=channel == ANY),
            "granted_on": dates(consents.granted[of]),
            "withdrawn_on": dates(consents.withdrawn[of], missing=~is_withdrawal),
            "basis": codes(consents.basis[of], BASES),
        },
        len(of),
    )


def requests_table(requests: Requests, ids: pa.Array) -> pa.Table:
    """The canonical `requests`, ordered by customer and day."""
    order = np.lexsort((requests.kind, requests.day, requests.customer))
    purpose, channel = requests.purpose[order], requests.channel[order]
    return canonical(
        "requests",
        {
            "customer_id": codes(requests.customer[order], ids),
            "kind": codes(requests.kind[order], REQUEST_KINDS),
            "requested_on": dates(requests.day[order]),
            "purpose": codes(purpose, PURPOSES, missing=purpose == ANY),
            "channel": codes(channel, CHANNELS, missing=channel == ANY),
        },
        len(order),
    )


def minors_table(people: People, day: Dates, privacy: Privacy, ids: pa.Array) -> pa.Table:
    """truth/minors: the children among the customers, when born, and whether a guardian agreed."""
    rows = np.flatnonzero(people.is_minor)
    return pa.table(
        {
            "customer_id": codes(rows, ids),
            "born_on": dates(day.birth[rows]),
            "has_guardian_consent": pa.array(has_guardian(people, privacy)[rows]),
        }
    )
