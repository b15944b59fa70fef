// Reads {schema, documents} and writes, for each document, whether the schema takes it.
const Ajv = require('ajv/dist/2020')
const { schema, documents } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const validate = new Ajv({ strict: true, strictTypes: false, strictRequired: false }).compile(JSON.parse(schema))
console.log(JSON.stringify(documents.map(document => {
  try {
    return validate(JSON.parse(document))
  } catch (e) {
    if (e instanceof SyntaxError) return false
    throw e
  }
})))
