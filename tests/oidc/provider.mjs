// A certified OpenID provider for tests: `oidc-provider` with its own code for all that matters, and with what an
// installation brings of its own: people, clients, keys, and a form that asks who it is and how that was proved.
//
//   node provider.mjs '{"installed": ".venv-oidc/", "issuer": …, "port": …, "keys": […], "clients": […]}'
import { createRequire } from "node:module";

const { installed, issuer, port, keys, clients } = JSON.parse(process.argv[2]);
const { default: Provider } = createRequire(installed)("oidc-provider");

const claims = (id) => ({
  sub: id,
  employeeHsaId: `SE-${id}`,
  // Two employers of one person, as Sweden Connect's orgAffiliation tells them.
  orgAffiliation: [`SE-${id}@5566778899`, `other-${id}@1122334455`],
});

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  cookies: { keys: ["of these tests"] },
  acrValues: ["loa2", "loa3"],
  claims: { openid: Object.keys(claims("")) },
  // Claims belong into the ID token.
  conformIdTokenClaims: false,
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "PS256", "HS256"] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
  // Nobody is asked whether our own program may know who they are.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid");
    for (const resource of [oidc.params.resource ?? []].flat()) grant.addResourceScope(resource, "use");
    await grant.save();
    return grant;
  },
  // A client's own tokens speak of the client.
  extraTokenClaims: (_, token) => claims(token.accountId ?? token.clientId),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, audience) => ({
        audience,
        scope: "use",
        accessTokenFormat: "jwt",
        accessTokenTTL: 3600,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = `<form method="post"><!-- ${params.acr_values ?? ""} --><input name="login"><input name="acr"><button>Go</button></form>`;
    return;
  }
  let sent = "";
  for await (const part of ctx.req) sent += part;
  const { login, acr } = Object.fromEntries(new URLSearchParams(sent));
  const result = login ? { login: { accountId: login, acr: acr || undefined } } : { error: "access_denied" };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }));
  ctx.status = 303;
});

provider.listen(port, "127.0.0.1");
