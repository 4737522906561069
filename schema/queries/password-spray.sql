-- Which addresses tried passwords on many accounts, and whose password did they find? Signing in, or being asked for the second
-- factor, takes the password.
-- :since     from this moment on, such as '2026-11-20' (default: the last 7 days that are kept)
-- :accounts  tried in vain from one address, at least (default: 10)
-- :customer  only this one (default: all)
WITH attempts AS (
    SELECT customer, ip, country, user, timestamp, status <> 'failure' AS known,
           -- wrong password, locked, no such account, expired, no password at all, disabled
           CAST(error_code AS INTEGER) IN (50126, 50053, 50034, 50055, 50056, 50057) AS tried
    FROM sign_ins
    WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-7 days') FROM collections)) << 20
      AND customer LIKE coalesce(nullif(:customer, ''), '%')
      AND ip <> '' AND user <> ''
)
SELECT ip, max(country) AS country, group_concat(DISTINCT customer) AS customers,
       count(DISTINCT user) FILTER (WHERE tried) AS accounts_tried,
       count(*) FILTER (WHERE tried) AS failures,
       count(DISTINCT user) FILTER (WHERE known) AS passwords_known,
       group_concat(DISTINCT user) FILTER (WHERE known) AS known_of,
       min(timestamp) FILTER (WHERE tried) AS first, max(timestamp) FILTER (WHERE tried) AS last
FROM attempts
GROUP BY ip
HAVING accounts_tried >= CAST(coalesce(nullif(:accounts, ''), 10) AS INTEGER)
ORDER BY accounts_tried DESC;
