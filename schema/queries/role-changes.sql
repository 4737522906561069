-- Who gave or took a directory role, newest first, with the role and the account.
SELECT timestamp, actor_display, operation, result, target_displays, display_summary
FROM events
WHERE operation IN ('Add member to role', 'Add eligible member to role', 'Add scoped member to role',
                    'Add member to role completed (PIM activation)', 'Add member to role in PIM completed (permanent)',
                    'Remove member from role', 'Remove eligible member from role', 'Remove scoped member from role')
ORDER BY event_id DESC;
