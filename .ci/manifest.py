"""Checks a Kubernetes manifest against the schema of its API, strictly, and prints the
environment and the arguments of its container, one a line, for a run as a process.

    python3 manifest.py SCHEMA.json MANIFEST.yaml
"""
import json
import sys

import jsonschema
import yaml


def close(schema):
    """Makes objects refuse fields that the schema does not know."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for v in schema.values():
            close(v)
    elif isinstance(schema, list):
        for v in schema:
            close(v)


def main(schema_path, manifest_path):
    with open(schema_path) as f:
        schema = json.load(f)
    with open(manifest_path) as f:
        manifest = yaml.safe_load(f)
    close(schema["components"]["schemas"])
    if (manifest["apiVersion"], manifest["kind"]) != ("batch/v1", "Job"):
        sys.exit(f"{manifest_path}: not a job")
    schema["$ref"] = "#/components/schemas/io.k8s.api.batch.v1.Job"
    errors = list(jsonschema.Draft7Validator(schema).iter_errors(manifest))
    for e in errors:
        print(f"{manifest_path}: {'.'.join(map(str, e.absolute_path))}: {e.message}", file=sys.stderr)
    spec = manifest["spec"]
    [container] = spec["template"]["spec"]["containers"]
    env = {e["name"]: e["value"] for e in container.get("env", [])}
    if spec.get("completionMode") == "Indexed" and env.get("JOB_COMPLETIONS") != str(spec["completions"]):
        errors.append(None)
        print(f"{manifest_path}: JOB_COMPLETIONS is not the number of completions", file=sys.stderr)
    if errors:
        sys.exit(1)
    print(spec.get("completions", 1))
    print("\n".join(container.get("command", ["llmz"]) + container["args"]))


main(*sys.argv[1:])
