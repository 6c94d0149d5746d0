"""Which funds suit whom, and to whom one is sold that does not."""

from __future__ import annotations

import numpy as np

from portrait_assets.synthetic.common.randomness import Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.settings import Suitability

ELDER_AGE = 65
WRONG_GRADE = 4
YEARS_MORE = 2
"""Years by which a bank may be continued without anybody growing too old for his fund."""


def suitable_grades(
    people: People, grade: Ints, calendar: Calendar, settings: Suitability
) -> tuple[Ints, Mask]:
    """Grade of the fund that each customer holds if any, and to whom it was wrongly sold.

    Who is 65 or older by two years after the bank's last day has R3 at most; but who is over 65 on
    its first one has R4 when chosen.

    Args:
        grade: grade that the customer would choose, 1 to 5.
    """
    elder = people.age + calendar.horizon / 12 + YEARS_MORE >= ELDER_AGE
    draws = people.draws.child("suitability", people.number)
    wrong = draws.chance("sold to an elder", settings.unsuitable_elder)
    wrong &= people.age >= ELDER_AGE + 1
    return np.where(wrong, WRONG_GRADE, np.where(elder, np.minimum(grade, 3), grade)), wrong
