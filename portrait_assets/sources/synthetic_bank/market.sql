SELECT
    indicator,
    observed_on,
    value,
    product_id,
    store_id,
    source_file,
    source_row
FROM market
