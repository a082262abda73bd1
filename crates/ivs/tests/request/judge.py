"""Judges bodies by a JSON Schema with the jsonschema package.

One argument: the schema. On stdin one body a line; on stdout one line for each: a list of [path, what is wrong].
"""

import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for line in sys.stdin:
    complaints = sorted((error.json_path, error.message) for error in validator.iter_errors(json.loads(line)))
    print(json.dumps(complaints), flush=True)
