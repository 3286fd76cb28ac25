-- The one row is whether a value of a file has a comma, and whether one has a point.
select
    coalesce(bool_or(regexp_full_match("OBS_VALUE", '[-+]?\d*,\d+')), false) as has_comma,
    coalesce(bool_or(contains("OBS_VALUE", '.')), false) as has_point
from sdmx_rows
where not is_deletion
