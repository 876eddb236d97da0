// check_har.js FILE: whether a file is an HTTP archive, by the schemas of the har-schema package.
const fs = require("fs");
const Ajv = require("ajv");
const addFormats = require("ajv-formats");
const schemas = require("har-schema");

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
for (const { $schema, ...schema } of Object.values(schemas)) ajv.addSchema(schema);
const isArchive = ajv.getSchema("har.json");
if (!isArchive(JSON.parse(fs.readFileSync(process.argv[2], "utf8")))) {
    console.error(isArchive.errors);
    process.exit(1);
}
