-- Who changed one account, and what? The audits tell who, the list of users tells the values before and after.
-- :account   its user principal name, address or id, present or former (needed)
-- :since     from this moment on, such as '2026-11-20' (default: all that is kept)
-- :customer  only this one (default: all)
WITH ids AS ( -- whoever has or had this name
    SELECT customer, id FROM users
    WHERE user_principal_name = :account OR mail = :account OR id = :account
    UNION
    SELECT customer, id FROM user_changes
    WHERE field IN ('userPrincipalName', 'mail') AND lower(:account) IN (lower(old_value ->> '$'), lower(new_value ->> '$'))
), names AS (
    SELECT customer, lower(user_principal_name) AS name FROM users JOIN ids USING (customer, id)
    UNION
    SELECT customer, lower(old_value ->> '$') FROM user_changes JOIN ids USING (customer, id)
    WHERE field = 'userPrincipalName'
    UNION
    SELECT customer, lower(id) FROM ids
    UNION
    SELECT customer, lower(:account) FROM customers
)
SELECT e.timestamp, e.customer, 'audit' AS known_from, e.actor_display AS by_whom, e.actor ->> '$.user.ipAddress' AS ip,
       e.operation AS what, e.result, NULL AS before, NULL AS after, e.display_summary
FROM event_fts CROSS JOIN events AS e
WHERE event_fts MATCH 'text: (' || (SELECT coalesce(group_concat('"' || replace(name, '"', '""') || '"', ' OR '), '""')
                                    FROM names) || ')'
  AND event_fts.rowid >= coalesce(unixepoch(:since), 0) << 20
  AND e.event_id = event_fts.rowid AND e.source = 'directory-audits' AND e.customer LIKE coalesce(nullif(:customer, ''), '%')
  AND EXISTS (SELECT 1 FROM json_tree(e.targets) AS p JOIN names ON names.name = lower(p.atom)
              WHERE names.customer = e.customer AND p.key IN ('id', 'userPrincipalName'))
UNION ALL
SELECT seen_at, customer, 'users', NULL, NULL, field, NULL, old_value, new_value, NULL
FROM user_changes JOIN ids USING (customer, id)
WHERE unixepoch(seen_at) >= coalesce(unixepoch(:since), 0) AND customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY 1 DESC;
