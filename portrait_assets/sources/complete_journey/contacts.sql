-- The file says who was targeted; the day is the campaign's first.
SELECT
    contacts.household_id AS customer_id,
    contacts.campaign_id,
    campaigns.start_date AS contacted_on,
    contacts.source_file,
    contacts.source_row
FROM contacts
LEFT JOIN campaigns USING (campaign_id)
