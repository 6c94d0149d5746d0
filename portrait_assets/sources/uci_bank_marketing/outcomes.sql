SELECT
    customer_id,
    'subscribed' AS outcome,
    "day" AS observed_on,
    CASE y WHEN 'yes' THEN 1 WHEN 'no' THEN 0 END AS value,
    source_file,
    source_row
FROM dated
