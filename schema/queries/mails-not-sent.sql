-- Which mails did not reach whom, and why? One row for each recipient; those that still wait have a next attempt.
-- unknown: the mail was handed over, but nobody knows the answer. sent_by: a later mail of the same window reached them.
-- :since     mails made at this moment or later, such as '2026-11-20' (default: the last 30 days that are kept)
-- :customer  only this one (default: all)
SELECT m.created_at, m.customer, m.kind, m."from", m."to", m.subject, r.address, r.state, m.attempts, m.next_attempt_at, r.code,
       coalesce(r.answer, iif(m.state = 'sent', NULL, m.answer)) AS why, -- else for the whole mail
       (SELECT min(later.mail_id)
        FROM mail_outbox AS later JOIN mail_recipients AS reached ON reached.mail_id = later.mail_id
        WHERE later.mail_id > m.mail_id AND later.customer IS m.customer AND later.kind = m.kind AND later."from" = m."from"
          AND later."to" = m."to" AND reached.address = r.address AND reached.state = 'sent') AS sent_by,
       m.mail_id
FROM mail_outbox AS m JOIN mail_recipients AS r ON r.mail_id = m.mail_id
WHERE r.state <> 'sent'
  AND coalesce(m.customer, '') LIKE coalesce(nullif(:customer, ''), '%')
  AND unixepoch(m.created_at) >= coalesce(unixepoch(:since), (SELECT unixepoch(max(created_at), '-30 days') FROM mail_outbox))
ORDER BY m.created_at DESC, m.mail_id DESC, r.address;
