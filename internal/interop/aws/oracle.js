// Signs the requests that come as lines of JSON with the npm package aws4, and prints a
// signature for each. With the argument "suite", the program prints AWS's test suite, as
// the package @aws-sdk/signature-v4 has the suite.
const suite = () => {
  const s = require('@aws-sdk/signature-v4/dist/cjs/suite.fixture.js');
  return JSON.stringify({region: s.region, service: s.service, credentials: s.credentials, date: s.signingDate, requests: s.requests});
};
if (process.argv[2] === 'suite') {
  console.log(suite());
} else {
  const aws4 = require('aws4');
  for (const line of require('fs').readFileSync(0, 'utf8').trim().split('\n')) {
    const c = JSON.parse(line);
    const url = new URL(c.url);
    const signer = new aws4.RequestSigner({
      service: c.service, region: c.region, method: c.method, host: url.host, path: c.url.slice(url.origin.length), headers: {Host: url.host, ...c.headers},
      body: Buffer.from(c.body || '', 'base64'), doNotModifyHeaders: true,
    }, {accessKeyId: c.id, secretAccessKey: c.secret});
    signer.datetime = c.headers['X-Amz-Date'];
    console.log(signer.sign().headers.Authorization.replace(/.*Signature=/, ''));
  }
}
