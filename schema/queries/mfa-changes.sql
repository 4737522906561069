-- Whose second factor or other way to sign in was added, changed or taken away, and by whom? A new one soon after an odd sign-in is
-- how intruders stay.
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT timestamp, customer, operation, result, actor_display AS by_whom,
       coalesce(targets ->> '$[0].userPrincipalName', targets ->> '$[0].displayName', targets ->> '$[0].id') AS whose,
       actor ->> '$.user.ipAddress' AS ip, raw ->> '$.resultReason' AS reason,
       (SELECT group_concat(p.atom) FROM json_tree(targets) AS p
        WHERE p.key = 'displayName' AND p.atom LIKE 'StrongAuthentication%') AS properties,
       display_summary
FROM events
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND operation IN (
      'User registered security info', 'User registered all required security info', 'User updated security info',
      'User deleted security info', 'User changed default security info', 'User password registration',
      'Security info saved for self-service password reset', 'Admin registered security info', 'Admin updated security info',
      'Admin deleted security info', 'Enable Strong Authentication', 'Disable Strong Authentication',
      'Add users strong authentication phone app detail', 'Remove users strong authentication phone app detail',
      'Add FIDO2 security key', 'Delete FIDO2 security key(s)', 'Add Windows Hello for Business credential',
      'Delete Windows Hello for Business credential', 'Add passwordless phone sign-in credential',
      'Delete passwordless phone sign-in credential', 'Create application password for user',
      'Delete application password for user', 'Update user')
  AND (operation <> 'Update user' OR properties IS NOT NULL)
ORDER BY event_id DESC;
