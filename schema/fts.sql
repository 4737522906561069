-- m365keep: full text.
--
-- Ordinary FTS5 tables that keep their text: plain INSERT, DELETE and UPDATE are safe in any order. rowid is the id of the
-- base row (event.event_id, user.user_id, service_issue.issue_id, service_message.message_id). The program writes them in the
-- transaction that writes the base row; there are no triggers, so whoever deletes a row by hand deletes it here too.
--   text    what can be searched: the summary, then each distinct string or number of the record, one a line
--   facets  one token for each exact value the program filters by: two letters (cu tenant id, so source, se service, of
--           which a message may have several, op operation, re result, ac actor) and 12 hexadecimal digits of SHA-256 of the lower-case value
-- Search in the shell:  SELECT timestamp, display_summary FROM event_fts JOIN events ON event_id = event_fts.rowid
--                       WHERE event_fts MATCH 'text: alice "reset password"' ORDER BY event_fts.rowid DESC LIMIT 50;
-- automerge and crisismerge bound how long one commit can stall; hashsize is the bytes gathered before a segment is written.

CREATE VIRTUAL TABLE event_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO event_fts (event_fts, rank) VALUES ('automerge', 8), ('crisismerge', 64), ('hashsize', 16777216);

CREATE VIRTUAL TABLE user_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE issue_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE message_fts USING fts5 (text, facets, tokenize = 'unicode61 remove_diacritics 2');
