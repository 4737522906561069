-- Who still signs in with a client that knows no second factor (IMAP, POP, SMTP, ActiveSync ...)? Failures are somebody trying.
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT customer, user, client_app, count(*) FILTER (WHERE status = 'success') AS successes,
       count(*) FILTER (WHERE status <> 'success') AS failures, group_concat(DISTINCT country) AS countries,
       count(DISTINCT ip) AS addresses, min(timestamp) AS first, max(timestamp) AS last
FROM sign_ins
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND lower(client_app) IN (
      'authenticated smtp', 'autodiscover', 'exchange activesync', 'exchange online powershell', 'exchange web services', 'imap',
      'imap4', 'mapi over http', 'offline address book', 'other clients', 'outlook anywhere (rpc over http)', 'pop', 'pop3',
      'reporting web services', 'smtp')
GROUP BY customer, user, client_app
ORDER BY successes DESC, failures DESC;
