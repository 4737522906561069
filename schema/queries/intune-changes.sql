-- Who changed what in Intune (policies, applications, devices, enrolment), and what exactly is different now?
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
WITH changes AS (
    SELECT event_id, timestamp, customer, operation, result, actor_display AS by_whom, actor ->> '$.applicationDisplayName' AS app,
           raw ->> '$.category' AS category, raw ->> '$.activityOperationType' AS kind, target_displays, targets, display_summary
    FROM events
    WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
      AND customer LIKE coalesce(nullif(:customer, ''), '%')
      AND source = 'intune-audits'
)
SELECT timestamp, customer, by_whom, app, operation, result, category, kind,
       (SELECT group_concat(t.value, ', ') FROM json_each(c.target_displays) AS t) AS what,
       (SELECT group_concat(coalesce(c.targets ->> (p.fullkey || '.displayName'), '?') || ': '
                            || coalesce(nullif(c.targets ->> (p.fullkey || '.oldValue'), ''), 'nothing') || ' -> '
                            || coalesce(nullif(c.targets ->> (p.fullkey || '.newValue'), ''), 'nothing'), '; ')
        FROM json_each(c.targets) AS r, json_each(c.targets, r.fullkey || '.modifiedProperties') AS p
        WHERE typeof(r.key) = 'integer' AND typeof(p.key) = 'integer'
          AND c.targets ->> (p.fullkey || '.oldValue') IS NOT c.targets ->> (p.fullkey || '.newValue')) AS differences,
       display_summary
FROM changes AS c
ORDER BY event_id DESC;
