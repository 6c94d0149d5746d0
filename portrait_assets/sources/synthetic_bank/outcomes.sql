SELECT
    customer_id,
    outcome,
    observed_on,
    value,
    source_file,
    source_row
FROM outcomes
