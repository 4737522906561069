-- What did an issue say, and when? Every body of it that was received, oldest first; Microsoft edits issues in place.
-- :issue     the id of the issue in any case, such as EX123456 (default: the one that changed last)
-- :customer  only this one (default: all)
WITH issues AS (
    SELECT issue_id, customer, id, coalesce(changed_at, first_seen) AS received_at, raw FROM service_issues
    WHERE customer LIKE coalesce(nullif(:customer, ''), '%')
      AND id = coalesce(nullif(:issue, ''),
                        (SELECT id FROM service_issues WHERE customer LIKE coalesce(nullif(:customer, ''), '%')
                         ORDER BY changed_at DESC, last_modified DESC LIMIT 1)) COLLATE NOCASE
), bodies AS (
    SELECT i.customer, i.id, v.stored_at AS received_at, v.replaced_at, v.seq, v.raw
    FROM issues AS i JOIN issue_versions AS v ON v.issue_id = i.issue_id
    UNION ALL
    SELECT customer, id, received_at, NULL, NULL, raw FROM issues
)
SELECT customer, id, received_at, replaced_at, raw ->> '$.lastModifiedDateTime' AS last_modified, raw ->> '$.status' AS status,
       raw ->> '$.isResolved' AS resolved, raw ->> '$.endDateTime' AS "end", raw ->> '$.title' AS title,
       coalesce(json_array_length(raw, '$.posts'), 0) AS posts,
       (SELECT p.value ->> '$.description.content' FROM json_each(raw, '$.posts') AS p WHERE p.type = 'object'
        ORDER BY p.value ->> '$.createdDateTime' DESC, p.key DESC LIMIT 1) AS last_post, raw
FROM bodies
ORDER BY customer, id, seq IS NULL, seq;
