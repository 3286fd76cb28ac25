-- Dimensions as a map: from `name=value;name=value`, or from the text that DuckDB writes for a map; null for other text.
create or replace macro parse_dimensions(written) as
    case
        when written is null or trim(written) = '' then map([]::varchar[], []::varchar[])
        when trim(written) like '{%' then try_cast(written as map(varchar, varchar))
        when not list_bool_and(list_transform(string_split(written, ';'), lambda pair: contains(pair, '='))) then null
        when len(string_split(written, ';'))
            <> len(list_distinct(list_transform(string_split(written, ';'), lambda pair: trim(split_part(pair, '=', 1))))) then null
        else map_from_entries(list_transform(
            string_split(written, ';'),
            lambda pair: {'key': trim(split_part(pair, '=', 1)), 'value': trim(pair[instr(pair, '=') + 1:])}
        ))
    end;

-- Earlier versions had this macro.
drop macro if exists nearest_name;
