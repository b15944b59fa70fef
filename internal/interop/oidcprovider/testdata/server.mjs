// Serves oidc-provider on loopback, behind the proxy of the tests beside this folder. It
// prints the port as its first line and ends with its standard input.
import Provider from "oidc-provider";

// issuer is the address of the proxy. clients are a list in JSON; those whose name begins
// with "fapi" have the FAPI 2.0 security profile. resource is an API of its own.
const [issuer, clients, resource] = process.argv.slice(2);
const algorithms = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512".split(" ");

const provider = new Provider(issuer, {
  clients: JSON.parse(clients),
  enabledJWA: { clientAuthSigningAlgValues: algorithms },
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt", "none"],
  scopes: ["openid", "offline_access", "orders"],
  acrValues: ["urn:example:password", "urn:example:phishing-resistant"],
  pkce: { required: () => true },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => true },
    fapi: { enabled: true, profile: (ctx, client) => (client?.clientId.startsWith("fapi") ? "2.0" : undefined) },
    pushedAuthorizationRequests: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: "orders", accessTokenFormat: "opaque" }),
      useGrantedResource: () => false, // so that each request must name the resource
    },
    revocation: { enabled: true },
  },
  interactions: { url: (ctx, interaction) => "/interaction/" + interaction.uid },
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  extraTokenClaims: (ctx) => ({ acr: (ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken)?.acr }),
  ttl: { AccessToken: 3600, ClientCredentials: 3600 },
  cookies: { keys: ["the tests' own"] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

// The account owner signs in as asked, and grants what is asked for.
async function interact(ctx) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  let result;
  if (prompt.name === "login") {
    result = { login: { accountId: "owner", acr: params.acr_values?.split(" ")[0] ?? "urn:example:password" } };
  } else {
    const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
    grant.addOIDCScope(missingOIDCScope.join(" "));
    for (const [indicator, scopes] of Object.entries(missingResourceScopes)) grant.addResourceScope(indicator, scopes.join(" "));
    result = { consent: { grantId: await grant.save() } };
  }
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: prompt.name !== "login" });
}

// APIs that take the provider's access tokens, and let a test expire them: /me, which
// oidc-provider serves itself and which verifies proofs; /orders, which is a resource; and
// the others, which are for tokens without a proof. /transfers wants another
// authentication, and so does /me of the client fapi-step-up.
const dead = new Set();
provider.use(async (ctx, next) => {
  if (ctx.path.startsWith("/interaction/")) return interact(ctx);
  if (!["/me", "/api", "/orders", "/transfers", "/expire"].includes(ctx.path)) return next();
  const [, scheme, value] = ctx.get("authorization").match(/^(Bearer|DPoP) (.+)$/) || [];
  if (ctx.path === "/expire") {
    dead.add(value);
    ctx.body = "";
    return;
  }
  const token = value && ((await provider.AccessToken.find(value)) || (await provider.ClientCredentials.find(value)));
  const audience = new URL(ctx.path, issuer).href === resource ? resource : undefined;
  if (!token?.isValid || dead.has(value) || token.aud !== audience) {
    ctx.status = 401;
    ctx.set("WWW-Authenticate", (scheme ?? "Bearer") + ' error="invalid_token"');
    return;
  }
  const strong = ctx.path === "/transfers" || token.clientId === "fapi-step-up";
  if (strong && token.extra?.acr !== "urn:example:phishing-resistant") {
    ctx.status = 401;
    ctx.set("WWW-Authenticate", scheme + ' error="insufficient_user_authentication", acr_values="urn:example:phishing-resistant", max_age="0"');
    return;
  }
  if (ctx.path === "/me") return next();
  if (token.jkt) {
    ctx.status = 401;
    return;
  }
  ctx.body = { client: token.clientId, account: token.accountId };
});

const server = provider.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
