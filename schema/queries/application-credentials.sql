-- Which applications and service principals got or lost a secret or a certificate, and by whom? Whoever holds one signs in as the
-- application, without a second factor.
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT timestamp, customer, operation, result, actor_display AS by_whom, actor ->> '$.user.ipAddress' AS ip,
       coalesce(targets ->> '$[0].displayName', targets ->> '$[0].id') AS application,
       (SELECT targets ->> (p.path || '.oldValue') FROM json_tree(targets) AS p
        WHERE p.key = 'displayName' AND p.atom = 'KeyDescription') AS credentials_before,
       (SELECT targets ->> (p.path || '.newValue') FROM json_tree(targets) AS p
        WHERE p.key = 'displayName' AND p.atom = 'KeyDescription') AS credentials_after,
       display_summary
FROM events
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  -- Microsoft writes the first with a dash of its own, and a blank at its end.
  AND operation IN (
      'Update application – Certificates and secrets management ', 'Update application – Certificates and secrets management',
      'Update application - Certificates and secrets management', 'Add service principal credentials',
      'Remove service principal credentials')
ORDER BY event_id DESC;
