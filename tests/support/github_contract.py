"""GitHub's own description of its REST API (`github_openapi.json`): what fits it, and examples."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

API: dict[str, Any] = json.loads(
    (Path(__file__).parent / "github_openapi.json").read_text(encoding="utf-8")
)


def find_operation(method: str, path: str) -> Any:
    for template, methods in API["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, path):
            return methods.get(method.lower())
    return None


def _faults(schema: Any, value: Any, where: str) -> list[str]:
    document = {**schema, "components": API["components"]}
    return [
        f"{where}: {error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(document).iter_errors(value)
    ]


def faults_of_request(
    operation: Any, query: dict[str, str], body: Any, headers: dict[str, str]
) -> list[str]:
    if operation is None:
        return ["no such operation"]
    faults = []
    known = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    for name, value in query.items():
        is_number = known.get(name, {}).get("type") == "integer"
        faults += _faults(
            known.get(name, {"not": {}}), int(value) if is_number else value, f"?{name}"
        )
    if "requestBody" in operation:
        faults += _faults(operation["requestBody"], body, "request")
        faults += [
            f"unknown: {key}" for key in body if key not in operation["requestBody"]["properties"]
        ]
    named = {name.lower(): value for name, value in headers.items()}
    if named.get("x-github-api-version") != "2022-11-28" or not named.get("user-agent"):
        faults.append("the API's version or the user agent is missing")
    return faults


def faults_of_response(operation: Any, call: str, status: int, body: Any) -> list[str]:
    schema = operation["responses"].get(str(status))
    return _faults(schema, body, f"response to {call}") if schema else []


def example(schema: Any) -> Any:
    """Make the smallest value that a schema allows."""
    while "$ref" in schema:
        schema = API["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return example(schema[word][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if isinstance(kind, list) or kind == "null":
        return None
    if kind != "object":
        return {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}[kind]
    known = schema.get("properties", {})
    return {name: example(known[name]) for name in schema.get("required", ())}


REPOSITORY = example({"$ref": "#/components/schemas/repository"})
USER = example({"$ref": "#/components/schemas/simple-user"})
