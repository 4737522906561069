-- Whose password was changed or reset, by whom, and from where? Failures are shown too.
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT timestamp, customer, operation, result, actor_display AS by_whom,
       coalesce(targets ->> '$[0].userPrincipalName', targets ->> '$[0].displayName', targets ->> '$[0].id') AS whose,
       actor ->> '$.user.id' = targets ->> '$[0].id' AS own, actor ->> '$.user.ipAddress' AS ip, display_summary
FROM events
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND operation IN (
      'Reset user password', 'Reset password', 'Reset password (by admin)', 'Reset password (self-service)',
      'Change user password', 'Change password (self-service)', 'User password reset', 'User started password reset',
      'User started password change', 'Admin started password reset', 'Set force change user password',
      'Blocked from self-service password reset', 'Unlock user account (self-service)', 'Create application password for user')
ORDER BY event_id DESC;
