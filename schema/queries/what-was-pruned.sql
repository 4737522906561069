-- What did retention delete, where does each source begin by now, and how much is kept?
-- before: nothing about an earlier moment is to be found any more, but for what was still open then. NULL: nothing was deleted.
-- :customer  only this one (default: all)
SELECT c.customer, c.source, r.before, r.pruned_at, coalesce(r.records, 0) AS deleted, c.records AS kept, c.newest
FROM collections AS c
LEFT JOIN retention AS r ON r.customer = c.customer AND r.tenant_id = c.tenant_id AND r.source = c.source
WHERE c.customer LIKE coalesce(nullif(:customer, ''), '%')
UNION ALL
SELECT customer, source, before, pruned_at, records, NULL, NULL
FROM retention
WHERE source = 'mails' AND customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY 1, 2;
