-- Missions without an approved plan or an impact assessment
select mission, max(value) filter (indicator = 'mission_plan_approved') as plan,
    max(value) filter (indicator = 'cpas_impact_assessment') as assessment
from latest
where indicator in ('mission_plan_approved', 'cpas_impact_assessment')
group by mission
having plan = 0 or assessment = 0 or plan is null or assessment is null
order by mission;
