SELECT
    'term deposit' AS campaign_id,
    'telephone' AS campaign_type,
    'Term deposit' AS title,
    min("day") AS started_on,
    min(source_file) AS source_file,
    min(source_row) AS source_row
FROM dated
