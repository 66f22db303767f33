"""Who comes back from a real OpenID provider, and who does not, though everything else is in order."""

import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import Key, OctKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from kit.oidc import AssuranceTooLow, Identity, Pending, Provider, ProviderUnreachable, SignInFailed
from kit.refusal import Refusal
from tests.oidc import provider
from tests.oidc.conftest import Ahead, samtid
from tests.oidc.provider import BACK, REDIRECT, SECRET, OpenId


async def there_and_back(
    openid: OpenId, us: Provider, browser: httpx.AsyncClient, login: str = "asa", acr: str = ""
) -> tuple[dict[str, str], Pending]:
    url, pending = await us.leave(REDIRECT)
    back = await openid.log_in(browser, url, login, acr)
    assert back.startswith(f"{REDIRECT}?")
    return dict(httpx.URL(back).params), pending


async def sign_in(openid: OpenId, us: Provider, browser: httpx.AsyncClient, **who: str) -> Identity:
    query, pending = await there_and_back(openid, us, browser, **who)
    return await us.arrive(query, pending, REDIRECT)


def told(identity: Identity) -> tuple[str, str | None]:
    return identity.value, identity.acr


async def reason(openid: OpenId, us: Provider, browser: httpx.AsyncClient) -> str:
    """Why signing in fails, though the provider was satisfied."""
    with pytest.raises(SignInFailed) as refused:
        await sign_in(openid, us, browser)
    return refused.value.reason


def id_token(change: Callable[[str], str]) -> provider.Change:
    """A hand that changes the ID token on its way."""

    def at(path: str, document: Any) -> Any:
        return {**document, "id_token": change(document["id_token"])} if path == "/token" else document

    return at


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part.encode()))
    return claims


def signed_anew(keys: list[Key], **claims: Any) -> provider.Change:
    """What the provider said but for some claims, and signed by its own key: None leaves a claim out."""

    def change(token: str) -> str:
        changed = {name: value for name, value in {**claims_of(token), **claims}.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": keys[0].kid}, changed, keys[0])

    return id_token(change)


@pytest.mark.parametrize("client_id", ["samtid", "PS256", "ES256", "post"])
async def test_a_person_arrives(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, client_id: str) -> None:
    us = samtid(openid, ahead, client_id=client_id)
    assert told(await sign_in(openid, us, browser)) == ("asa", None)


async def test_a_public_client_needs_no_secret(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    us = samtid(openid, ahead, client_id="public", client_secret=None)
    assert (await sign_in(openid, us, browser)).value == "asa"


async def test_the_identity_is_the_claim_that_is_set(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    assert (await sign_in(openid, samtid(openid, ahead, identity_claim="employeeHsaId"), browser)).value == "SE-asa"


async def test_of_several_affiliations_the_one_with_our_organisation_counts(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    us = samtid(openid, ahead, identity_claim="orgAffiliation", organisations=["1122334455"])
    assert (await sign_in(openid, us, browser)).value == "other-asa"


@pytest.mark.parametrize(
    "settings",
    [
        {"identity_claim": "employeeNumber"},
        {"identity_claim": "orgAffiliation"},
        {"identity_claim": "orgAffiliation", "organisations": ["elsewhere"]},
        {"identity_claim": "orgAffiliation", "organisations": ["5566778899", "1122334455"]},
        {"identity_claim": "employeeHsaId", "organisations": ["5566778899"]},
    ],
    ids=["no claim", "two values", "another organisation", "two people", "no organisation"],
)
async def test_a_claim_that_names_no_one_person_is_nobody(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, settings: dict[str, Any]
) -> None:
    assert settings["identity_claim"] in await reason(openid, samtid(openid, ahead, **settings), browser)


async def test_an_assurance_level_that_suffices_is_told(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    us = samtid(openid, ahead, acr=["loa3", "loa2"])
    assert told(await sign_in(openid, us, browser, acr="loa3")) == ("asa", "loa3")


@pytest.mark.parametrize("acr", ["loa2", ""])
async def test_a_low_or_unknown_assurance_level_is_refused_until_the_person_proves_more(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, acr: str
) -> None:
    us = samtid(openid, ahead, acr=["loa3"])
    for _ in range(2):
        with pytest.raises(AssuranceTooLow):
            await sign_in(openid, us, browser, acr=acr)
    url, pending = await us.leave(REDIRECT, again=True)
    back = await openid.log_in(browser, url, "asa", "loa3")
    assert (await us.arrive(httpx.URL(back).params, pending, REDIRECT)).acr == "loa3"


@pytest.mark.parametrize("lost", ["state", "nonce", "verifier"])
async def test_who_comes_back_must_be_who_left(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, lost: str
) -> None:
    us = samtid(openid, ahead)
    query, pending = await there_and_back(openid, us, browser)
    with pytest.raises(SignInFailed) as refused:
        await us.arrive(query, replace(pending, **{lost: "x" * 43}), REDIRECT)
    assert {"state": "state", "nonce": "nonce", "verifier": "400"}[lost] in refused.value.reason


async def test_a_code_works_once(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    us = samtid(openid, ahead)
    query, pending = await there_and_back(openid, us, browser)
    await us.arrive(query, pending, REDIRECT)
    with pytest.raises(SignInFailed, match="sign-in-failed"):
        await us.arrive(query, pending, REDIRECT)


@pytest.mark.parametrize("change", [{"state": ""}, {"code": ""}, {"iss": "https://elsewhere.example"}])
async def test_an_answer_that_lacks_something_is_none(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, change: dict[str, str]
) -> None:
    us = samtid(openid, ahead)
    query, pending = await there_and_back(openid, us, browser)
    openid.asked.clear()
    for broken in ({**query, **change}, {name: value for name, value in query.items() if name not in change}):
        with pytest.raises(SignInFailed):
            await us.arrive(broken, pending, REDIRECT)
    # Nothing of it reached the provider.
    assert "/token" not in openid.asked


async def test_whoever_gives_up_at_the_provider_is_told(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    us = samtid(openid, ahead)
    query, pending = await there_and_back(openid, us, browser, login="")
    assert query["error"] == "access_denied"
    with pytest.raises(SignInFailed, match="sign-in-failed"):
        await us.arrive(query, pending, REDIRECT)


async def test_a_wrong_secret_is_no_way_in(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    assert "401" in await reason(openid, samtid(openid, ahead, client_secret="guessed"), browser)


@pytest.mark.parametrize("hours", [2, -2], ids=["expired", "not yet issued"])
async def test_a_token_has_its_time(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, hours: int) -> None:
    us = samtid(openid, ahead)
    query, pending = await there_and_back(openid, us, browser)
    ahead.by = timedelta(hours=hours)
    with pytest.raises(SignInFailed) as refused:
        await us.arrive(query, pending, REDIRECT)
    assert {2: "ExpiredTokenError exp", -2: "iat"}[hours] in refused.value.reason


async def test_a_real_token_that_was_made_for_another_client_is_refused(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    tokens: list[str] = []
    openid.change = id_token(lambda token: (tokens.append(token), token)[1])
    await sign_in(openid, samtid(openid, ahead, client_id="other"), browser)
    openid.change = id_token(lambda _: tokens[0])
    assert "aud" in await reason(openid, samtid(openid, ahead), browser)


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["samtid", "other"], "azp": "samtid"}, "aud"),
        ({"aud": None}, "aud"),
        ({"azp": "other"}, "azp"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": 7}, "sub"),
        ({"at_hash": "another"}, "at_hash"),
    ],
)
async def test_a_claim_that_is_wrong_or_missing_is_refused_though_the_issuer_signed_it(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, claims: dict[str, Any], named: str
) -> None:
    openid.change = signed_anew(openid.keys, **claims)
    assert named in await reason(openid, samtid(openid, ahead), browser)


def unsigned(token: str) -> str:
    head = urlsafe_b64encode(b'{"alg":"none"}').decode()
    return f"{head}.{token.split('.')[1]}."


def signed_with_the_secret(token: str) -> str:
    return jwt.encode({"alg": "HS256"}, claims_of(token), OctKey.import_key(SECRET))


def signed_by_a_stranger(token: str) -> str:
    header = json.loads(urlsafe_b64decode(token.split(".", 1)[0].encode()))
    return jwt.encode(header, claims_of(token), provider.new_keys("stranger")[0])


def without_its_signature(token: str) -> str:
    return token.rsplit(".", 1)[0] + "."


def with_another_persons_claims(token: str) -> str:
    head, _, tail = token.split(".")
    claims = json.dumps({**claims_of(token), "sub": "operator"}).encode()
    return f"{head}.{urlsafe_b64encode(claims).decode()}.{tail}"


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_with_the_secret,
        signed_by_a_stranger,
        without_its_signature,
        with_another_persons_claims,
        lambda _: "",
        lambda _: "a.b.c",
        lambda _: None,
    ],
    ids=lambda forge: forge.__name__,
)
async def test_a_token_that_the_issuer_did_not_sign_is_refused(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, forge: Callable[[str], str]
) -> None:
    openid.change = id_token(forge)
    assert "ID token" in await reason(openid, samtid(openid, ahead), browser)


async def test_a_public_key_is_no_shared_secret(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    def signed_with_the_public_key(token: str) -> str:
        head = urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": openid.keys[0].kid}).encode()).decode()
        said = f"{head}.{token.split('.')[1]}"
        signature = hmac.digest(openid.keys[0].as_pem(private=False), said.encode(), "sha256")
        return f"{said}.{urlsafe_b64encode(signature).decode()}"

    openid.change = id_token(signed_with_the_public_key)
    assert "UnsupportedAlgorithm" in await reason(openid, samtid(openid, ahead), browser)


async def test_an_issuer_that_signs_with_the_secret_is_refused(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    # The provider does so in all honesty: this client is registered with HS256.
    assert "UnsupportedAlgorithm" in await reason(openid, samtid(openid, ahead, client_id="HS256"), browser)


async def test_new_keys_are_found_and_old_ones_forgotten(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    us = samtid(openid, ahead)
    await sign_in(openid, us, browser)
    old = openid.keys
    openid.rotate(provider.new_keys("second"))
    ahead.by = timedelta(seconds=31)
    assert (await sign_in(openid, us, browser)).value == "asa"
    openid.change = signed_anew(old)
    assert "InvalidKeyIdError" in await reason(openid, us, browser)


async def test_keys_that_nobody_knows_are_looked_for_seldom(openid: OpenId, ahead: Ahead) -> None:
    us = samtid(openid, ahead)
    openid.asked.clear()
    stranger = provider.new_keys("stranger")[0]
    forged = jwt.encode({"alg": "RS256", "kid": "stranger"}, {"sub": "asa"}, stranger)
    for by in (0, 1, 29, 31, 32, 60, 63):
        ahead.by = timedelta(seconds=by)
        with pytest.raises(Refusal):
            await us.bearer(forged)
    assert openid.asked.count("/jwks") == 3


async def test_metadata_is_read_anew_each_hour(openid: OpenId, ahead: Ahead) -> None:
    us = samtid(openid, ahead)
    openid.asked.clear()
    for minutes in (0, 30, 59, 61, 90):
        ahead.by = timedelta(minutes=minutes)
        await us.leave(REDIRECT)
    assert openid.asked.count("/.well-known/openid-configuration") == 2


async def test_a_provider_that_is_away_is_said_so_and_left_in_peace(openid: OpenId, ahead: Ahead) -> None:
    us = samtid(openid, ahead)
    openid.stop()
    openid.asked.clear()
    try:
        for _ in range(3):
            with pytest.raises(ProviderUnreachable):
                await us.leave(REDIRECT)
        assert len(openid.asked) == 1
        assert await us.leave_for_good(BACK) is None
    finally:
        openid.start()
    ahead.by = timedelta(seconds=6)
    url, _ = await us.leave(REDIRECT)
    assert url.startswith(openid.issuer)


async def test_a_provider_that_goes_away_in_between_is_said_so(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient
) -> None:
    us = samtid(openid, ahead)
    query, pending = await there_and_back(openid, us, browser)
    openid.stop()
    try:
        with pytest.raises(ProviderUnreachable):
            await us.arrive(query, pending, REDIRECT)
    finally:
        openid.start()


@pytest.mark.parametrize(
    "published",
    [
        {"issuer": "https://elsewhere.example"},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"id_token_signing_alg_values_supported": []},
        {"jwks_uri": None},
        {"token_endpoint": 7},
    ],
    ids=str,
)
async def test_an_issuer_that_publishes_nonsense_is_no_issuer(
    openid: OpenId, ahead: Ahead, published: dict[str, Any]
) -> None:
    openid.change = lambda path, document: {**document, **published} if "well-known" in path else document
    with pytest.raises(ProviderUnreachable):
        await samtid(openid, ahead).leave(REDIRECT)


@pytest.mark.parametrize(
    "keys",
    [[], [{"kty": "oct", "kid": "first-rsa", "k": "AAAA"}], [{"kty": "RSA", "kid": "first-rsa"}], None],
    ids=["none", "shared", "broken", "null"],
)
async def test_keys_that_cannot_be_used_are_none(openid: OpenId, ahead: Ahead, keys: Any) -> None:
    openid.change = lambda path, document: {"keys": keys} if path == "/jwks" else document
    with pytest.raises(ProviderUnreachable):
        await samtid(openid, ahead).leave(REDIRECT)


async def test_signing_out_ends_the_providers_session(openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient) -> None:
    us = samtid(openid, ahead)
    await sign_in(openid, us, browser)
    # Known at the provider, the next one who leaves is back at once.
    assert (await sign_in(openid, us, browser, login="")).value == "asa"
    url = await us.leave_for_good(BACK)
    assert url is not None
    page = await browser.get(url)
    assert page.status_code == 200
    answer = await openid.submit(browser, page, logout="yes")
    assert answer.headers["location"] == BACK
    query, _ = await there_and_back(openid, us, browser, login="")
    assert query["error"] == "access_denied"


async def test_the_log_names_the_reason_and_nobody(
    openid: OpenId, ahead: Ahead, browser: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    us = samtid(openid, ahead)
    query, pending = await there_and_back(openid, us, browser, login="beate")
    caplog.set_level(logging.INFO)
    with pytest.raises(SignInFailed):
        await us.arrive(query, replace(pending, nonce="another"), REDIRECT)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("kit")]
    assert ours == ["sign-in failed: the ID token is not good (InvalidClaimError nonce)"]
    assert not any(secret in caplog.text for secret in ("beate", query["code"], query["state"], "eyJ"))
