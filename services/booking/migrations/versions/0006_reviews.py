"""Reviews of the log of reads, signed off. Names of units are read of the register."""

from kit import migrations

revision = "0006"
down_revision = "0005"

REVIEWS = """
create table review (
    id uuid primary key,
    at timestamptz not null,
    reviewer text not null,
    units text[] not null,
    first date not null,
    last date not null,
    staff text,
    what text,
    seed text not null,
    upto bigint not null,
    seen bigint[] not null constraint review_seen_check check (cardinality(seen) > 0),
    remark text not null
        constraint review_remark_check check (remark in ('fine', 'explained', 'follow_up', 'reported')),
    note text
);
create index review_seen_idx on review using gin (seen);

grant select, insert on review to booking_review;

alter table review enable row level security, force row level security;
create policy of_units on review for select to booking_review using (units <@ (select given_units())::text[]);
-- Nobody signs off for another, nor what the same person read.
create policy signed_off on review for insert to booking_review with check (
    reviewer = (select current_setting('samtid.staff', true))
    and cardinality(units) > 0 and units <@ (select given_units())::text[]
    and cardinality(seen) = (
        select count(*) from read_log l where l.id = any (seen) and l.unit = any (units) and l.staff <> reviewer
    )
);

-- Copies of units did not hold their name: they are stored again when the register is read anew.
update directory_copy set version = 0 where kind = 'unit';
delete from inbox where consumer = 'booking-state-directory';
"""


def upgrade() -> None:
    migrations.script(REVIEWS)
