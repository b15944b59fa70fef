// Goes through the flows of the tests beside this folder with openid-client. Each line of
// its input is a flow, or what the account owner's browser has brought; each line of its
// output is a page to open, or the end of the flow.
import * as client from "openid-client";
import { createPrivateKey } from "node:crypto";
import { createInterface } from "node:readline";

const [issuer, pem, secret, redirect] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => (await lines.next()).value;
const say = (message) => console.log(JSON.stringify(message));
const insecure = { execute: [client.allowInsecureRequests] };

async function configure(flow) {
  const server = new URL(issuer);
  if (flow.register) {
    const metadata = {
      client_name: "Acme", redirect_uris: [redirect], token_endpoint_auth_method: flow.auth,
      grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], application_type: "native",
    };
    return client.dynamicClientRegistration(server, metadata, client.ClientSecretBasic(), { ...insecure, algorithm: "oauth2" });
  }
  const auth = {
    client_secret_basic: () => client.ClientSecretBasic(secret),
    client_secret_post: () => client.ClientSecretPost(secret),
    none: () => client.None(),
    private_key_jwt: async () => {
      const key = createPrivateKey(pem).toCryptoKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
      return client.PrivateKeyJwt({ key, kid: "k1" });
    },
  }[flow.auth];
  return client.discovery(server, flow.name, undefined, await auth(), { ...insecure, algorithm: "oauth2" });
}

async function consent(config, flow, further, options) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const parameters = {
    redirect_uri: redirect, scope: flow.scope, state: expectedState, prompt: "consent",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256",
    ...resource(flow), ...further,
  };
  if (flow.dpop) parameters.dpop_jkt = await options.DPoP.calculateThumbprint();
  const build = flow.pushed ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl;
  say({ open: (await build(config, parameters, options)).href });
  const callback = new URL(await read());
  const maxAge = further.max_age === undefined ? undefined : Number(further.max_age);
  return client.authorizationCodeGrant(config, callback, { pkceCodeVerifier, expectedState, maxAge }, resource(flow), options);
}

const resource = (flow) => (flow.resource ? { resource: issuer + flow.api } : {});

async function device(config, flow, options) {
  const granted = await client.initiateDeviceAuthorization(config, { scope: flow.scope });
  say({ device: granted.verification_uri_complete });
  await read();
  return client.pollDeviceAuthorizationGrant(config, { ...granted, interval: 0.1 }, undefined, options);
}

async function go(flow) {
  const config = await configure(flow);
  const options = flow.dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) } : undefined;
  const call = (token) => client.fetchProtectedResource(config, token, new URL(issuer + flow.api), "GET", undefined, undefined, options);
  let tokens = flow.device ? await device(config, flow, options) : await consent(config, flow, {}, options);
  if (flow.stepUp) {
    const asked = await call(tokens.access_token).then(() => undefined, (err) => err.cause[0].parameters);
    tokens = await consent(config, flow, { acr_values: asked.acr_values, max_age: asked.max_age }, options);
  }
  await call(tokens.access_token);
  tokens = await client.refreshTokenGrant(config, tokens.refresh_token, resource(flow), options);
  const response = await call(tokens.access_token);
  if (!response.ok) throw new Error("the API responds with " + response.status);
  await client.tokenRevocation(config, tokens.refresh_token, { token_type_hint: "refresh_token" });
  await client.tokenRevocation(config, tokens.access_token, { token_type_hint: "access_token" });
}

for (let line = await read(); line !== undefined; line = await read()) {
  try {
    await go(JSON.parse(line));
    say({ done: true });
  } catch (err) {
    say({ error: err.stack + "\n" + JSON.stringify(err.cause ?? null) });
  }
}
