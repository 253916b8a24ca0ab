"""Validates JSON documents against a JSON schema: validate.py SCHEMA DOCUMENT... (python3-jsonschema)"""
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft7Validator.check_schema(schema)
wrong = 0
for name in sys.argv[2:]:
    for error in jsonschema.Draft7Validator(schema).iter_errors(json.load(open(name, encoding="utf-8"))):
        print(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
        wrong = 1
sys.exit(wrong)
