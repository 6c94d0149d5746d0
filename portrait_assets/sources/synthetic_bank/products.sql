SELECT
    product_id,
    introduced_on,
    withdrawn_on,
    department,
    category,
    product_type,
    brand,
    is_own_label,
    is_merchandise,
    package_size,
    risk_grade,
    margin_rate,
    source_file,
    source_row
FROM products
