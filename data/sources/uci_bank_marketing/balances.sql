SELECT
    customer_id,
    'current account' AS product_id,
    "day" AS balance_on,
    balance,
    source_file,
    source_row
FROM dated
