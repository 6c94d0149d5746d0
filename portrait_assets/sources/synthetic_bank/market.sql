SELECT
    indicator,
    observed_on,
    value,
    product_id,
    store_id,
    competitor,
    product_class,
    source_file,
    source_row
FROM market
