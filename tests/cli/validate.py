"""Validates JSON documents against a JSON schema: validate.py SCHEMA DOCUMENT...

Only the words that docs/specs/output.schema.json uses are known; any other word is an error, so that
nothing in the schema is silently not looked at. Exit status 0 = all are valid, 1 = not (a line for each says
where).
"""
import json
import re
import sys

IGNORED = {"$schema", "title", "description", "$defs"}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}


class Invalid(Exception):
    """What is wrong, and where in the document."""


def resolve(root, reference):
    schema = root
    for part in reference.removeprefix("#/").split("/"):
        schema = schema[part]
    return schema


def check_properties(root, schema, value, where):
    for name in schema.get("required", []):
        if name not in value:
            raise Invalid(f"{where}: '{name}' is missing")
    properties = schema.get("properties", {})
    for name, item in value.items():
        if name in properties:
            check(root, properties[name], item, f"{where}.{name}")
        elif schema.get("additionalProperties", True) is False:
            raise Invalid(f"{where}: '{name}' is not in the schema")
        elif isinstance(schema.get("additionalProperties"), dict):
            check(root, schema["additionalProperties"], item, f"{where}.{name}")


def check_choice(root, choices, value, where, exactly_one):
    problems, valid = [], 0
    for choice in choices:
        try:
            check(root, choice, value, where)
            valid += 1
        except Invalid as problem:
            problems.append(str(problem))
    if valid == 0 or (exactly_one and valid > 1):
        raise Invalid(f"{where}: {valid} of {len(choices)} alternatives hold: " + "; ".join(problems))


def check(root, schema, value, where):
    for word, rule in schema.items():
        if word in IGNORED or word in ("required", "properties", "additionalProperties"):
            continue
        if word == "$ref":
            check(root, resolve(root, rule), value, where)
        elif word == "type":
            names = rule if isinstance(rule, list) else [rule]
            if not any(TYPES[name](value) for name in names):
                raise Invalid(f"{where}: {json.dumps(value)[:60]} is not of type {rule}")
        elif word == "const":
            if value != rule:
                raise Invalid(f"{where}: {json.dumps(value)[:60]} is not {rule!r}")
        elif word == "enum":
            if value not in rule:
                raise Invalid(f"{where}: {json.dumps(value)[:60]} is none of {rule}")
        elif word == "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                raise Invalid(f"{where}: {value!r} does not match {rule}")
        elif word == "minimum":
            if isinstance(value, (int, float)) and value < rule:
                raise Invalid(f"{where}: {value} is below {rule}")
        elif word == "maxItems":
            if isinstance(value, list) and len(value) > rule:
                raise Invalid(f"{where}: more than {rule} items")
        elif word == "items":
            for i, item in enumerate(value if isinstance(value, list) else []):
                check(root, rule, item, f"{where}[{i}]")
        elif word in ("oneOf", "anyOf"):
            check_choice(root, rule, value, where, word == "oneOf")
        else:
            raise Invalid(f"the schema uses '{word}', which this validator does not know")
    if isinstance(value, dict):
        check_properties(root, schema, value, where)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    invalid = 0
    for path in sys.argv[2:]:
        try:
            with open(path, encoding="utf-8") as file:
                check(schema, schema, json.load(file), "document")
        except (Invalid, ValueError) as problem:
            print(f"{path}: {problem}")
            invalid = 1
    return invalid


sys.exit(main())
