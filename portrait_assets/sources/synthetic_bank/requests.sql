SELECT
    customer_id,
    kind,
    requested_on,
    purpose,
    channel,
    source_file,
    source_row
FROM requests
