SELECT
    customer_id,
    occurred_at,
    kind,
    channel,
    region,
    store_id,
    journey_id,
    step,
    outcome,
    score,
    content,
    source_file,
    source_row
FROM interactions
