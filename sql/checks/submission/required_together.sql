-- title: Indicators required together
-- severity: medium        missing_values: never_skip
-- description: An indicator is reported without others that belong to it. A status such as O, missing, is a report.
-- action: Report the other indicators too, with a value or with a status that says why there is none.
select
    g.cell.series_id, v.period_start, v.period_end, v.relation,
    string_agg(v.indicator, ', ' order by v.side) filter (where v.answers = 0 and v.is_expected)
    || if(count(*) filter (where v.answers = 0 and v.is_expected) = 1, ' is', ' are') || ' not reported, but '
    || string_agg(v.indicator, ', ' order by v.side) filter (where v.answers > 0)
    || if(count(*) filter (where v.answers > 0) = 1, ' is', ' are') as message,
    sum(greatest(v.expected - v.present, 0)) as missing,
    sum(v.expected) as expected
from relation_values as v
join staged_relations as g using (relation, compared_mission, compared, period_start, period_end)
where v.relation in (select relation from relation_sides where kind = 'required_together')
group by all
having bool_or(v.answers = 0 and v.is_expected)
