-- Which applications and managed identities signed in as themselves, from where, and with which kind of credential?
-- An address that is new to an application, or failures, are worth a look. (Collected only where sign_in_types asks for them.)
-- :since     from this moment on, such as '2026-11-20' (default: the last 7 days that are kept)
-- :customer  only this one (default: all)
SELECT customer, service_principal, app_id, ip, country, resource, raw ->> '$.clientCredentialType' AS credential,
       count(*) FILTER (WHERE status = 'success') AS successes, count(*) FILTER (WHERE status <> 'success') AS failures,
       min(timestamp) AS first, max(timestamp) AS last
FROM sign_ins
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-7 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND coalesce(user, '') = '' AND service_principal <> ''
GROUP BY customer, service_principal, app_id, ip, country, resource, credential
ORDER BY first DESC;
