SELECT
    customer_id,
    campaign_id,
    arm,
    channel,
    assigned_on,
    source_file,
    source_row
FROM assignments
