-- kpi: women_leadership_change_ratio
-- title: Change in the share of women in senior leadership
-- title_fr: Variation de la part des femmes parmi les hauts responsables
-- short_title: Change in women in senior leadership
-- short_title_fr: Variation des femmes hautes responsables
-- description: Share of women in senior mission leadership compared with the newest earlier observation, relative to it; 0.28 is 28 % more, not percentage points. The two periods need not adjoin.
-- description_fr: Part des femmes parmi les hauts responsables des missions comparée à l’observation antérieure la plus récente, en valeur relative ; 0,28 correspond à 28 % de plus, et non à des points de pourcentage. Les deux périodes ne se suivent pas forcément.
-- unit: ratio  better: higher  priority: women_peace_and_security
-- labels: mission
-- inputs: women_in_senior_leadership_ratio
with held as (
    select mission, period_end, value
    from latest
    where indicator = 'women_in_senior_leadership_ratio'
        and mission = 'ALL'
        and value is not null
),
-- `changes` has no row for two windows that do not adjoin; the earlier one may be any that ended before.
earlier as (
    select h.mission, h.value, o.value as earlier_value
    from held as h
    join observations as o on o.mission = h.mission and o.period_end < h.period_end
    where o.indicator = 'women_in_senior_leadership_ratio'
    qualify row_number() over (partition by h.mission order by o.period_end desc, o.period_start desc) = 1
),
figures as (
    select mission, (value - earlier_value) / nullif(earlier_value, 0) as value
    from earlier
)
select mission, value
from figures
where value is not null
