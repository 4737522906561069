-- Who gave, took, asked for or activated a directory role, newest first, with the role, the account and the address it came from?
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT timestamp, customer, actor_display AS by_whom, operation, result,
       -- The role's name is a changed property (a JSON string within a string) or a target of its own.
       coalesce((SELECT trim(coalesce(targets ->> (p.path || '.newValue'), targets ->> (p.path || '.oldValue')), '"')
                 FROM json_tree(targets) AS p WHERE p.key = 'displayName' AND p.atom = 'Role.DisplayName'),
                (SELECT targets ->> (p.path || '.displayName') FROM json_tree(targets) AS p
                 WHERE p.key = 'type' AND p.atom = 'Role')) AS role,
       (SELECT coalesce(targets ->> (p.path || '.userPrincipalName'), targets ->> (p.path || '.displayName'),
                        targets ->> (p.path || '.id'))
        FROM json_tree(targets) AS p WHERE p.key = 'type' AND p.atom IN ('User', 'ServicePrincipal', 'Group')) AS account,
       actor ->> '$.user.ipAddress' AS ip, display_summary
FROM events
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND operation IN (
      'Add member to role', 'Add scoped member to role', 'Add eligible member to role',
      'Add member to role outside of PIM (permanent)', 'Add role assignment to role definition',
      'Add member to role completed (PIM activation)', 'Add member to role in PIM completed (permanent)',
      'Add member to role in PIM completed (timebound)', 'Add eligible member to role in PIM completed (permanent)',
      'Add eligible member to role in PIM completed (timebound)',
      'Add member to role requested (PIM activation)', 'Add member to role approval requested (PIM activation)',
      'Add member to role request approved (PIM activation)', 'Add member to role request denied (PIM activation)',
      'Add member to role canceled (PIM activation)', 'Add member to role in PIM requested (permanent)',
      'Add member to role in PIM requested (timebound)', 'Add member to role in PIM requested (renew)',
      'Add eligible member to role in PIM requested (permanent)',
      'Add eligible member to role in PIM requested (timebound)',
      'Remove member from role requested (PIM deactivate)', 'PIM activation request expired',
      'Remove member from role', 'Remove scoped member from role', 'Remove eligible member from role',
      'Remove role assignment', 'Remove role assignment from role definition',
      'Remove member from role completed (PIM deactivate)', 'Remove member from role (PIM activation expired)',
      'Remove member from role in PIM completed (permanent)', 'Remove member from role in PIM completed (timebound)',
      'Remove eligible member from role in PIM completed (permanent)',
      'Remove eligible member from role in PIM completed (timebound)')
ORDER BY event_id DESC;
