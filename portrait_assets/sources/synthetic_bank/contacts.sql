SELECT
    customer_id,
    campaign_id,
    contacted_on,
    channel,
    is_control,
    cost,
    delivery_status,
    source_file,
    source_row
FROM contacts
