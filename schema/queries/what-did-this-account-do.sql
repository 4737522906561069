-- What did one account do, newest first: sign-ins and changes, under its present and former names and its id?
-- :account   its user principal name, address or id, present or former (needed)
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
WITH period AS (
    SELECT coalesce(unixepoch(:since), unixepoch(max(newest), '-30 days')) << 20 AS first_id FROM collections
), ids AS ( -- whoever has or had this name
    SELECT customer, id FROM users
    WHERE user_principal_name = :account OR mail = :account OR id = :account
    UNION
    SELECT customer, id FROM user_changes
    WHERE field IN ('userPrincipalName', 'mail') AND lower(:account) IN (lower(old_value ->> '$'), lower(new_value ->> '$'))
), names AS (
    SELECT customer, user_principal_name AS name FROM users JOIN ids USING (customer, id)
    UNION
    SELECT customer, mail FROM users JOIN ids USING (customer, id)
    UNION
    SELECT customer, old_value ->> '$' FROM user_changes JOIN ids USING (customer, id)
    WHERE field IN ('userPrincipalName', 'mail')
    UNION
    SELECT customer, id FROM ids
    UNION
    SELECT customer, :account FROM customers
), found AS (
    SELECT e.event_id FROM names CROSS JOIN events AS e
    WHERE e.actor_display = names.name AND e.customer = names.customer AND e.event_id >= (SELECT first_id FROM period)
    UNION -- by its id, whatever it was called then
    SELECT e.event_id FROM ids CROSS JOIN event_fts CROSS JOIN events AS e
    WHERE event_fts MATCH 'text: "' || ids.id || '"' AND event_fts.rowid >= (SELECT first_id FROM period)
      AND e.event_id = event_fts.rowid AND e.customer = ids.customer
      AND ids.id IN (e.actor ->> '$.userId', e.actor ->> '$.user.id')
)
SELECT e.timestamp, e.customer, e.source, e.operation, e.result, e.actor_display AS called,
       coalesce(e.actor ->> '$.ipAddress', e.actor ->> '$.user.ipAddress') AS ip, e.display_summary
FROM found CROSS JOIN events AS e ON e.event_id = found.event_id
WHERE e.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY e.event_id DESC;
