-- The identity of a user at the OpenID provider; a name can be given to another person there, this cannot.
alter table users add column issuer text;
alter table users add column subject text;
create unique index users_by_subject on users (issuer, subject) where subject is not null;
