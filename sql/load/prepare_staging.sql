-- A row of staged is one row of a file. A *_text column contains the original text if it could not be parsed.
create or replace temp table staged (
    file_ordinal integer,
    file_row bigint,
    indicator varchar,
    mission varchar,
    dimensions map(varchar, varchar),
    dimensions_text varchar,
    period_start date,
    period_start_text varchar,
    period_end date,
    period_end_text varchar,
    value double,
    value_text varchar,
    status varchar,
    source varchar,
    page varchar,
    note varchar
);

-- A row of staged_cells is a row of staged after the checks, with the staged series of its names.
create or replace temp table staged_cells (
    staged_series_id integer,
    period_start date,
    period_end date,
    value double,
    status varchar,
    source varchar,
    page varchar,
    note varchar,
    file_ordinal integer,
    file_row bigint
);

create or replace temp table staged_files (
    file_ordinal integer,
    file_name varchar,
    sha256 varchar,
    notes varchar[],
    has_sdmx_codes boolean
);

-- A row is the place of a row of staged in a file with several sheets.
create or replace temp table staged_places (
    file_ordinal integer,
    file_row bigint,
    sheet varchar,
    sheet_row bigint
);

-- An error has a fix, or an unknown name and its kind: an indicator, a mission, a dimension of an indicator, or a value of one.
create or replace temp table load_errors (
    file_ordinal integer,
    file_row bigint,
    column_name varchar,
    value varchar,
    problem varchar,
    fix varchar,
    unknown_name varchar,
    unknown_kind varchar,
    indicator varchar,
    dimension varchar
);
