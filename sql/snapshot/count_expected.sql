-- The number of missions that a total of $kpi would cover if all had reported: missions expected and open at the end of its
-- period, except those for which an input is not applicable.
if(
    missions is null,
    null,
    len(list_distinct(list_concat(missions, (
        select list(e.mission)
        from kpi_expected as e
        where e.kpi = $kpi
            and is_open_on(e.status, e.opened_on, e.closed_on, (
                select max(p.period_end)
                from latest as p
                where p.value is not null and p.mission <> 'ALL'
                    and p.indicator in (select unnest(k.inputs) from kpi_expected as k where k.kpi = $kpi)
            ))
            and e.mission not in (
                select l.mission
                from latest as l
                where l.status = 'M' and l.indicator in (select unnest(k.inputs) from kpi_expected as k where k.kpi = $kpi)
            )
    ))))
)::integer
