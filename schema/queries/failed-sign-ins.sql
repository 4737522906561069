-- Sign-ins that failed since a day, by country and error: many accounts behind one row is a password spray.
SELECT country, error_code, failure_reason, count(*) AS failures, count(DISTINCT user) AS accounts,
       min(timestamp) AS first, max(timestamp) AS last
FROM sign_ins
WHERE timestamp >= '2026-11-20' AND status = 'failure'
GROUP BY country, error_code, failure_reason
ORDER BY failures DESC;
