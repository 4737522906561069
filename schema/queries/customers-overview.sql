-- How does each customer stand: what is kept, how fresh it is, what goes wrong, which services and issues need a look?
-- :customer  only this one (default: all)
WITH fresh AS (
    SELECT customer, tenant_id, count(*) AS sources, sum(records) AS records, max(newest) AS newest,
           -- skipped: the tenant does not have that source
           iif(sum(last_success_at IS NULL AND last_status IS NOT 'skipped') > 0, 'never', min(last_success_at)) AS oldest_success,
           group_concat(source, ', ') FILTER (WHERE last_error IS NOT NULL AND last_status IS NOT 'skipped') AS failing
    FROM collections
    WHERE customer LIKE coalesce(nullif(:customer, ''), '%')
    GROUP BY customer, tenant_id
), states AS (
    SELECT tenant_id, max(last_seen) AS scanned_at FROM service_states GROUP BY tenant_id
)
SELECT f.customer, f.tenant_id, f.sources, f.records, f.newest, f.oldest_success, f.failing, s.scanned_at,
       (SELECT group_concat(r.service, ', ') FROM service_states AS r
        WHERE r.tenant_id = f.tenant_id AND r.last_seen = s.scanned_at
          AND lower(r.status) NOT IN ('serviceoperational', 'servicerestored', 'falsepositive', 'postincidentreviewpublished',
                                      'resolved', 'resolvedexternal', 'mitigated', 'mitigatedexternal')) AS in_trouble,
       (SELECT count(*) FROM service_issues AS i
        WHERE i.tenant_id = f.tenant_id AND i.is_resolved IS NOT 1) AS open_issues,
       (SELECT count(*) FROM coverage AS h WHERE h.customer = f.customer AND h.state = 'lost') AS holes
FROM fresh AS f LEFT JOIN states AS s ON s.tenant_id = f.tenant_id
ORDER BY f.failing IS NULL, f.customer;
