SELECT
    card AS customer_id, sold_at AS occurred_at, paid AS amount, saved AS discount_amount,
    basket AS basket_id, category, source_file, source_row
FROM sales
