"""What tags may read of a customer's consents."""

from __future__ import annotations

from portrait_assets.schema.columns import flag

MARKETING_ALLOWED = flag(
    "marketing_allowed",
    "Whether the customer may be contacted for marketing by at least one channel, as of the month; "
    "null where the source neither has consents nor declares what silence means",
    "是否允许至少一个渠道的营销触达",
)
