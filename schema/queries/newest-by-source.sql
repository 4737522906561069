-- How fresh each source of each customer is: newest record, last good run, and what went wrong since.
SELECT customer, source, records, newest, last_success_at, last_error_at, last_error
FROM collections
ORDER BY newest;
