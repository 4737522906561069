-- Everything one account did, newest first: put its address (any case) in place of ada@example.org.
SELECT timestamp, source, operation, result, display_summary
FROM events
WHERE actor_display = 'ada@example.org'
ORDER BY event_id DESC
LIMIT 200;
