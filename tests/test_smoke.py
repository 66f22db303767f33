from tests.conftest import Run


async def test_consent_is_ready(run: Run) -> None:
    async with run("consent") as consent:
        answer = await consent.http.get("/consent/readyz")
        assert answer.json() == {"status": "ready"}
