"""/openapi.json: what is promised is sent, and what comes back is what was promised."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlencode

import jsonschema

from harness import GatherdTest, Json, Reply, curl
from patience import eventually

SOURCES = Path(__file__).resolve().parents[2] / "daemon"
# Where our own code has a status it has a code behind it.
CODES = re.compile(r'\b[45]\d\d,\s*"([a-z0-9_]+)"')
# That the examples fetch from.
HOSTS = re.compile(r"https://(?:one|two|api)\.example")
METHODS = ("get", "post", "put", "delete", "patch")


def strict(schema: Any) -> Any:
    """The same without members that it does not name, to find those that nobody has told."""
    if isinstance(schema, list):
        return [strict(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: strict(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema["properties"]:
        schema.setdefault("additionalProperties", False)
    return schema


class OpenApiTest(GatherdTest):
    # So that no test is told that it asks too often, or too much.
    contract: Json

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.contract = curl(cls.gatherd.base + "/openapi.json").json()
        answers = {name: schema for name, schema in cls.contract["components"]["schemas"].items()
                   if "unevaluatedProperties" not in schema and name != "Options"}
        cls.components = copy.deepcopy(cls.contract["components"])
        cls.components["schemas"].update(strict(answers))

    # -- the contract -----------------------------------------------------------------------

    def resolve(self, value: Json) -> Json:
        """What a reference leads to."""
        while "$ref" in value:
            target: Json = self.contract
            for name in value["$ref"].split("/")[1:]:
                target = target[name]
            value = target
        return value

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """(path, method, operation), so that a job is not gone before it is asked for."""
        found = [(path, method, operation) for path, methods in self.contract["paths"].items()
                 for method, operation in methods.items() if method in METHODS]
        yield from sorted(found, key=lambda each: each[1] == "delete")

    def parameters(self, path: str, operation: Json, where: str) -> list[Json]:
        listed = [*self.contract["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        return [p for p in map(self.resolve, listed) if p["in"] == where]

    def validate(self, value: Json, schema: Json) -> None:
        jsonschema.Draft202012Validator({**strict(schema), "components": self.components}).validate(value)

    # -- asking -----------------------------------------------------------------------------

    def job(self) -> str:
        """The id of a job that has ended, and has something to show."""
        requests = [{"url": self.origin.url("/json"), "capture": {"body": "full"}},
                    self.origin.url("/status/404")]
        reply = self.post("/v1/jobs", {"requests": requests,
                                       "callback": {"url": self.origin.url("/")}})
        identity = reply.json()["id"]
        eventually(lambda: self.get(f"/v1/jobs/{identity}").json()["done"], "the end of the job")
        return identity

    def schedule(self) -> str:
        """The id of one that does not run while it is looked at."""
        return self.post("/v1/schedules", {"name": "x", "cron": "@yearly", "job": [self.origin.url()]}).json()["id"]

    def filled_in(self, path: str) -> str:
        """The path of something that is there."""
        path = path.replace("{file}", "jobs.js" if "views" in path else "main.js")
        if "{id}" not in path:
            return path
        identity = self.schedule() if path.startswith("/v1/schedules") else self.job()
        return path.replace("{id}", identity).replace("{index}", "0")

    def ask(self, method: str, path: str, query: Json = (), body: str | None = None,
            content_type: str = "application/json") -> Reply:
        url = self.gatherd.base + path + ("?" + urlencode(query, doseq=True) if query else "")
        if body is None and method == "post":
            body = ""
        if body is None:
            return curl("-X", method.upper(), url)
        return curl("-X", method.upper(), "--data-binary", "@-", "-H", f"Content-Type: {content_type}",
                    url, stdin=body.encode())

    def example_query(self, path: str, operation: Json) -> list[tuple[str, Json]]:
        return [(p["name"], json.loads(self.here(json.dumps(p["example"]))))
                for p in self.parameters(path, operation, "query") if "example" in p]

    def here(self, text: str) -> str:
        return HOSTS.sub(self.origin.base, text)

    def examples(self, operation: Json) -> Iterator[tuple[str | None, str]]:
        """Bodies and their types."""
        content = operation.get("requestBody", {}).get("content", {})
        for kind, what in content.items():
            example = what["example"]
            yield self.here(example if isinstance(example, str) else json.dumps(example)), kind
        if not content:
            yield None, ""

    # -- comparing --------------------------------------------------------------------------

    def assert_promised(self, operation: Json, reply: Reply) -> None:
        responses = operation["responses"]
        self.assertIn(str(reply.status), responses, reply.body[:500])
        content = self.resolve(responses[str(reply.status)]).get("content", {})
        if not content:
            self.assertEqual(reply.body, b"")
            return
        kind = (reply.header("content-type") or "").partition(";")[0]
        self.assertIn(kind, content)
        if kind.endswith("json") and kind != "application/x-ndjson":
            self.validate(reply.json(), content[kind]["schema"])
        if kind == "application/problem+json":
            codes = self.contract["components"]["schemas"]["Problem"]["properties"]["code"]
            self.assertIn(reply.json()["code"], codes["x-extensible-enum"])

    def test_it_is_a_document_of_version_3_1(self) -> None:
        reply = self.get("/openapi.json")
        self.assertEqual(reply.header("content-type"), "application/json")
        self.assertEqual(reply.json()["openapi"], "3.1.0")

    def test_every_schema_is_one(self) -> None:
        for name, schema in self.contract["components"]["schemas"].items():
            with self.subTest(schema=name):
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_each_example_gets_what_is_promised(self) -> None:
        for path, method, operation in self.operations():
            where = self.filled_in(path)
            for body, kind in self.examples(operation):
                with self.subTest(operation=operation["operationId"], kind=kind):
                    reply = self.ask(method, where, self.example_query(path, operation), body, kind)
                    self.assertLess(reply.status, 400, reply.body[:500])
                    self.assert_promised(operation, reply)

    def test_examples_are_as_their_schemas_say(self) -> None:
        for _, _, operation in self.operations():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                what = content["application/json"]
                jsonschema.Draft202012Validator({**what["schema"], "components": self.contract["components"]}
                                                ).validate(what["example"])

    def test_each_word_of_a_parameter_is_understood(self) -> None:
        job = self.job()
        for path, method, operation in self.operations():
            for parameter in self.parameters(path, operation, "query"):
                for word in parameter["schema"].get("enum", []):
                    if method != "get":
                        continue
                    with self.subTest(operation=operation["operationId"], parameter=parameter["name"], word=word):
                        where = path.replace("{id}", job).replace("{index}", "0")
                        query = [*self.example_query(path, operation), (parameter["name"], word)]
                        reply = self.ask(method, where, query)
                        self.assertLess(reply.status, 400, reply.body[:500])
                        self.assert_promised(operation, reply)

    def test_a_parameter_that_is_not_told_is_refused_as_promised(self) -> None:
        job = self.job()
        for path, method, operation in self.operations():
            if "400" not in operation["responses"]:
                continue
            with self.subTest(operation=operation["operationId"]):
                where = path.replace("{id}", job).replace("{index}", "0")
                if method == "post" and "requestBody" in operation:
                    reply = self.ask(method, where, [], "{", "application/json")
                else:
                    reply = self.ask(method, where, [*self.example_query(path, operation), ("nope", "1")])
                self.assertEqual(reply.status, 400, reply.body[:500])
                self.assert_promised(operation, reply)

    def test_what_nobody_has_is_refused_where_that_is_promised(self) -> None:
        for path, method, operation in self.operations():
            if method != "get":
                continue
            url = self.gatherd.base + self.filled_in(path)
            query = self.example_query(path, operation)
            with self.subTest(operation=operation["operationId"]):
                reply = curl("-H", "Accept: image/x-nothing", url + ("?" + urlencode(query, doseq=True) if query else ""))
                self.assertEqual(reply.status == 406, "406" in operation["responses"], reply.status)

    def test_a_job_that_is_not_there_is_not_found_as_promised(self) -> None:
        for path, method, operation in self.operations():
            if "{id}" in path:
                with self.subTest(operation=operation["operationId"]):
                    where = path.replace("{id}", "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE").replace("{index}", "0")
                    reply = self.ask(method, where)
                    self.assertEqual(reply.status, 404, reply.body[:500])
                    self.assert_promised(operation, reply)

    def test_all_outcomes_are_as_promised(self) -> None:
        operation = self.contract["paths"]["/v1/gather"]["post"]
        urls = ["/redirect/2", "/close", "/status/500", "/hang"]
        requests = [{"url": self.origin.url(path), "timeout_ms": 300, "expect": {"total_ms": {"lt": 0.001}},
                     "retry": {"max_attempts": 2, "backoff_ms": 1}} for path in urls]
        reply = self.post("/v1/gather", {"requests": [*requests, "http://10.1.2.3/"]})
        self.assert_promised(operation, reply)
        bad = self.post("/v1/gather", {"requests": [{"url": 5, "methd": "GET"}]})
        self.assert_promised(operation, bad)
        self.assertEqual(bad.status, 422)

    def test_every_code_in_the_source_is_told(self) -> None:
        told = set(self.contract["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"])
        text = "".join(path.read_text() for folder in ("api", "model") for path in (SOURCES / folder).glob("*.c"))
        self.assertEqual(set(CODES.findall(text)) - told, set())
        self.assertEqual({code for code in told if f'"{code}"' not in text}, set())
