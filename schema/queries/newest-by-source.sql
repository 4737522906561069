-- How fresh is each source of each customer: newest record, last good run, and what went wrong since?
-- :customer  only this one (default: all)
SELECT customer, source, records, newest, last_success_at, last_error_at, last_error
FROM collections
WHERE customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY newest;
