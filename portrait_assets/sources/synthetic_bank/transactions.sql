SELECT
    transaction_id,
    customer_id,
    occurred_at,
    amount,
    currency,
    discount_amount,
    quantity,
    product_id,
    category,
    basket_id,
    store_id,
    channel,
    is_on_display,
    is_in_mailer,
    source_file,
    source_row
FROM transactions
