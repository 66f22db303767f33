"""Access tokens of programs and of people: which ones speak for somebody here."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.util import urlsafe_b64encode

from kit.access import NotSignedIn
from kit.oidc import Provider, ProviderUnreachable
from tests.oidc import provider
from tests.oidc.conftest import Ahead, samtid
from tests.oidc.provider import API, REDIRECT, OpenId
from tests.oidc.test_provider import claims_of, told, unsigned, with_another_persons_claims, without_its_signature


async def test_a_program_is_known_by_its_token(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    token = await openid.access_token(browser)
    assert told(await samtid(openid, ahead).bearer(token)) == ("samtid", None)
    assert (await samtid(openid, ahead, identity_claim="employeeHsaId").bearer(token)).value == "SE-samtid"


async def test_a_token_has_its_time(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    us, token = samtid(openid, ahead), await openid.access_token(browser)
    ahead.by = timedelta(minutes=59)
    await us.bearer(token)
    ahead.by = timedelta(minutes=62)
    with pytest.raises(NotSignedIn):
        await us.bearer(token)


async def test_a_token_for_another_api_is_refused(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    token = await openid.access_token(browser, audience="urn:another:api")
    with pytest.raises(NotSignedIn):
        await samtid(openid, ahead).bearer(token)
    assert (await samtid(openid, ahead, audience="urn:another:api").bearer(token)).value == "samtid"


async def test_without_an_audience_no_token_is_taken(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    token = await openid.access_token(browser)
    with pytest.raises(NotSignedIn):
        await samtid(openid, ahead, audience=None).bearer(token)


async def test_a_token_of_another_issuer_is_refused_though_it_has_the_same_keys(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, tmp_path: Any
) -> None:
    with provider.openid(openid.keys, tmp_path / "openid.log") as elsewhere:
        token = await elsewhere.access_token(browser)
        assert (await samtid(elsewhere, ahead).bearer(token)).value == "samtid"
    with pytest.raises(NotSignedIn):
        await samtid(openid, ahead).bearer(token)


async def test_an_id_token_is_no_access_token(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    tokens: list[str] = []
    openid.change = lambda _, document: (tokens.append(document.get("id_token")), document)[1]
    us = samtid(openid, ahead)
    url, pending = await us.leave(REDIRECT)
    await us.arrive(httpx.URL(await openid.log_in(browser, url, "asa")).params, pending, REDIRECT)
    with pytest.raises(NotSignedIn):
        await us.bearer(next(token for token in tokens if token))


async def test_the_assurance_level_holds_for_tokens_too(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    token = await openid.access_token(browser)
    with pytest.raises(NotSignedIn):
        await samtid(openid, ahead, acr=["loa3"]).bearer(token)
    proved = jwt.encode({"alg": "ES256", "kid": "first-ec"}, {**claims_of(token), "acr": "loa3"}, openid.keys[1])
    assert told(await samtid(openid, ahead, acr=["loa3"]).bearer(proved)) == ("samtid", "loa3")


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "sub"])
async def test_a_token_lacks_nothing(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, missing: str) -> None:
    claims = claims_of(await openid.access_token(browser))
    del claims[missing]
    token = jwt.encode({"alg": "RS256", "kid": "first-rsa"}, claims, openid.keys[0])
    with pytest.raises(NotSignedIn):
        await samtid(openid, ahead).bearer(token)


@pytest.mark.parametrize(
    "forge", [unsigned, without_its_signature, with_another_persons_claims], ids=lambda forge: forge.__name__
)
async def test_a_forged_token_is_refused(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, forge: Callable[[str], str]
) -> None:
    token = await openid.access_token(browser)
    with pytest.raises(NotSignedIn):
        await samtid(openid, ahead).bearer(forge(token))


async def test_a_key_of_another_kind_than_the_algorithm_is_refused(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    claims = claims_of(await openid.access_token(browser))
    header = urlsafe_b64encode(json.dumps({"alg": "ES256", "kid": "first-rsa"}).encode()).decode()
    signed = jwt.encode({"alg": "ES256"}, claims, openid.keys[1]).split(".")
    with pytest.raises(NotSignedIn):
        await samtid(openid, ahead).bearer(".".join([header, *signed[1:]]))


async def test_a_provider_that_is_away_is_no_reason_to_call_a_token_false(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    token = await openid.access_token(browser)
    openid.stop()
    try:
        with pytest.raises(ProviderUnreachable):
            await samtid(openid, ahead).bearer(token)
    finally:
        openid.start()


@pytest.fixture
def us(openid: OpenId, ahead: Ahead) -> Provider:
    return samtid(openid, ahead)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(["RS256", "ES256", "none"]) | json_values},
    optional={name: st.just("first-rsa") | json_values for name in ("kid", "typ", "crit", "jwk", "b64", "x5c")},
)
encoded = (headers | json_values).map(lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode())
tokens = st.text(max_size=60) | st.lists(encoded | st.text(max_size=10), min_size=1, max_size=4).map(".".join)


@given(token=tokens)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_text_but_a_token_speaks_for_anybody(us: Provider, token: str) -> None:
    with pytest.raises(NotSignedIn):
        await us.bearer(token)


@given(claims=st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "acr", "aud", "iss", "sub"]), json_values))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_claims_of_another_kind_speak_for_anybody(
    openid: OpenId, ahead: Ahead, us: Provider, claims: dict[str, Any]
) -> None:
    known = {"iss": openid.issuer, "aud": API, "sub": "asa", "iat": 1, **claims}
    token = jwt.encode({"alg": "ES256", "kid": "first-ec"}, known, openid.keys[1])
    try:
        identity = await us.bearer(token)
    except NotSignedIn:
        return
    assert claims["exp"] > ahead().timestamp() - 60
    assert identity.value == known["sub"]
    assert API in known["aud"]
    assert known["iss"] == openid.issuer
