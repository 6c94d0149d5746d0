SELECT
    customer_id,
    campaign_id,
    responded_on,
    response,
    coupon_id,
    product_id,
    amount,
    currency,
    source_file,
    source_row
FROM responses
