-- Which applications were granted permissions, which ones, by whom, and for everybody or one account?
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT timestamp, customer, operation, result, actor_display AS by_whom, actor ->> '$.user.ipAddress' AS ip,
       target_displays,
       (SELECT targets ->> (p.path || '.newValue') FROM json_tree(targets) AS p
        WHERE p.key = 'displayName'
          AND p.atom IN ('ConsentAction.Permissions', 'DelegatedPermissionGrant.Scope', 'AppRole.Value')) AS permissions,
       (SELECT trim(targets ->> (p.path || '.newValue'), '"') FROM json_tree(targets) AS p
        WHERE p.key = 'displayName' AND p.atom IN ('ConsentContext.IsAdminConsent', 'DelegatedPermissionGrant.ConsentType'))
           AS admin_consent,
       display_summary
FROM events
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND operation IN ('Consent to application', 'Add delegated permission grant', 'Add app role assignment to service principal')
ORDER BY event_id DESC;
