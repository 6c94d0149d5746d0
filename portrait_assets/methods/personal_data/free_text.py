"""Text that is no category: personal data in single values, and columns of free text.

A value is personal by its form. A column is free text by how its values are shared: customers share
the words of a category, and no one shares what another wrote to one payee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from portrait_assets.methods.personal_data.forms import is_bank_card, is_chinese_id
from portrait_assets.methods.personal_data.names import (
    CHINESE_NAME,
    GENERIC,
    GENERIC_CHINESE,
    GIVEN_NAMES,
)
from portrait_assets.methods.typing.text import half_width

REPEATED = 3
"""Rows from which on a value could have been shared; most words of a category are."""
FEWEST_OWN, OWN_SHARE = 10, 0.3
"""Repeated values of one customer alone: among product types of shops with 40 customers and more
at most 0.12 of the repeated ones are, and among texts to payees nearly all."""
FEWEST_ROWS, ONCE_SHARE = 100, 0.6
MANY_ROWS, ONCE_SHARE_OF_MANY = 1_000, 0.3
"""Rows whose value no other row has: of product types 0.48 of the first 100 lines of a shop, 0.22
of 1,000, and of notes nearly all."""
MOST_VALUES = 5_000
"""Values that a category may be estimated to have: in its first thousand lines a shop with 4,000
articles has sold most of them once."""
FEWEST_VALUES = 30
FEWEST_PERSONAL, PERSONAL_SHARE = 5, 0.2
FEWEST_NAMES, NAME_SHARE = 10, 0.4
LONG = 60
"""Characters that words of a category do not have on average."""

_START, _END = r"(?:^|[^0-9])", r"(?:$|[^0-9])"
_PATTERNS = (
    r"[^\s@,;:<>]{1,64}@[^\s@,;:<>.]+(?:\.[^\s@,;:<>.]+)+",
    rf"{_START}(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}{_END}",
    rf"{_START}0\d{{2,3}}[ -]\d{{7,8}}{_END}",
    rf"\+\d{{1,3}}[ .-]?\(?\d{{1,4}}\)?(?:[ .-]?\d{{2,4}}){{2,4}}{_END}",
    rf"{_START}\(?\d{{3}}\)?[ .-]\d{{3}}[ .-]\d{{4}}{_END}",
    rf"{_START}\d{{3}}-\d{{2}}-\d{{4}}{_END}",
    r"(?:路|街|道|巷|弄|胡同)\d+(?:号|弄|栋|幢)",
    r"(?i)\b\d{1,5} (?:[a-z'.]+ ){1,3}"
    r"(?:street|st|road|rd|avenue|ave|lane|ln|boulevard|blvd)\b",
)
_DRIVE = r"(?i)\b\d{1,5} (?:[a-z'.]+ ){0,2}([a-z'.]+) drive\b"
_OF_MACHINES = (
    *("flash", "hard", "disk", "disc", "state", "usb", "pen", "thumb", "tape", "optical"),
    *("gb", "tb", "bay", "rack", "wheel", "test"),
)
"""What drives are called that are no streets."""
_ID = rf"{_START}(\d{{17}}[\dXx])(?:$|[^0-9A-Za-z])"
_CARD = rf"{_START}(\d(?:[ -]?\d){{15,18}}){_END}"
_PAID = (
    r"(?i)\b(?:transfer(?:red|s)?|payments?|paid|pay|sent|send|remittance|wired?|zelle|venmo|gift|"
    r"loan|rent|repayment|refund|iou)\b[^\n]*?\b(?:to|from)\b[ :]+(.{2,60})$"
)
_TITLED = r"\b(?:Mr|Mrs|Ms|Miss|Dr)\.? [A-Z]"
_PAID_CHINESE = (
    r"(?:转账|汇款|转给|汇给|付给|打给|还给|借给|还款|借款|代付|付款|收款|红包|来自)"
    r"(?:给|至|到|自|来自|人|方)?[ :-]*(\p{Han}{2,4})(?:先生|女士|小姐)?$"
)
_PAYER_CHINESE = (
    r"^(?:来自)?(\p{Han}{2,4}?)(?:先生|女士|小姐)?的?(?:转账|汇款|还款|红包|借款|付款|转入)$"
)
_TITLED_CHINESE = r"^(\p{Han}{1,3})(?:先生|女士|小姐|太太)$"
_INITIAL = r"^(?:\p{Lu}\.? ?){1,2}\p{Lu}[\p{L}'’-]+$"


def has_number_of_a_person(text: pl.Expr) -> pl.Expr:
    """Whether a phone, an e-mail, a postal address, an identity or a card number is in the text."""
    plain = half_width(text)
    card = plain.str.extract(_CARD).str.replace_all("[ -]", "")
    found = [plain.str.contains(pattern) for pattern in _PATTERNS]
    drive = plain.str.extract(_DRIVE).str.to_lowercase()
    found.append(drive.is_not_null() & ~drive.is_in(_OF_MACHINES))
    found.append(is_chinese_id(plain.str.extract(_ID).str.to_uppercase()))
    found.append(is_bank_card(card))
    return pl.any_horizontal(each.fill_null(False) for each in found)


def has_long_number(text: pl.Expr) -> pl.Expr:
    """Whether a number of six digits or more is in the text, as identifiers have."""
    return half_width(text).str.contains(r"\d{6}")


def names_a_person(text: pl.Expr) -> pl.Expr:
    """Whether the text names whom a customer paid, or who paid them, or has a person's title.

    Names of accounts, cards, shops and the like after "transfer to" are nobody's.
    """
    plain = half_width(text)
    other = plain.str.extract(_PAID)
    english = other.is_not_null() & ~other.str.contains(GENERIC) & other.str.contains(r"^\p{L}")
    chinese = [
        _is_chinese_name(plain.str.extract(pattern))
        for pattern in (_PAID_CHINESE, _PAYER_CHINESE, _TITLED_CHINESE)
    ]
    is_titled = plain.str.contains(_TITLED) | plain.str.contains(_TITLED_CHINESE)
    return pl.any_horizontal(english.fill_null(False), is_titled, *chinese)


def bears_a_name(text: pl.Expr) -> pl.Expr:
    """Whether a word of the text has the form of a person's name; other words may have it too."""
    plain = half_width(text)
    words = plain.str.to_lowercase().str.extract_all(r"\p{L}+")
    is_given = words.list.eval(pl.element().is_in(list(GIVEN_NAMES))).list.any()
    han = plain.str.extract_all(r"\p{Han}+")
    chinese = (_is_chinese_name(han.list.get(place, null_on_oob=True)) for place in (0, 1))
    return pl.any_horizontal(
        *chinese,
        is_given.fill_null(False),
        plain.str.contains(_INITIAL),
    )


def _is_chinese_name(text: pl.Expr) -> pl.Expr:
    is_name = text.str.contains(CHINESE_NAME) & ~text.str.contains(GENERIC_CHINESE)
    return is_name.fill_null(False)


def is_personal(text: pl.Expr, of_customers: bool) -> pl.Expr:
    """Whether a value of a category is personal data by its form.

    Args:
        text: the values.
        of_customers: whether they are about what customers do or are, where a name is a person's;
            brands and makers are often named after one.
    """
    number = has_number_of_a_person(text)
    return number | names_a_person(text) if of_customers else number


@dataclass(frozen=True)
class Values:
    """How the values of a column are shared and what they look like.

    `rows` are those with a value, `values` the distinct ones, of which `repeated` stand in so many
    rows that they could have been shared and `own` of these are of one customer; `once` counts
    rows whose value no other has, and `twice` values in two rows that are of two customers. Of
    `seen` distinct values, all or an even part of them, `personal` have a personal form, `names` a
    word in that of a name, and `characters` is their mean length.
    """

    rows: int
    values: int
    repeated: int
    own: int
    once: int
    twice: int
    seen: int
    personal: int
    names: int
    characters: float

    @property
    def in_all(self) -> float:
        """At least how many values there are, with those that no row has yet.

        Chao (1984), Nonparametric estimation of the number of classes in a population. Without
        bound where no two customers share one.
        """
        return self.values + self.once**2 / (2 * self.twice) if self.twice else math.inf


def free_text(column: Values) -> tuple[str, str] | None:
    """Why the column looks like free text, in English and Chinese; None where it does not."""
    if column.personal >= max(FEWEST_PERSONAL, PERSONAL_SHARE * column.seen):
        share = column.personal / column.seen
        return (
            f"{share:.0%} of its values hold names, numbers or addresses of persons",
            f"{share:.0%}的取值含有个人姓名、号码或地址",
        )
    if column.names >= max(FEWEST_NAMES, NAME_SHARE * column.seen):
        share = column.names / column.seen
        return (f"{share:.0%} of its values seem to name somebody", f"{share:.0%}的取值似含姓名")
    if column.values < FEWEST_VALUES:
        return None
    if column.own >= max(FEWEST_OWN, OWN_SHARE * column.repeated):
        return (
            f"{column.own} of the {column.repeated} values that stand in {REPEATED} rows or more "
            "are of one customer alone",
            f"出现{REPEATED}次以上的{column.repeated}个取值中，有{column.own}个仅属于一名客户",
        )
    limit = ONCE_SHARE_OF_MANY if column.rows >= MANY_ROWS else ONCE_SHARE
    is_open = column.rows >= FEWEST_ROWS and column.in_all > MOST_VALUES
    if is_open and column.once >= limit * column.rows:
        share = column.once / column.rows
        return (
            f"{share:.0%} of its rows have a value that no other row has",
            f"{share:.0%}的行取值各不相同",
        )
    if column.characters >= LONG:
        return (
            f"its values have {column.characters:.0f} characters on average",
            f"取值平均长{column.characters:.0f}个字符",
        )
    return None
