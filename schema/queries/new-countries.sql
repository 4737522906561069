-- Which accounts signed in from a country that they had never come from before? Only accounts that had signed in before count.
-- :since     from this moment on, such as '2026-11-20' (default: the last 7 days that are kept)
-- :customer  only this one (default: all)
WITH recent AS (
    SELECT customer, user, country, min(event_id) AS event_id, count(*) AS sign_ins, group_concat(DISTINCT ip) AS addresses
    FROM sign_ins
    WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-7 days') FROM collections)) << 20
      AND customer LIKE coalesce(nullif(:customer, ''), '%')
      AND user <> '' AND country <> '' AND status IN ('success', 'interrupted')
    GROUP BY customer, user, country
), new AS (
    SELECT * FROM recent
    WHERE NOT EXISTS ( -- by the index on who did it
        SELECT 1 FROM events AS b
        WHERE b.actor_display = recent.user AND b.event_id < recent.event_id AND b.customer = recent.customer
          AND b.source = 'sign-ins' AND b.result IN ('success', 'interrupted')
          AND b.raw ->> '$.location.countryOrRegion' = recent.country)
), placed AS (
    SELECT new.*, (SELECT group_concat(DISTINCT b.raw ->> '$.location.countryOrRegion') FROM events AS b
                   WHERE b.actor_display = new.user AND b.event_id < new.event_id AND b.customer = new.customer
                     AND b.source = 'sign-ins' AND b.result IN ('success', 'interrupted')) AS countries_before
    FROM new
)
SELECT e.timestamp, p.customer, p.user, p.country, p.sign_ins, p.addresses, p.countries_before, e.display_summary
FROM placed AS p JOIN events AS e ON e.event_id = p.event_id
WHERE p.countries_before IS NOT NULL
ORDER BY p.event_id DESC;
