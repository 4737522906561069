-- Where do these words occur? Newest first, with the place where they were found.
-- :words     as for m365keep search: all must occur, as whole words; with any of " * ( ) in it, SQLite's own FTS5 syntax:
--            "reset password" (a phrase), alic*, ada OR bob (default: password)
-- :customer  only this one (default: all)
WITH query AS (
    SELECT CASE WHEN :words GLOB '*["*()]*' THEN :words
                -- Each word in quotes of its own: addresses and GUIDs are phrases to FTS5.
                ELSE (SELECT group_concat('"' || value || '"', ' ')
                      FROM json_each('[' || replace(json_quote(coalesce(nullif(:words, ''), 'password')), ' ', '","') || ']')
                      WHERE value <> '')
           END AS words
)
SELECT e.timestamp, e.customer, e.source, e.operation, e.result, e.actor_display,
       snippet(event_fts, 0, '>', '<', ' ... ', 16) AS found, e.event_id
FROM event_fts CROSS JOIN events AS e
WHERE event_fts MATCH 'text: (' || (SELECT words FROM query) || ')'
  AND e.event_id = event_fts.rowid AND e.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY event_fts.rowid DESC
LIMIT 200;
