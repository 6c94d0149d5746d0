SELECT
    product_id,
    started_on,
    ended_on,
    display_share,
    mailer_share,
    source_file,
    source_row
FROM promotions
