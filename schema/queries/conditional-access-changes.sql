-- Who changed conditional access, named locations, security defaults or the ways to sign in, and what exactly is different now?
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
WITH changes AS (
    SELECT event_id, timestamp, customer, operation, result, actor_display AS by_whom, actor ->> '$.user.ipAddress' AS ip,
           targets ->> '$[0].displayName' AS policy, targets, display_summary
    FROM events
    WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
      AND customer LIKE coalesce(nullif(:customer, ''), '%')
      AND operation IN (
          'Add conditional access policy', 'Update conditional access policy', 'Delete conditional access policy', 'Add policy',
          'Added policy', 'Update policy', 'Delete policy', 'Add named location', 'Update named location',
          'Delete named location', 'Update security defaults', 'Update authorization policy',
          'Authentication Methods Policy Update', 'Authentication Methods Policy Reset',
          'Update authentication methods policy')
), properties AS ( -- before and after, as the text that Microsoft writes: usually JSON
    SELECT c.event_id, c.targets ->> (p.fullkey || '.displayName') AS name, c.targets ->> (p.fullkey || '.oldValue') AS before,
           c.targets ->> (p.fullkey || '.newValue') AS after
    FROM changes AS c, json_each(c.targets, '$[0].modifiedProperties') AS p
    WHERE typeof(p.key) = 'integer'
), sides AS (
    SELECT event_id, name, 'before' AS side, before AS text FROM properties WHERE before IS NOT NULL
    UNION ALL
    SELECT event_id, name, 'after', after FROM properties WHERE after IS NOT NULL
), places AS (
    SELECT s.event_id, s.name, t.fullkey AS place,
           max(iif(t.type IN ('true', 'false', 'null'), t.type, t.atom)) FILTER (WHERE s.side = 'before') AS before,
           max(iif(t.type IN ('true', 'false', 'null'), t.type, t.atom)) FILTER (WHERE s.side = 'after') AS after
    FROM sides AS s,
         json_tree(CASE WHEN NOT json_valid(s.text) THEN json_quote(s.text)
                        -- a list of one text that is JSON itself
                        WHEN json_type(s.text, '$[0]') = 'text' AND json_valid(s.text ->> '$[0]') THEN s.text ->> '$[0]'
                        ELSE s.text END) AS t
    WHERE t.type NOT IN ('object', 'array') AND lower(t.key) IS NOT 'modifieddatetime'
      AND s.name IS NOT 'Included Updated Properties'
    GROUP BY s.event_id, s.name, place
)
SELECT timestamp, customer, operation, result, by_whom, ip, policy,
       (SELECT group_concat(coalesce(name, '?') || ' ' || place || ': ' || coalesce(before, 'nothing') || ' -> '
                            || coalesce(after, 'nothing'), '; ')
        FROM places WHERE places.event_id = changes.event_id AND before IS NOT after) AS differences,
       display_summary
FROM changes
ORDER BY event_id DESC;
