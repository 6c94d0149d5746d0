SELECT
    campaign_id,
    campaign_type,
    start_date AS started_on,
    end_date AS ended_on,
    source_file,
    source_row
FROM campaigns
