SELECT
    customer_id,
    'current account' AS product_id,
    known_on AS balance_on,
    balance,
    source_file,
    source_row
FROM dated
