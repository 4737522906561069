-- When was which service not operational, and for how long? One row for each unbroken run of scans that saw the same status.
-- minutes: from the first scan that saw it to the last; at_most: from the scan before to the one after. No next_seen: still so.
-- :since     seen at this moment or later, such as '2026-11-20' (default: the last 30 days that are kept)
-- :service   the id of a service in any case, or a pattern (default: all)
-- :customer  only this one (default: all)
WITH runs AS (
    SELECT customer, service, status, first_seen, last_seen, samples AS scans, lag(last_seen) OVER one AS before,
           lead(status) OVER one AS next_status, lead(first_seen) OVER one AS next_seen
    FROM service_states
    WHERE customer LIKE coalesce(nullif(:customer, ''), '%')
    WINDOW one AS (PARTITION BY tenant_id, service ORDER BY first_seen)
)
SELECT customer, service, status, first_seen, last_seen, (unixepoch(last_seen) - unixepoch(first_seen)) / 60 AS minutes,
       (unixepoch(next_seen) - unixepoch(coalesce(before, first_seen))) / 60 AS at_most, scans, next_seen, next_status
FROM runs
WHERE lower(status) NOT IN ('serviceoperational', 'servicerestored', 'falsepositive', 'postincidentreviewpublished', 'resolved',
                            'resolvedexternal', 'mitigated', 'mitigatedexternal')
  AND service LIKE coalesce(nullif(:service, ''), '%')
  AND unixepoch(last_seen) >= coalesce(unixepoch(:since), (SELECT unixepoch(max(last_seen), '-30 days') FROM service_states))
ORDER BY first_seen DESC, customer, service;
