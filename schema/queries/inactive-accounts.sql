-- Which enabled accounts has nobody signed in to for a long time, or ever? By signInActivity (which needs a P1 licence) and by the
-- sign-ins kept here, whichever is later. Accounts that are younger than that are left out.
-- :days      without a sign-in, at least (default: 90)
-- :customer  only this one (default: all)
WITH limits AS (
    SELECT unixepoch(max(newest), '-' || coalesce(nullif(:days, ''), 90) || ' days') AS second FROM collections
), accounts AS (
    SELECT customer, id, user_principal_name, display_name, mail, user_type, created,
           raw ->> '$.assignedLicenses[0].skuId' AS licence,
           -- Attempts, sign-ins without the user's presence, and successes are told apart there, and each may be missing.
           nullif(max(coalesce(last_sign_in, ''), coalesce(raw ->> '$.signInActivity.lastNonInteractiveSignInDateTime', ''),
                      coalesce(raw ->> '$.signInActivity.lastSuccessfulSignInDateTime', '')), '') AS last_sign_in
    FROM users
    WHERE customer LIKE coalesce(nullif(:customer, ''), '%') AND removed_at IS NULL AND account_enabled IS NOT 0
)
SELECT customer, user_principal_name, display_name, user_type, created, last_sign_in, licence IS NOT NULL AS licensed, id
FROM accounts
WHERE (last_sign_in IS NULL OR unixepoch(last_sign_in) < (SELECT second FROM limits))
  AND (created IS NULL OR unixepoch(created) < (SELECT second FROM limits))
  AND NOT EXISTS ( -- a guest signs in under the mail address
      SELECT 1 FROM events AS e
      WHERE e.actor_display IN (accounts.user_principal_name, accounts.mail) AND e.customer = accounts.customer
        AND e.event_id >= (SELECT second FROM limits) << 20 AND e.source = 'sign-ins' AND e.result = 'success')
ORDER BY last_sign_in, created;
