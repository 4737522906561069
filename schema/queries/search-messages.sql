-- Which announcements hold these words? Last modified first, with the place where they were found.
-- :words     as for m365keep search: all must occur, as whole words; with any of " * ( ) in it, SQLite's own FTS5 syntax:
--            "basic authentication" (a phrase), retir*, teams OR outlook (default: retire)
-- :customer  only this one (default: all)
WITH query AS (
    SELECT CASE WHEN :words GLOB '*["*()]*' THEN :words
                -- Each word in quotes of its own: addresses and GUIDs are phrases to FTS5.
                ELSE (SELECT group_concat('"' || value || '"', ' ')
                      FROM json_each('[' || replace(json_quote(coalesce(nullif(:words, ''), 'retire')), ' ', '","') || ']')
                      WHERE value <> '')
           END AS words
)
SELECT m.last_modified, m.customer, m.id, m.category, m.severity, m.action_required_by, m.title,
       snippet(message_fts, 0, '>', '<', ' ... ', 16) AS found
FROM message_fts CROSS JOIN service_messages AS m
WHERE message_fts MATCH 'text: (' || (SELECT words FROM query) || ')'
  AND m.message_id = message_fts.rowid AND m.customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY m.last_modified DESC, m.customer, m.id
LIMIT 200;
