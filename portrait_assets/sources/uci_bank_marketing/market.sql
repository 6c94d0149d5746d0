-- The indicators as the last call of a month has them; a month without calls has none. Rows are
-- numbered in order, for five of them come from one row of the file.
WITH numbered AS (
    SELECT
        *,
        list_position(
            ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
            "month"
        ) AS month_number
    FROM bank_additional
),
turned AS (
    SELECT
        *,
        CASE WHEN month_number < lag(month_number) OVER (ORDER BY source_row) THEN 1 ELSE 0 END
            AS turns
    FROM numbered
),
monthly AS (
    SELECT
        year_number,
        month_number,
        min(source_file) AS source_file,
        max_by("emp.var.rate", source_row) AS "employment variation rate",
        max_by("cons.price.idx", source_row) AS "consumer price index",
        max_by("cons.conf.idx", source_row) AS "consumer confidence index",
        max_by(euribor3m, source_row) AS "euribor 3 months",
        max_by("nr.employed", source_row) AS "number employed"
    FROM (SELECT *, 2008 + sum(turns) OVER (ORDER BY source_row) AS year_number FROM turned)
    GROUP BY ALL
)
SELECT
    indicator,
    CAST(last_day(make_date(CAST(year_number AS INTEGER), month_number, 1)) AS VARCHAR) AS observed_on,
    value,
    source_file,
    row_number() OVER (ORDER BY year_number, month_number, indicator) AS source_row
FROM (
    UNPIVOT monthly ON
        "employment variation rate", "consumer price index", "consumer confidence index",
        "euribor 3 months", "number employed"
    INTO NAME indicator VALUE value
)
