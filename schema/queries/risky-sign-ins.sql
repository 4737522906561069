-- Which sign-ins did Microsoft find risky, and what became of it? Needs an Entra ID P2 licence: without one the risk is 'hidden'.
-- :since     from this moment on, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT timestamp, customer, coalesce(user, service_principal) AS account, status, risk, risk_aggregated, risk_state,
       coalesce(raw -> '$.riskEventTypes_v2', raw -> '$.riskEventTypes') AS why, country, city, ip, app, conditional_access
FROM sign_ins
WHERE event_id >= coalesce(unixepoch(:since), (SELECT unixepoch(max(newest), '-30 days') FROM collections)) << 20
  AND customer LIKE coalesce(nullif(:customer, ''), '%')
  AND (lower(risk) IN ('low', 'medium', 'high') OR lower(risk_aggregated) IN ('low', 'medium', 'high')
       OR lower(risk_state) IN ('atrisk', 'confirmedcompromised'))
ORDER BY event_id DESC;
