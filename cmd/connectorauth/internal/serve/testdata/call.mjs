import http from "node:http";

const { CONNECTORAUTH_URL: base, CONNECTORAUTH_TOKEN: token } = process.env;

async function call(path, token, options = {}) {
	const response = await fetch(base + path, { ...options, headers: { Authorization: "Bearer " + token } });
	return [response.status, await response.json()];
}

let [status, body] = await call("/first/me", token);
console.log(status, body.auth_type, body.user);
[status, body] = await call("/first/me", token, { method: "POST", body: JSON.stringify({ name: "x" }) });
console.log(status, body.auth_type, body.user);
[status, body] = await call("/first/me", "wrong");
console.log(status, body.error);
[status, body] = await call("/fisrt/me", token);
console.log(status, body.error, JSON.stringify(body.near));

const request = http.request(base + "/first/me", { method: "PUT", headers: { "X-Connectorauth-Token": token } }, async (response) => {
	let text = "";
	for await (const part of response) text += part;
	const account = JSON.parse(text);
	console.log(response.statusCode, account.auth_type, account.user);
});
request.end("a body");
