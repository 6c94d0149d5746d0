"""The files that say that a bank is invented, and how the pipeline reads it."""

from __future__ import annotations

from pathlib import Path

from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.writing import LABEL

SOURCE_NAME = "synthetic_bank"
MONTHLY = ("transactions", "balances", "assignments", "contacts", "responses", "interactions")
"""Tables with one file per month, named after it."""
WHOLE = (
    "customers",
    "products",
    "campaigns",
    "market",
    "promotions",
    "outcomes",
    "consents",
    "requests",
    "prospects",
)
"""Tables in one file."""
GENERATED = tuple(table for table in CANONICAL if table.name in (*MONTHLY, *WHOLE))
"""What a bank has; a canonical table that the generator does not know is left out."""

README = """\
SYNTHETIC BANK - invented data / 合成数据，纯属虚构

Every person, name, number, text and amount in this folder was invented by a random generator.
Nobody in it exists; any likeness to a real person, living or dead, or to a real institution is
chance. Identity, telephone and card numbers lie in ranges that have never been assigned.
本文件夹中的所有人员、姓名、号码、文本和金额均由随机程序生成，如有雷同，纯属巧合。

{customers} customers, {months} months from {first} to {last}, seed {seed}.
Time stamps are local, Asia/Shanghai; amounts are CNY.

Tables: one Parquet file each, or one folder with a file per month of the table's date.
  customers      one row per customer; further rows for a change of address, for a prospect who
                 joins, for what suits the customer (an assessment, extra care), and for second
                 records from another system (ids starting with K)
  transactions   amount is positive for what the customer spent, negative for a refund; payments
                 only: salaries are not rows, they show in when people buy
  products       with risk grades R1 to R5, days of introduction and withdrawal, and terms
  balances       month ends; cards and loans are what is owed, positive, with credit_limit (for a
                 loan or instalments the amount granted) and days_past_due; other accounts have no
                 credit_limit; accounts ending in 5, 6 and 7 were opened by an offer or a rise of
                 rates: a deposit, a fund, instalments
  campaigns      one a month, or as many as were asked for, with budget and cost
  assignments    who was meant to be contacted (arm treatment), and who held out (control)
  contacts       a random share is control (is_control) and was reached by no channel; what a
                 contact cost, and what became of it
  responses      answers; control customers answer too, unprompted
  interactions   surveys (score 0 to 10), complaints, notes, posts, and visits step by step: the
                 steps of one journey share a journey_id, go on in another channel at times, and
                 the last has the outcome (completed, abandoned); a complaint with a journey_id is
                 about that journey's last step
  market         month-end rates, prices, an index, the net value of each fund, and the rates that
                 competitors offer by class of products (competitor is empty for the bank's own)
  promotions     the product of the month's campaign, shown in all branches
  outcomes       churn, default, answer to a term deposit offer; 1 yes, 0 no
  consents       by purpose and channel, a record of the day when granted and one of the day when
                 withdrawn; of minors by a guardian or not
  requests       of access, correction, erasure, and objections
  prospects      who might join, from lists of others; some are customers already, and not all
                 agreed to be approached

truth/ (for judging only; nothing may be computed from it):
  segments       latent segment of each customer, whether he leans to another, whether he moves
                 deposits to where they bear more; with --kinds his wealth kind, the nested kind
                 within it, and whether that can be found or differs in nothing but its name
  latents        with --kinds: the variables that the wealth kinds were drawn as
  lifecycle      stage of each customer at each month's end
  duplicates     second records, and the person each belongs to
  bad_values     every planted bad value: table, file, row in the file (from 1), column (none where
                 the whole row is meant), kind, and the true value
  responses      per contact: probabilities of answering with and without it, and their
                 difference, the true treatment effect; the response group, contacts in the 60
                 days before, whether a contact was tried, what the answer earns in a year
  campaigns      what is wrong with which campaign: broken_split, contaminated, no_effect, harmful
  leaving        months of leaving that a contact or a withdrawn product has moved
  defaults       per borrower: true probability of default within 12 months, day of default
  breakpoints    channel, step and segment in which more journeys are abandoned after the step from
                 the first to the last month (excess: by how much), and the theme of complaints
  travels        who is in another region from the first to the last month
  events         launches, a withdrawal, a rise of a competitor's rate, a shift of what is bought,
                 seasons: the months, and what customers do about it
  affinities     per customer without a product: the probability that he takes it by himself
                 within the months after as_of, if he stays, and whether he did
  minors         children among the customers, and whether a guardian agreed to their consents
  prospects      which customer a prospect was or became, probability of joining by what is known
                 of him, day of joining, and what he held six months later (CNY, without debts)
  unsuitable     customers over 65 to whom a fund of the grade R4 was sold, and while they hold it
{marked}
bank.json holds what the bank was made with; from it, further months are written by
  portrait generate bank --continue . --assignments FILE

sources/synthetic_bank/ defines the source for this very folder; in it:
  portrait run --source synthetic_bank --data-dir .
"""

MARKED = """\
  marks          text such as PM-00000012 planted in every text column and in identifiers, to be
                 looked for where no personal data may be: table, column, customer, mark
"""

RULES = """\
identity:
  keys: [[national_id], [phone, birth_date]]
  threshold: 0.9
  trust: [C, K]
rules:
  customers.gender: {allowed: [F, M]}
  customers.income_band:
    values:
      very_low: [5万以下]
      low: [5-10万]
      medium: [10-20万]
      high: [20-50万]
      very_high: [50万以上]
  interactions.score: {minimum: 0, maximum: 10, sentinels: [99]}
  transactions.amount: {sentinels: [99999999.99]}
"""


def write_labels(folder: Path, calendar: Calendar, customers: int, seed: int, marks: bool) -> None:
    """Write SYNTHETIC, README.txt and the source definition into the folder."""
    (folder / "SYNTHETIC").write_text(LABEL + "\n", encoding="utf-8")
    readme = README.format(
        customers=f"{customers:,}",
        months=calendar.count,
        first=calendar.names[0],
        last=calendar.names[-1],
        seed=seed,
        marked=MARKED if marks else "",
    )
    (folder / "README.txt").write_text(readme, encoding="utf-8")
    source = folder / "sources" / SOURCE_NAME
    write_source(source, calendar.names[0], calendar.names[-1], files_in="../..")


def write_source(folder: Path, first_month: str, last_month: str, files_in: str) -> None:
    """Write source.yaml, targets.yaml and one .sql per generated table."""
    folder.mkdir(parents=True, exist_ok=True)
    text = source_yaml(first_month, last_month, files_in)
    (folder / "source.yaml").write_text(text, encoding="utf-8")
    targets = (PACKAGED_SOURCES / SOURCE_NAME / "targets.yaml").read_text(encoding="utf-8")
    (folder / "targets.yaml").write_text(targets, encoding="utf-8")
    for table in GENERATED:
        (folder / f"{table.name}.sql").write_text(table_sql(table), encoding="utf-8")


def source_yaml(first_month: str, last_month: str, files_in: str) -> str:
    """The text of source.yaml."""
    files = "\n".join(
        f"  {table.name}: {table.name}{'/*' if table.name in MONTHLY else ''}.parquet"
        for table in GENERATED
    )
    return f"""\
name: {SOURCE_NAME}
title:
  en: A synthetic bank, invented by `portrait generate bank`
  zh: 合成银行数据（由 `portrait generate bank` 生成，纯属虚构）
licence: CC0; synthetic, all persons are invented
first_month: {first_month}
last_month: {last_month}
time_zone: Asia/Shanghai
currency: CNY
country: CN
packs: [bank]
files_in: {files_in}
files:
{files}
{RULES}"""


def table_sql(table: Canonical) -> str:
    """The SQL of a table whose file has the canonical columns already."""
    columns = [column.name for column in table.columns]
    lines = ",\n".join(f"    {name}" for name in (*columns, "source_file", "source_row"))
    return f"SELECT\n{lines}\nFROM {table.name}\n"
