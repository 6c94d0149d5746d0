SELECT
    customer_id,
    occurred_at,
    kind,
    channel,
    region,
    step,
    score,
    content,
    source_file,
    source_row
FROM interactions
