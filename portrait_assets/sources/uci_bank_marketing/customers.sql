SELECT
    customer_id,
    known_on AS recorded_on,
    age,
    job AS occupation,
    marital AS marital_status,
    education,
    source_file,
    source_row
FROM dated
