"""Who answers for families is named for each municipality of an offering: until it is changed, as it was until now."""

from kit import migrations

revision = "0019"
down_revision = "0018"

NAMED = """
update directory_copy o
set data = jsonb_set(o.data, '{units}', (
    select jsonb_object_agg(given.code, o.data->>'unit')
    from jsonb_array_elements_text(o.data->'municipalities') as given (code)
    where not exists (
        select from directory_copy u
        where u.kind = 'unit' and u.id = o.data->>'unit' and u.data->>'municipality' = given.code
    )
) || coalesce(o.data->'units', '{}'))
where o.kind = 'offering' and exists (
    select from jsonb_array_elements_text(o.data->'municipalities') as given (code)
    where not coalesce(o.data->'units', '{}') ? given.code and not exists (
        select from directory_copy u
        where u.kind = 'unit' and u.id = o.data->>'unit' and u.data->>'municipality' = given.code
    )
);
"""


def upgrade() -> None:
    migrations.script(NAMED)
