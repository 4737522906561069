-- Which accounts were created, disabled, enabled, removed or restored, by whom (as the audits tell), and when was it seen in the
-- list of users?
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
WITH period AS (
    SELECT coalesce(unixepoch(:since), unixepoch(max(newest), '-30 days')) AS second FROM collections
), iso AS (
    SELECT strftime('%Y-%m-%dT%H:%M:%S', second, 'unixepoch') AS moment FROM period
)
SELECT timestamp, customer, 'audit' AS known_from, operation AS what, result, actor_display AS by_whom,
       coalesce(targets ->> '$[0].userPrincipalName', targets ->> '$[0].displayName') AS account, targets ->> '$[0].id' AS id
FROM events
WHERE event_id >= (SELECT second FROM period) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND operation IN ('Add user', 'Delete user', 'Hard Delete user', 'Restore user', 'Disable account', 'Enable account')
UNION ALL
SELECT created, customer, 'users', 'created', NULL, NULL, user_principal_name, id
FROM users
WHERE created >= (SELECT moment FROM iso) AND customer LIKE coalesce(nullif(:customer, ''), '%')
UNION ALL
SELECT h.seen_at, h.customer, 'users',
       CASE WHEN h.field = 'accountEnabled' THEN iif(h.new_value = 'true', 'enabled', 'disabled')
            WHEN h.new_value IS NULL THEN 'restored'
            ELSE 'removed (' || coalesce(h.new_value ->> '$.reason', 'no reason told') || ')' END,
       NULL, NULL, u.user_principal_name, h.id
FROM user_changes AS h LEFT JOIN users AS u ON u.id = h.id AND u.customer = h.customer
WHERE h.field IN ('accountEnabled', '@removed') AND h.seen_at >= (SELECT moment FROM iso)
  AND h.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY 1 DESC;
