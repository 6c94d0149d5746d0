-- The rows are in the order of dates: a month before the one above it is in the next year. What the
-- bank knew of a client it knew before the call: at the end of the month before.
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
),
with_year AS (
    SELECT
        *,
        CAST(2008 + sum(turns) OVER (ORDER BY source_row) AS INTEGER) AS year_number
    FROM turned
)
SELECT
    * REPLACE (printf('%04d-%02d-%02d', year_number, month_number, TRY_CAST(day AS INTEGER)) AS "day"),
    CAST(make_date(year_number, month_number, 1) - 1 AS VARCHAR) AS known_on,
    printf('C%05d', source_row) AS customer_id
FROM with_year
