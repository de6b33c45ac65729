"""`python docs/generate.py` writes report.md, out of the schema of reports."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parent / "ciwen_crawler" / "report.schema.json"
PAGE = HERE / "report.md"
_HEAD = "| key | type | meaning |\n|---|---|---|\n"


def report_page() -> str:
    """The page, as Markdown."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = [
        f"# {schema['title']}\n\n{schema['description']}\n",
        "The schema for programs is [report.schema.json](../ciwen_crawler/report.schema.json).\n",
        _HEAD + "".join(_rows(schema, "", schema["$defs"])),
    ]
    return "\n".join(parts)


def _rows(schema: dict[str, Any], prefix: str, defs: dict[str, Any]) -> Iterator[str]:
    for key, each in schema.get("properties", {}).items():
        whole = _resolved(each, defs)
        name = f"{prefix}{key}"
        yield f"| `{name}` | {_type(whole, defs)} | {each.get('description') or whole['description']} |\n"
        inner = _resolved(whole.get("items") or _any_key(whole) or whole, defs)
        if "properties" in inner:
            yield from _rows(inner, f"{name}[]." if inner is not whole else f"{name}.", defs)


def _resolved(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    return defs[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _any_key(schema: dict[str, Any]) -> dict[str, Any] | None:
    found = schema.get("additionalProperties")
    return found if isinstance(found, dict) else None


def _type(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if schema.get("items"):
        return f"array of {_type(_resolved(schema['items'], defs), defs)}"
    if _any_key(schema):
        return f"object of {_type(_resolved(_any_key(schema) or {}, defs), defs)}"
    return " or ".join(kinds)


if __name__ == "__main__":
    PAGE.write_text(report_page(), encoding="utf-8")
