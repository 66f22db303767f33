"""What staff are told where a page of the register is refused: with a way back."""

from tests.agenda.test_refused import button
from tests.conftest import Running
from tests.directory.desk import COORDINATOR
from tests.signing import session_of

REFUSED = [
    ("/katalog/radgivare/ingen", 404, "/katalog"),
    ("/katalog/intet", 404, "/katalog"),
    ("/katalog/historik?fore=foo", 422, "/katalog"),
    ("/katalog/kommuner/ny", 403, "/katalog"),
    ("/katalog/a/b/c/d", 404, "/katalog"),
    ("/intet", 404, "/katalog"),
]


async def test_the_register_refuses_with_a_way_back(directory: Running) -> None:
    headers = session_of(directory, COORDINATOR, Accept="text/html")
    for path, status, back in REFUSED:
        answer = await directory.http.get(path, headers=headers)
        assert answer.status_code == status, path
        assert 'aria-label="Sidor för personal"' in answer.text, path
        assert button(answer.text) == back, path
