SELECT
    customer_id,
    recorded_on,
    purpose,
    channel,
    granted_on,
    withdrawn_on,
    basis,
    source_file,
    source_row
FROM consents
