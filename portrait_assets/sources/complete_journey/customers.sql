SELECT
    household_id AS customer_id,
    age AS age_band,
    income AS income_band,
    marital_status,
    household_size,
    household_comp AS household_type,
    kids_count AS children,
    home_ownership,
    source_file,
    source_row
FROM customers
