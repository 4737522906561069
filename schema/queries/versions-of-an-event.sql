-- What changed in records that Microsoft delivered again with another body (risk that was found later, a second factor that was
-- completed)? One row for each place that differs.
-- :event     only the event with this event_id (default: all that changed in the period)
-- :since     changed from this moment on, such as '2026-11-20' (default: the last 7 days that are kept)
-- :customer  only this one (default: all)
WITH bodies AS ( -- each body that was replaced, and the one that replaced it
    SELECT v.event_id, v.replaced_at, v.seq, v.raw AS before,
           coalesce(lead(v.raw) OVER (PARTITION BY v.event_id ORDER BY v.seq),
                    (SELECT e.raw FROM events AS e WHERE e.event_id = v.event_id)) AS after
    FROM event_versions AS v
    WHERE v.event_id = coalesce(nullif(:event, ''), v.event_id)
      AND (nullif(:event, '') IS NOT NULL
           OR unixepoch(v.replaced_at)
              >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-7 days') FROM collections)))
), places AS (
    SELECT b.event_id, b.seq, b.replaced_at, 'before' AS side, t.fullkey AS place,
           iif(t.type IN ('true', 'false', 'null'), t.type, t.atom) AS value
    FROM bodies AS b, json_tree(b.before) AS t WHERE t.type NOT IN ('object', 'array')
    UNION ALL
    SELECT b.event_id, b.seq, b.replaced_at, 'after', t.fullkey, iif(t.type IN ('true', 'false', 'null'), t.type, t.atom)
    FROM bodies AS b, json_tree(b.after) AS t WHERE t.type NOT IN ('object', 'array')
), differences AS (
    SELECT event_id, seq, replaced_at, place, max(value) FILTER (WHERE side = 'before') AS before,
           max(value) FILTER (WHERE side = 'after') AS after
    FROM places GROUP BY event_id, seq, place
)
SELECT d.replaced_at, d.event_id, e.customer, e.source, e.timestamp, e.actor_display, e.operation, d.place, d.before, d.after
FROM differences AS d JOIN events AS e ON e.event_id = d.event_id
WHERE d.before IS NOT d.after AND e.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY d.seq DESC, d.place;
