-- Which announcements name a date to act by, the next one first?
-- :since     dates from this moment on, such as '2026-11-20' (default: what was still to come when collect last ran)
-- :service   the name of a service in any case, or a pattern (default: all)
-- :customer  only this one (default: all)
WITH now AS (
    SELECT max(last_run_at) AS moment FROM collections WHERE source = 'health'
)
SELECT m.customer, m.action_required_by, CAST(julianday(m.action_required_by) - julianday(n.moment) AS INTEGER) AS days_left,
       m.id, m.title, (SELECT group_concat(s.value, ', ') FROM json_each(m.services) AS s) AS services, m.category, m.severity,
       m.is_major_change, m.last_modified
FROM now AS n CROSS JOIN service_messages AS m
WHERE unixepoch(m.action_required_by) >= coalesce(unixepoch(:since), unixepoch(n.moment))
  AND EXISTS (SELECT 1 FROM json_each(coalesce(m.services, '[""]')) AS s WHERE s.value LIKE coalesce(nullif(:service, ''), '%'))
  AND m.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY m.action_required_by, m.customer, m.id;
