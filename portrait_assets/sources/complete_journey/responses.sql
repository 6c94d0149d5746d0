SELECT
    household_id AS customer_id,
    campaign_id,
    redemption_date AS responded_on,
    'coupon redeemed' AS response,
    coupon_upc AS coupon_id,
    source_file,
    source_row
FROM responses
