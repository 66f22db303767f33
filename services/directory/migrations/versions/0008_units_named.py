"""Who answers for families is named for each municipality of an offering: until it is changed, as it was until now.

Where that names any, an epoch of the register begins, so that readers are told.
"""

from kit import migrations

revision = "0008"
down_revision = "0007"

NAMED = """
with named as (
update entity o
set data = jsonb_set(o.data, '{units}', (
    select jsonb_object_agg(given.code, o.data->>'unit')
    from jsonb_array_elements_text(o.data->'municipalities') as given (code)
    where not exists (
        select from entity u
        where u.kind = 'unit' and u.id = o.data->>'unit' and u.data->>'municipality' = given.code
    )
) || coalesce(o.data->'units', '{}'))
where o.kind = 'offering' and exists (
    select from jsonb_array_elements_text(o.data->'municipalities') as given (code)
    where not coalesce(o.data->'units', '{}') ? given.code and not exists (
        select from entity u
        where u.kind = 'unit' and u.id = o.data->>'unit' and u.data->>'municipality' = given.code
    )
) returning o.id
)
update epoch set identity = '' where exists (select from named);
"""


def upgrade() -> None:
    migrations.script(NAMED)
