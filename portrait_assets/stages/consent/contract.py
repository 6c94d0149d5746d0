"""The tables of the consent stage: what each customer allows, and what silence means."""

from __future__ import annotations

from portrait_assets.privacy.consent import REASONS
from portrait_assets.schema.columns import count, day, flag, required, text
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import CONSENT
from portrait_assets.schema.table import CUSTOMER_ID, month_end_table
from portrait_assets.stages.raw.tables.persons import PURPOSES

_flag = required(flag)

_PURPOSE = text(
    "purpose",
    "What for: profiling, marketing, credit or sharing with others",
    "处理目的（画像、营销、信贷、对外提供）",
    nullable=False,
    allowed=PURPOSES,
)

CUSTOMER_CONSENT = month_end_table(
    schema="consent",
    name="customer_consent",
    en="What customers allow or refuse, where it is not what silence means or has its own reason",
    zh="客户授权状态（仅列与默认不同者）",
    columns=(
        CUSTOMER_ID,
        _PURPOSE,
        text("channel", "Channel; null for any without a row of its own", "渠道"),
        _flag("allowed", "Whether it is allowed", "是否允许"),
        day("since", "Day from which it is so; null where none is known", "起始日期"),
        text("because", "Why", "原因", nullable=False, allowed=tuple(REASONS)),
    ),
    key=("as_of", "customer_id", "purpose", "channel"),
    published_as_enums=True,
    operation=CONSENT,
)

CONSENT_DEFAULT = month_end_table(
    schema="consent",
    name="consent_default",
    en="What the silence of a customer means, by purpose",
    zh="未表态时的默认授权",
    columns=(
        _PURPOSE,
        _flag("allowed", "Whether silence allows it", "默认是否允许"),
        _flag("is_declared", "Whether the source declares it", "数据源是否声明"),
        count("consents", "Records of consents to it by then", "截至当日的同意记录数"),
    ),
    key=("as_of", "purpose"),
    operation=CONSENT,
    resting=Resting.COUNTED,
)
