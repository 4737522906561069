-- Which sign-ins failed, from which country and with which error? Many accounts behind one row is a password spray.
-- :since     from this moment on, such as '2026-11-20' (default: the last 7 days that are kept)
-- :customer  only this one (default: all)
SELECT customer, country, CAST(error_code AS INTEGER) AS error, failure_reason, count(*) AS failures,
       count(DISTINCT coalesce(nullif(user, ''), service_principal)) AS accounts, count(DISTINCT ip) AS addresses,
       min(timestamp) AS first, max(timestamp) AS last
FROM sign_ins
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-7 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND status = 'failure'
GROUP BY customer, country, error, failure_reason
ORDER BY failures DESC;
