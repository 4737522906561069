-- When was service health not known, because no scan went well for longer than usual?
-- A gap that has no "to" still lasts: its minutes count up to the last run of anything for that customer.
-- :since     gaps that lasted at this moment or later, such as '2026-11-20' (default: the last 30 days that are kept)
-- :minutes   between two good scans, more than this many (default: 30)
-- :customer  only this one (default: all)
WITH scans AS ( -- each with the number of good ones so far: a good scan and the failed ones after it have the same
    SELECT customer, tenant_id, at, ok, error, sum(ok) OVER (PARTITION BY tenant_id ORDER BY at) AS n
    FROM health_scans
    WHERE customer LIKE coalesce(nullif(:customer, ''), '%')
), stretches AS (
    SELECT customer, tenant_id, min(at) AS "from", count(*) - sum(ok) AS failed, max(at) AS last_at,
           error AS last_error -- of the last scan
    FROM scans GROUP BY tenant_id, n
), gaps AS (
    SELECT customer, tenant_id, "from", lead("from") OVER (PARTITION BY tenant_id ORDER BY "from") AS "to", failed,
           last_error
    FROM stretches
), told AS (
    SELECT *, coalesce("to", (SELECT max(c.last_run_at) FROM collections AS c WHERE c.tenant_id = gaps.tenant_id)) AS known_to
    FROM gaps
)
SELECT customer, "from", "to", (unixepoch(known_to) - unixepoch("from")) / 60 AS minutes, failed AS failed_scans, last_error
FROM told
WHERE unixepoch(known_to) - unixepoch("from") > 60 * CAST(coalesce(nullif(:minutes, ''), 30) AS REAL)
  AND unixepoch(known_to) >= coalesce(unixepoch(:since), (SELECT unixepoch(max(last_seen), '-30 days') FROM service_states), 0)
ORDER BY "from" DESC, customer;
