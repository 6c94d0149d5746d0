SELECT
    customer_id,
    'term deposit' AS campaign_id,
    "day" AS contacted_on,
    contact AS channel,
    source_file,
    source_row
FROM dated
