-- Which time was never read: lost at the service, begun and not finished, or skipped between two spans?
-- :customer  only this one (default: all)
SELECT customer, source, part, "from", "to", state AS hole
FROM coverage
WHERE state IN ('lost', 'open') AND customer LIKE coalesce(nullif(:customer, ''), '%')
UNION ALL
SELECT customer, source, part, before AS "from", "from" AS "to", 'never asked for' AS hole
FROM (SELECT customer, source, part, "from",
             lag("to") OVER (PARTITION BY customer, source, part ORDER BY "from") AS before
      FROM coverage)
WHERE before < "from" AND customer LIKE coalesce(nullif(:customer, ''), '%')
ORDER BY customer, source, part, "from";
