-- Time that was never read: lost at the service, begun and not finished, or skipped between two spans.
SELECT customer, source, part, "from", "to", state AS hole
FROM coverage
WHERE state IN ('lost', 'open')
UNION ALL
SELECT customer, source, part, before AS "from", "from" AS "to", 'never asked for' AS hole
FROM (SELECT customer, source, part, "from",
             lag("to") OVER (PARTITION BY customer, source, part ORDER BY "from") AS before
      FROM coverage)
WHERE before < "from"
ORDER BY customer, source, part, "from";
