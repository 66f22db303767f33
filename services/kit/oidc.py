"""Signing in with OpenID Connect: the authorization code flow with PKCE, and bearer tokens of the same issuer.

What a provider says is believed only where it is signed with a key that the issuer publishes now, by an algorithm of
ours, for us, in time, and in answer to what was asked. Whatever is not known is a no.
"""

import asyncio
import base64
import logging
import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidClaimError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import BaseModel

from kit.access import NotSignedIn
from kit.refusal import Refusal

log = logging.getLogger(__name__)

# Signatures that only the issuer can make. With HS256 whoever knows the client's secret could; `none` is anybody's.
ALGORITHMS = frozenset({"RS256", "PS256", "ES256"})
METADATA_LASTS = timedelta(hours=1)
# A key that nobody has heard of may be new. Strangers can name such keys too, so they are looked for this seldom.
KEYS_LOOKED_FOR = timedelta(seconds=30)
# A provider that did not answer is left in peace for as long.
LEFT_IN_PEACE = timedelta(seconds=5)
# How much the provider's clock and ours may differ.
LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 5
MAX_TOKEN = 16_384
MAX_IDENTITY = 255


class SignInFailed(Refusal):
    """`reason` is for the log and names no person and nothing of a token."""

    status = 400
    code = "sign-in-failed"
    sv = ("Inloggningen gick inte att slutföra", "Börja om. Händer det igen, kontakta it-stödet i din kommun.")
    en = ("Signing in could not be completed", "Begin again. If it recurs, contact your municipality's IT support.")

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class AssuranceTooLow(Refusal):
    status = 403
    code = "assurance-too-low"
    sv = ("Du behöver logga in på ett säkrare sätt", "Logga in igen och välj till exempel tjänstekort.")
    en = ("You need to sign in in a safer way", "Sign in again and choose a staff card, for example.")


class ProviderUnreachable(Refusal):
    status = 503
    code = "sign-in-unavailable"
    sv = ("Inloggningstjänsten svarar inte", "Vänta en liten stund och försök igen.")
    en = ("The sign-in service does not answer", "Wait a moment and try again.")
    headers = {"Retry-After": "10"}  # noqa: RUF012 - never changed


@dataclass(frozen=True)
class Pending:
    """What must be remembered from leaving for the provider until coming back, in a cookie that only we can open."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Identity:
    """Whom the issuer says that somebody is, since when (UTC), and how sure it is of that (`acr`, assurance)."""

    value: str
    acr: str | None
    issued: datetime


class Metadata(BaseModel):
    """What is read of OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> frozenset[str]:
        """The algorithms that the issuer uses and we accept."""
        return ALGORITHMS.intersection(self.id_token_signing_alg_values_supported)


class TokenHeader(BaseModel):
    """What is read of a token's header (RFC 7515, section 4.1)."""

    alg: str
    kid: str | None = None


class JsonWebKeys(BaseModel):
    """RFC 7517, section 5."""

    keys: list[dict[str, Any]]


@dataclass(frozen=True)
class _Known:
    """What the issuer published, and when that was read (UTC)."""

    metadata: Metadata
    keys: KeySet
    read: datetime


class _UnusableError(ValueError):
    """Said in the log as it stands, so its text names no person."""


class Provider:
    """One issuer, as one client of it."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        clock: Callable[[], datetime],
        scope: str = "openid",
        identity_claim: str = "sub",
        organisations: Sequence[str] = (),
        acr: Sequence[str] = (),
        audience: str | None = None,
    ) -> None:
        """`clock` gives aware instants. A client without a secret is a public one, which PKCE alone protects.

        `identity_claim` holds whom a token speaks of. Where `organisations` are named, it holds `person@organisation`,
        one or several (Sweden Connect's orgAffiliation): then the part before @ counts, and only for these
        organisations, because another one may call its own people the same. `acr` are the levels of assurance that
        suffice, best first; none named means any. `audience` is what access tokens must be made for, and is not the
        client's id, so that no ID token passes for one; without it none is accepted.
        """
        self.issuer = issuer
        self.client_id = client_id
        self.client_secret = client_secret
        self.clock = clock
        self.scope = scope
        self.identity_claim = identity_claim
        self.organisations = organisations
        self.acr = acr
        self.audience = audience
        # The system's trust store, so that an authority of a municipality's own can be added to it.
        self._tls = ssl.create_default_context()
        self._published = _Published(issuer, self._tls, clock)

    async def leave(self, redirect_uri: str, *, again: bool = False) -> tuple[str, Pending]:
        """The provider's address to go to, and what to remember until the person comes back to `redirect_uri`.

        `again` makes the provider ask who it is, even if it knows. Raises ProviderUnreachable.
        """
        known = await self._published.within(METADATA_LASTS)
        pending = Pending(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        url = prepare_grant_uri(
            known.metadata.authorization_endpoint,
            self.client_id,
            "code",
            redirect_uri,
            self.scope,
            pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
            acr_values=" ".join(self.acr) or None,
            prompt="login" if again else None,
        )
        return str(url), pending

    async def arrive(self, query: Mapping[str, str], pending: Pending, redirect_uri: str) -> Identity:
        """Who came back with `query`. Raises SignInFailed, AssuranceTooLow, ProviderUnreachable."""
        if not secrets.compare_digest(query.get("state", "").encode(), pending.state.encode()):
            raise _failed("not the state that was left with")
        known = await self._published.within(METADATA_LASTS)
        # RFC 9207: the answer must come from the provider that was asked.
        issuer = query.get(
            "iss", None if known.metadata.authorization_response_iss_parameter_supported else self.issuer
        )
        if issuer != self.issuer:
            raise _failed("the answer is another issuer's")
        if "error" in query or not query.get("code"):
            raise _failed("the provider gave no code")
        answer = await self._redeem(known.metadata, query["code"], pending.verifier, redirect_uri)
        try:
            return self._identity(await self._claims_of_id_token(answer, pending.nonce))
        except AssuranceTooLow:
            log.info("sign-in refused: the level of assurance is too low")
            raise
        except (JoseError, ValueError) as error:
            raise _failed(f"the ID token is not good ({_why(error)})") from error

    async def bearer(self, token: str) -> Identity:
        """Whom an access token of the issuer speaks for (RFC 9068). Raises NotSignedIn, ProviderUnreachable."""
        try:
            if self.audience is None:
                raise _UnusableError("no audience is set")
            verified = await self._verified(token)
            jwt.JWTClaimsRegistry(
                now=self._now,
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.audience},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(verified.claims)
            return self._identity(verified.claims)
        except (JoseError, ValueError, AssuranceTooLow) as error:
            log.info("access token refused: %s", _why(error))
            raise NotSignedIn from error

    async def leave_for_good(self, back_to: str) -> str | None:
        """Where the provider ends its own session and sends the person `back_to`; None where that cannot be had.

        Without an ID token as a hint, which would put whose it is into an address: so the provider may ask first.
        """
        try:
            known = await self._published.within(METADATA_LASTS)
        except ProviderUnreachable:
            return None
        if known.metadata.end_session_endpoint is None:
            return None
        asked = {"client_id": self.client_id, "post_logout_redirect_uri": back_to}
        return str(httpx.URL(known.metadata.end_session_endpoint).copy_merge_params(asked))

    async def _redeem(self, metadata: Metadata, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """The tokens for a code. Raises SignInFailed, ProviderUnreachable."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        if self.client_secret is None:
            form["client_id"] = self.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, section 2.3.1: both are form-encoded first.
            both = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        try:
            async with _http(self._tls) as http:
                response = await http.post(metadata.token_endpoint, data=form, headers=headers)
            if response.is_client_error:
                raise _failed(f"the provider answered {response.status_code} to the code")
            answer = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("the sign-in service gave no tokens: %s", type(error).__name__)
            raise ProviderUnreachable from error
        if not isinstance(answer, dict):
            raise _failed("the provider's answer is none")
        return answer

    async def _claims_of_id_token(self, answer: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """OpenID Connect Core 1.0, section 3.1.3.7. Raises JoseError, ValueError, ProviderUnreachable."""
        verified = await self._verified(answer.get("id_token"))
        token = CodeIDToken(
            verified.claims,
            verified.header,
            {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}},
            {"nonce": nonce, "client_id": self.client_id, "access_token": answer.get("access_token")},
        )
        token.validate(now=self._now(), leeway=LEEWAY_SECONDS)
        # No other audience is one that we would trust.
        if token["aud"] not in (self.client_id, [self.client_id]):
            raise InvalidClaimError("aud")
        return dict(token)

    async def _verified(self, token: Any) -> jwt.Token:
        """A token with a signature of the issuer's; its claims are not judged yet. Raises JoseError, ValueError."""
        if not isinstance(token, str) or len(token) > MAX_TOKEN:
            raise _UnusableError("no token")
        header = _header(token)
        if header.alg not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        known = await self._published.within(METADATA_LASTS)
        if header.kid is not None and header.kid not in {key.kid for key in known.keys}:
            known = await self._published.within(KEYS_LOOKED_FOR)
        if header.alg not in known.metadata.algorithms:
            raise UnsupportedAlgorithmError
        # Without a name, the key is the only one that there is.
        key = known.keys.get_by_kid(header.kid)
        return jwt.decode(token, key, registry=JWSRegistry(algorithms=[header.alg], strict_check_header=False))

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        """Raises InvalidClaimError where not exactly one person is named, and AssuranceTooLow."""
        acr = claims.get("acr")
        if self.acr and acr not in self.acr:
            raise AssuranceTooLow
        given = claims.get(self.identity_claim)
        values = {value for value in (given if isinstance(given, list) else [given]) if isinstance(value, str)}
        if self.organisations:
            parted = [value.rpartition("@") for value in values]
            values = {person for person, _, organisation in parted if organisation in self.organisations}
        if len(values) != 1 or not 0 < len(value := values.pop()) <= MAX_IDENTITY:
            raise InvalidClaimError(self.identity_claim)
        if claims["iat"] < 0:
            raise InvalidClaimError("iat")
        return Identity(value, acr if isinstance(acr, str) else None, datetime.fromtimestamp(claims["iat"], UTC))

    def _now(self) -> int:
        return int(self.clock().timestamp())


class _Published:
    """What an issuer publishes, read when it is needed and kept for a while."""

    def __init__(self, issuer: str, tls: ssl.SSLContext, clock: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self.tls = tls
        self.clock = clock
        self.known: _Known | None = None
        self.failed: datetime | None = None
        # Whoever comes while it is read waits for that instead of asking too.
        self.lock = asyncio.Lock()

    async def within(self, age: timedelta) -> _Known:
        """What was published, read no longer ago than `age`. Raises ProviderUnreachable."""
        async with self.lock:
            now = self.clock()
            if self.known and now - self.known.read < age:
                return self.known
            if self.failed and now - self.failed < LEFT_IN_PEACE:
                raise ProviderUnreachable
            try:
                self.known = await self._read(now)
            except (httpx.HTTPError, httpx.InvalidURL, JoseError, ValueError) as error:
                self.failed = self.clock()
                log.warning("what the sign-in service publishes cannot be used: %s", _why(error))
                raise ProviderUnreachable from error
            return self.known

    async def _read(self, now: datetime) -> _Known:
        async with _http(self.tls) as http:
            answer = await http.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            metadata = Metadata.model_validate_json(answer.raise_for_status().content)
            if metadata.issuer != self.issuer:
                raise _UnusableError("it speaks for another issuer")
            if not metadata.algorithms:
                raise _UnusableError("it signs with no algorithm that is accepted here")
            given = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
            if self.issuer.startswith("https:") and not all(url.startswith("https:") for url in given):
                raise _UnusableError("it names an address without encryption")
            published = JsonWebKeys.model_validate_json((await http.get(metadata.jwks_uri)).raise_for_status().content)
        # Keys for encrypting, and shared ones that have no business there, are none of ours.
        usable = [k for k in published.keys if k.get("kty") in ("RSA", "EC") and k.get("use", "sig") == "sig"]
        return _Known(metadata, KeySet.import_key_set({"keys": usable}), now)


def _http(tls: ssl.SSLContext) -> httpx.AsyncClient:
    # No proxy and no password from the environment, and no redirect: the issuer is who it is.
    return httpx.AsyncClient(verify=tls, timeout=TIMEOUT_SECONDS, trust_env=False)


def _header(token: str) -> TokenHeader:
    """The header of a token, which nothing speaks for yet. Raises ValueError."""
    first = token.split(".", 1)[0].encode()
    return TokenHeader.model_validate_json(base64.urlsafe_b64decode(first + b"=" * (-len(first) % 4)))


def _failed(reason: str) -> SignInFailed:
    log.warning("sign-in failed: %s", reason)
    return SignInFailed(reason)


def _why(error: Exception) -> str:
    """The name of what went wrong and, for a claim, of which: never what it held."""
    if isinstance(error, _UnusableError):
        return str(error)
    claim = getattr(error, "claim", None)
    return f"{type(error).__name__} {claim}" if claim else type(error).__name__
