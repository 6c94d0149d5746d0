SELECT
    customer_id,
    campaign_id,
    contacted_on,
    channel,
    is_control,
    source_file,
    source_row
FROM contacts
