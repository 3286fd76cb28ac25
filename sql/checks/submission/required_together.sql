-- title: Indicators required together
-- severity: medium        missing_values: never_skip
-- description: An indicator is reported without others that belong to it. A status such as O, missing, is a report.
-- action: Report the other indicators too, with a value or with a status that says why there is none.
select
    series_id, period_start, period_end, relation,
    string_agg(indicator, ', ' order by side) filter (where answers = 0 and is_expected)
    || if(count(*) filter (where answers = 0 and is_expected) = 1, ' is', ' are') || ' not reported, but '
    || string_agg(indicator, ', ' order by side) filter (where answers > 0)
    || if(count(*) filter (where answers > 0) = 1, ' is', ' are') as message,
    sum(greatest(expected - present, 0)) as missing,
    sum(expected) as expected
from relation_values
where kind = 'required_together'
group by number, series_id, period_start, period_end, relation
having bool_or(answers = 0 and is_expected)
