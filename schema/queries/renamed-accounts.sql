-- Which accounts changed their name or address, from what to what? Look for what one did under both.
-- :since     from this moment on, such as '2026-11-20' (default: all that is kept)
-- :customer  only this one (default: all)
SELECT h.seen_at, h.customer, h.field, h.old_value ->> '$' AS before, h.new_value ->> '$' AS after,
       u.user_principal_name AS now, u.user_type, h.id
FROM user_changes AS h LEFT JOIN users AS u ON u.id = h.id AND u.customer = h.customer
WHERE h.field IN ('userPrincipalName', 'mail', 'displayName')
  AND unixepoch(h.seen_at) >= coalesce(unixepoch(:since), 0)
  AND h.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY h.seen_at DESC;
