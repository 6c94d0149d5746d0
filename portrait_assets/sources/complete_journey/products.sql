-- Fuel stands under the category of coupons.
SELECT
    product_id,
    department,
    CASE WHEN product_type LIKE 'GASOLINE%' THEN 'FUEL' ELSE product_category END AS category,
    product_type,
    manufacturer_id AS brand,
    brand = 'Private' AS is_own_label,
    product_type LIKE 'GASOLINE%' OR product_category NOT IN (
        'COUPON/MISC ITEMS', 'COUPONS/STORE & MFG', 'PROD SUPPLIES'
    ) AS is_merchandise,
    package_size,
    source_file,
    source_row
FROM products
