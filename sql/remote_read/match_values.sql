-- A row is whether a value matches a pattern as Prometheus anchors it (RE2; since 3.0 a dot matches a line feed too).
select regexp_matches(unnest($values::varchar[]), '^(?s:' || $pattern || ')$') as is_match
