SELECT
    campaign_id,
    campaign_type,
    title,
    started_on,
    ended_on,
    product_id,
    control_share,
    budget,
    cost,
    source_file,
    source_row
FROM campaigns
