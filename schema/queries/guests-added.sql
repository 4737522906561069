-- Which guests were invited, by whom, and which guest accounts came of it?
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
WITH period AS (
    SELECT coalesce(unixepoch(:since), unixepoch(max(newest), '-30 days')) AS second FROM collections
)
SELECT timestamp, customer, operation AS what, result, actor_display AS by_whom, actor ->> '$.user.ipAddress' AS ip,
       coalesce((SELECT raw ->> (d.path || '.value') FROM json_tree(raw, '$.additionalDetails') AS d
                 WHERE d.key = 'key' AND lower(d.atom) = 'inviteduseremailaddress'),
                targets ->> '$[0].userPrincipalName', targets ->> '$[0].displayName') AS guest,
       targets ->> '$[0].id' AS id, NULL AS state
FROM events
WHERE event_id >= (SELECT second FROM period) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND operation IN ('Invite external user', 'Invite external user with reset invitation status',
                    'Invite internal user to B2B collaboration', 'Redeem external user invite', 'Redeem extern user invite')
UNION ALL
SELECT created, customer, 'guest account', NULL, NULL, NULL, coalesce(mail, user_principal_name), id,
       CASE WHEN removed_at IS NOT NULL THEN 'removed ' || removed_at ELSE raw ->> '$.externalUserState' END
FROM users
WHERE created >= strftime('%Y-%m-%dT%H:%M:%S', (SELECT second FROM period), 'unixepoch')
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND (user_type = 'Guest' OR user_principal_name LIKE '%#EXT#%')
ORDER BY 1 DESC;
