-- How late do events come, by source: in seconds from when they happened to when they were stored?
-- Only what happened after the source had first been read in the period counts: a first import of a month is not late.
-- :since     from this moment on, such as '2026-11-20' (default: the last 7 days that are kept)
-- :customer  only this one (default: all)
WITH period AS (
    SELECT customer, source, unixepoch(timestamp) AS happened, unixepoch(first_seen) AS stored FROM events
    WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-7 days') FROM collections)) << 20
      AND customer LIKE coalesce(nullif(:customer, ''), '%') AND timestamp IS NOT NULL
), first AS (
    SELECT customer, source, min(stored) AS stored FROM period GROUP BY customer, source
), late AS (
    SELECT p.customer, p.source, max(p.stored - p.happened, 0) AS seconds,
           100 * row_number() OVER (PARTITION BY p.customer, p.source ORDER BY p.stored - p.happened) AS place,
           count(*) OVER (PARTITION BY p.customer, p.source) AS events
    FROM period AS p JOIN first AS f ON f.customer = p.customer AND f.source = p.source
    WHERE p.happened >= f.stored
)
SELECT customer, source, events, min(seconds) FILTER (WHERE place >= 50 * events) AS half_within,
       min(seconds) FILTER (WHERE place >= 95 * events) AS "95_percent_within",
       min(seconds) FILTER (WHERE place >= 99 * events) AS "99_percent_within", max(seconds) AS latest
FROM late
GROUP BY customer, source
ORDER BY customer, source;
