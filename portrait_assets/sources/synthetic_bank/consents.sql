SELECT
    customer_id,
    purpose,
    channel,
    granted_on,
    withdrawn_on,
    basis,
    source_file,
    source_row
FROM consents
