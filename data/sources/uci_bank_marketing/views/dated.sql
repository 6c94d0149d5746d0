-- The rows are in the order of dates: a month before the one above it is in the next year.
WITH numbered AS (
    SELECT
        *,
        list_position(
            ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
            "month"
        ) AS month_number
    FROM bank_full
),
turned AS (
    SELECT
        *,
        CASE WHEN month_number < lag(month_number) OVER (ORDER BY source_row) THEN 1 ELSE 0 END
            AS turns
    FROM numbered
)
SELECT
    * REPLACE (printf('%04d-%02d-%02d',
        2008 + sum(turns) OVER (ORDER BY source_row), month_number, TRY_CAST(day AS INTEGER)) AS "day"),
    printf('C%05d', source_row) AS customer_id
FROM turned
