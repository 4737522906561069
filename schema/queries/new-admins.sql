-- Who became a member of an administrators' role, by whom, and has it been taken away again?
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :role      only roles like this (default: '%Admin%'; '%' for all)
-- :customer  only this one (default: all)
WITH changes AS (
    SELECT event_id, timestamp, customer, operation, operation LIKE 'Add%' AS added, actor_display AS by_whom,
           actor ->> '$.user.ipAddress' AS ip,
           coalesce((SELECT trim(coalesce(targets ->> (p.path || '.newValue'), targets ->> (p.path || '.oldValue')), '"')
                     FROM json_tree(targets) AS p WHERE p.key = 'displayName' AND p.atom = 'Role.DisplayName'),
                    (SELECT targets ->> (p.path || '.displayName') FROM json_tree(targets) AS p
                     WHERE p.key = 'type' AND p.atom = 'Role')) AS role,
           (SELECT targets ->> (p.path || '.id') FROM json_tree(targets) AS p
            WHERE p.key = 'type' AND p.atom IN ('User', 'ServicePrincipal', 'Group')) AS member_id,
           (SELECT coalesce(targets ->> (p.path || '.userPrincipalName'), targets ->> (p.path || '.displayName'))
            FROM json_tree(targets) AS p WHERE p.key = 'type' AND p.atom IN ('User', 'ServicePrincipal', 'Group')) AS member
    FROM events
    WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
      AND customer LIKE coalesce(nullif(:customer, ''), '%')
      -- Not PIM's requests and refusals: they give nothing.
      AND operation IN (
          'Add member to role', 'Add scoped member to role', 'Add eligible member to role',
          'Add member to role outside of PIM (permanent)', 'Add role assignment to role definition',
          'Add member to role completed (PIM activation)', 'Add member to role in PIM completed (permanent)',
          'Add member to role in PIM completed (timebound)', 'Add eligible member to role in PIM completed (permanent)',
          'Add eligible member to role in PIM completed (timebound)',
          'Remove member from role', 'Remove scoped member from role', 'Remove eligible member from role',
          'Remove role assignment', 'Remove role assignment from role definition',
          'Remove member from role completed (PIM deactivate)', 'Remove member from role (PIM activation expired)',
          'Remove member from role in PIM completed (permanent)', 'Remove member from role in PIM completed (timebound)',
          'Remove eligible member from role in PIM completed (permanent)',
          'Remove eligible member from role in PIM completed (timebound)')
      AND result = 'success'
)
SELECT timestamp, customer, role, coalesce(member, member_id) AS member, by_whom, ip, operation, taken_away
FROM (SELECT *, min(timestamp) FILTER (WHERE NOT added)
                OVER (PARTITION BY customer, role, member_id ORDER BY event_id
                      ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS taken_away
      FROM changes)
WHERE added AND role LIKE coalesce(nullif(:role, ''), '%Admin%')
ORDER BY event_id DESC;
