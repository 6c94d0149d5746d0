SELECT
    customer_id,
    account_id,
    product_id,
    balance_on,
    balance,
    credit_limit,
    days_past_due,
    currency,
    source_file,
    source_row
FROM balances
