SELECT
    card AS customer_id, max_by(town, (sold_at, town)) AS region,
    min(source_file) AS source_file, min(source_row) AS source_row
FROM sales
WHERE town IS NOT NULL
GROUP BY card
