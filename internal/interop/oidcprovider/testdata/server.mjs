// Serves oidc-provider on loopback, for the tests beside this folder. It prints
// the port as its first line and ends with its standard input.
import Provider from "oidc-provider";

// extra is a list of further clients, in JSON.
const [clientId, clientSecret, redirect, extra = "[]", fapi] = process.argv.slice(2);
const algorithms = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512".split(" ");

const client = (id, method) => ({
  client_id: id,
  client_secret: clientSecret,
  token_endpoint_auth_method: method,
  grant_types: ["authorization_code", "refresh_token", "client_credentials"],
  redirect_uris: [redirect],
});

const provider = new Provider("http://127.0.0.1", {
  clients: [client(clientId, "client_secret_basic"), client(clientId + "-post", "client_secret_post"),
    ...JSON.parse(extra).map((further) => ({ ...client(further.client_id), ...further }))],
  enabledJWA: { clientAuthSigningAlgValues: algorithms },
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt"],
  scopes: ["openid", "offline_access", "orders"],
  pkce: { required: () => true, methods: ["S256"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    fapi: { enabled: Boolean(fapi), profile: fapi || undefined },
    introspection: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    revocation: { enabled: true },
  },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  ttl: { AccessToken: 3600, ClientCredentials: 3600 },
  cookies: { keys: ["the tests' own"] },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

// An API that takes the provider's access tokens, and lets a test expire them.
const dead = new Set();
provider.use(async (ctx, next) => {
  if (ctx.path !== "/api" && ctx.path !== "/expire") return next();
  const value = (ctx.get("authorization").match(/^Bearer (.+)$/) || [])[1];
  if (ctx.path === "/expire") {
    dead.add(value);
    ctx.body = "";
    return;
  }
  const token = value && ((await provider.AccessToken.find(value)) || (await provider.ClientCredentials.find(value)));
  if (!token || !token.isValid || dead.has(value)) {
    ctx.status = 401;
    ctx.set("WWW-Authenticate", 'Bearer error="invalid_token"');
    return;
  }
  ctx.body = { client: token.clientId, account: token.accountId };
});

const server = provider.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
