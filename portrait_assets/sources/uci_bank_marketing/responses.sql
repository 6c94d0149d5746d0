SELECT
    customer_id,
    'term deposit' AS campaign_id,
    "day" AS responded_on,
    'subscribed' AS response,
    source_file,
    source_row
FROM dated
WHERE y = 'yes'
