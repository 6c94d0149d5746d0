SELECT
    product_id,
    department,
    product_category AS category,
    product_type,
    manufacturer_id AS brand,
    brand = 'Private' AS is_own_label,
    package_size,
    source_file,
    source_row
FROM products
