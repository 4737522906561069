-- Which incidents and advisories are open, and what was last said of each? Incidents first. An issue is over when Microsoft says
-- that it is resolved, whatever its dates are.
-- :service   the name of a service in any case, or a pattern (default: all)
-- :customer  only this one (default: all)
SELECT i.customer, i.id, i.classification, i.service, i.status, i.title, i.start, i.last_modified,
       i.raw ->> '$.impactDescription' AS impact,
       (SELECT p.value ->> '$.description.content' FROM json_each(i.raw, '$.posts') AS p WHERE p.type = 'object'
        ORDER BY p.value ->> '$.createdDateTime' DESC, p.key DESC LIMIT 1) AS last_post
FROM service_issues AS i
WHERE i.is_resolved IS NOT 1 AND coalesce(i.service, '') LIKE coalesce(nullif(:service, ''), '%')
  AND i.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY i.classification = 'incident' COLLATE NOCASE DESC, i.last_modified DESC, i.customer, i.id;
