"""docs/openapi.json as a judge: is this answer one that the document allows?"""
import json
import os
import re

import jsonschema

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


class Document:
    def __init__(self):
        with open(os.path.join(ROOT, "docs", "openapi.json"), encoding="utf-8") as file:
            self.text = file.read()
        self.whole = json.loads(self.text)
        self.validators = {}
        self.seen = set()  # (method, path, status) of all answers that were judged

    def resolve(self, node):
        """What a $ref of the document stands for."""
        while "$ref" in node:
            found = self.whole
            for name in node["$ref"].lstrip("#/").split("/"):
                found = found[name]
            node = found
        return node

    def operations(self):
        for path, methods in self.whole["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def parameters(self, operation, where):
        return [parameter for parameter in map(self.resolve, operation.get("parameters", []))
                if parameter["in"] == where]

    def find(self, method, target):
        """The path of the document that a request's target is of, and its operation."""
        path = target.split("?")[0]
        exact = [known for known in self.whole["paths"] if known == path]
        found = exact or [known for known in self.whole["paths"]
                          if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(known)), path)]
        found = [known for known in found if method.lower() in self.whole["paths"][known]]
        assert len(found) == 1, f"{method} {target} is {len(found)} times in the document"
        return found[0], self.whole["paths"][found[0]][method.lower()]

    def validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = dict(schema, components=self.whole["components"])
            jsonschema.Draft202012Validator.check_schema(whole)
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        return self.validators[key]

    def fits(self, schema, value):
        return self.validator(schema).is_valid(value)

    def judge(self, method, target, status, headers, body):
        """The answer's value; AssertionError: the document does not allow it."""
        path, operation = self.find(method, target)
        assert str(status) in operation["responses"], f"{method} {target}: {status} is not in the document: {body}"
        response = self.resolve(operation["responses"][str(status)])
        kind = headers["Content-Type"].split(";")[0]
        assert kind in response["content"], f"{method} {target}: {status} as {kind}"
        self.seen.add((method, path, status))
        if not kind.endswith("json"):
            return body
        value = json.loads(body)
        problems = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
                    for e in self.validator(response["content"][kind]["schema"]).iter_errors(value)]
        assert not problems, f"{method} {target}: {status}: {problems[:3]} in {body[:2000]}"
        if kind == "application/problem+json":
            assert value["status"] == status and value["type"] == "urn:varve:error:" + value["code"], value
        return value
