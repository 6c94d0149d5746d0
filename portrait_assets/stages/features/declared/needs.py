"""What a source has to give before a feature can be known of anyone.

The needs are the source's, not the customer's: where discounts are given to somebody, a customer
without one got none; where nobody ever got one, nothing is known of discounts.
"""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.stages.features.declared.expressions import GIVES_BACK


@dataclass(frozen=True)
class Evidence:
    """Something in a cleaned table that shows that the source gives it.

    One row is enough that fulfils `where`, by default that the column has a value, or that there
    is a row at all where no column is named. Of what `varies`, an SQL expression, two different
    values are needed. `en` and `zh` name what is asked of the column, where that is more than a
    value.
    """

    table: str
    column: str | None = None
    where: str | None = None
    varies: str | None = None
    en: str = ""
    zh: str = ""

    @property
    def name(self) -> str:
        """Its name in tables, such as transactions.discount_amount."""
        return f"{self.of_place}: {self.en}" if self.en else self.of_place

    @property
    def name_zh(self) -> str:
        """The same with what is asked of the column in Chinese."""
        return f"{self.of_place}（{self.zh}）" if self.zh else self.of_place

    @property
    def of_place(self) -> str:
        """Its table, or table and column."""
        return self.table if self.column is None else f"{self.table}.{self.column}"

    @property
    def condition(self) -> str:
        """The condition on a row that is evidence, in SQL."""
        return self.where or ("true" if self.column is None else f"{self.column} IS NOT NULL")

    @property
    def of_table(self) -> Evidence:
        """That the table has a row."""
        return Evidence(self.table)


Need = Evidence | tuple[Evidence, ...]
"""What must be given; of several alternatives one."""


def alternatives(need: Need) -> tuple[Evidence, ...]:
    """The evidence of which one is enough."""
    return (need,) if isinstance(need, Evidence) else need


OR = " or "
"""Between alternatives in the name of a need."""


def need_name(need: Need) -> str:
    """The need as text."""
    return OR.join(dict.fromkeys(each.name for each in alternatives(need)))


TRANSACTIONS, BALANCES = Evidence("transactions"), Evidence("balances")
CONTACTS, RESPONSES = Evidence("contacts"), Evidence("responses")
MARKET, PRODUCTS = Evidence("market"), Evidence("products")
# An amount that is 0 throughout, or a flag that is never set, is what adapters write for 'unknown'.
AMOUNT = Evidence("transactions", "amount", where="amount <> 0")
RETURNS = Evidence(
    "transactions", "amount", where=GIVES_BACK, en="one that gives back", zh="退货或撤销"
)
TIME_OF_DAY = Evidence(
    "transactions",
    "occurred_at",
    varies="CAST(occurred_at AS TIME)",
    en="a time of day",
    zh="时刻",
)
DISCOUNTS = Evidence("transactions", "discount_amount", where="discount_amount <> 0")
CHANNEL = Evidence("transactions", "channel")
QUANTITY = Evidence("transactions", "quantity")
BOUGHT_PRODUCT = Evidence("transactions", "product_id")
CATEGORY = (Evidence("transactions", "category"), Evidence("products", "category"))
PRODUCT_CATEGORY, BRAND = Evidence("products", "category"), Evidence("products", "brand")
OWN_LABEL = Evidence(
    "products", "is_own_label", varies="is_own_label", en="both yes and no", zh="是与否皆有"
)
INTRODUCED, WITHDRAWN = (
    Evidence("products", "introduced_on"),
    Evidence("products", "withdrawn_on"),
)
RISK_GRADE = Evidence("products", "risk_grade")
# Where no product has a term, nobody knows which could be drawn at once.
TERM = Evidence("products", "term_days")
ON_DISPLAY = Evidence("transactions", "is_on_display", where="is_on_display")
IN_MAILER = Evidence("transactions", "is_in_mailer", where="is_in_mailer")
DISPLAYS = Evidence("promotions", "display_share", where="display_share > 0")
MAILERS = Evidence("promotions", "mailer_share", where="mailer_share > 0")
CAMPAIGN_TYPE = Evidence("campaigns", "campaign_type")
# An account with a credit limit is a debt.
DEPOSITS = Evidence(
    "balances",
    "credit_limit",
    where="credit_limit IS NULL AND balance IS NOT NULL",
    en="an account without one",
    zh="无额度账户",
)
CREDIT_LIMIT = Evidence("balances", "credit_limit")
# Some systems write what is owed with a minus, which is no use of a credit limit.
OWED = Evidence(
    "balances",
    "balance",
    where="credit_limit IS NOT NULL AND balance > 0",
    en="a positive one of an account with a credit limit",
    zh="授信账户的正余额（欠款）",
)
DAYS_PAST_DUE = Evidence("balances", "days_past_due")
HELD_PRODUCT = Evidence("balances", "product_id")
COMPLAINTS = Evidence(
    "interactions", "kind", where="kind = 'complaint'", en="a complaint", zh="投诉"
)
SURVEYS = Evidence(
    "interactions",
    "score",
    where="kind = 'survey' AND score IS NOT NULL",
    en="a survey's",
    zh="问卷评分",
)
VISITS = Evidence("interactions", "kind", where="kind = 'visit'", en="a visit", zh="访问")
JOINED_OR_BOUGHT = (Evidence("customers", "joined_on"), TRANSACTIONS)
AGE = (Evidence("customers", "birth_date"), Evidence("customers", "age"))


def recorded(attribute: str) -> Evidence:
    """That the attribute is recorded of a customer."""
    return Evidence("customers", attribute)
