-- Which accounts signed in from two countries within a few hours? Candidates only: VPNs, mobile networks and wrong geography do
-- that too. Being asked for the second factor counts, as the password was right.
-- :since     from this moment on, such as '2026-11-20' (default: the last 7 days that are kept)
-- :hours     between the two, at most (default: 4)
-- :customer  only this one (default: all)
WITH steps AS (
    SELECT customer, user, timestamp, country, city, ip, app, status,
           lag(timestamp) OVER one AS timestamp_before, lag(country) OVER one AS country_before,
           lag(city) OVER one AS city_before, lag(ip) OVER one AS ip_before
    FROM sign_ins
    WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-7 days') FROM collections)) << 20
      AND customer LIKE coalesce(nullif(:customer, ''), '%')
      AND user <> '' AND country <> '' AND status IN ('success', 'interrupted')
    WINDOW one AS (PARTITION BY customer, user ORDER BY timestamp)
)
SELECT customer, user, timestamp_before, country_before, city_before, ip_before, timestamp, country, city, ip,
       round((julianday(timestamp) - julianday(timestamp_before)) * 24, 1) AS hours, app, status
FROM steps
WHERE country <> country_before
  AND (julianday(timestamp) - julianday(timestamp_before)) * 24 <= CAST(coalesce(nullif(:hours, ''), 4) AS REAL)
ORDER BY timestamp DESC;
