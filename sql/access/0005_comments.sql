-- Comments on the cells of submissions, for both sides. The newest row of a cell with a follow_up that is not null is its flag.
create table submission_comments (
    comment_id integer primary key,
    submission_id integer not null references submissions (submission_id),
    indicator text not null,
    -- {dimension: value} as JSON, by name.
    dimensions text not null,
    period_start text not null,
    period_end text not null,
    by text not null collate nocase,
    at text not null,
    text text not null,
    follow_up text check (follow_up in ('set', 'cleared'))
) strict;
create index comments_by_submission on submission_comments (submission_id, comment_id);

create trigger submission_comments_are_not_changed before update on submission_comments
begin
    select raise(abort, 'comments on submissions are never changed');
end;
create trigger submission_comments_are_not_deleted before delete on submission_comments
begin
    select raise(abort, 'comments on submissions are never deleted');
end;
