-- What is the status of each service, as the last good scan saw it, since when, and how many of its issues are open?
-- Services that are not operational come first. A run of scans begins anew after a gap: seen_since may be later than the trouble.
-- :customer  only this one (default: all)
WITH last AS (
    SELECT customer, tenant_id, max(last_seen) AS scanned_at FROM service_states
    WHERE customer LIKE coalesce(nullif(:customer, ''), '%') GROUP BY customer, tenant_id
)
SELECT s.customer, s.service AS id, o.service, s.status, s.first_seen AS seen_since, l.scanned_at,
       (SELECT count(*) FROM service_issues AS i
        WHERE i.tenant_id = s.tenant_id AND i.service = o.service AND i.is_resolved = 0) AS open_issues,
       (SELECT n.last_error FROM collections AS n WHERE n.tenant_id = s.tenant_id AND n.source = 'health') AS last_error
FROM last AS l JOIN service_states AS s ON s.tenant_id = l.tenant_id AND s.last_seen = l.scanned_at
LEFT JOIN service_overviews AS o ON o.tenant_id = s.tenant_id AND o.id = s.service
ORDER BY s.status = 'serviceOperational' COLLATE NOCASE, s.customer, s.service;
