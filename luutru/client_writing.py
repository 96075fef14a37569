"""Writes the typed Python client from the API's document: the shapes of what is sent and told, and one method for each operation.

- What the document says is what the client knows; ``scripts/docs`` writes both, and a test fails when they differ.
- Shapes are ``TypedDict``: a client needs nothing but Python, and what is sent is what was written.
- A key is asked for, never made: whoever sends again must have kept it.

Example: ``write(Path("luutru_client"))``
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

Schema = Mapping[str, Any]
REF: Final = "#/components/schemas/"
PLAIN: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}
SENT_DOC: Final = '''"""The shapes of what is sent, written by ``scripts/docs`` from the API's document.

- A field without ``NotRequired`` has to be there. Times are RFC 3339 with offset, days YYYY-MM-DD.

Example: ``change: Move = {"change": "move", "unit": "202"}``
"""
'''
TOLD_DOC: Final = '''"""The shapes of what is answered, written by ``scripts/docs`` from the API's document.

- A newer server may tell more; nothing here is ever taken away.

Example: ``def gone(stay: StayAnswer) -> bool: return stay["status"] == "ended"``
"""
'''
TOKENS_DOC: Final = '''"""The shapes of what is answered about tokens, written by ``scripts/docs`` from the API's document; ``line.py`` asks for them.

- A newer server may tell more; nothing here is ever taken away.

Example: ``def how_long(answer: TokenAnswer) -> int: return answer["expires_in"]``
"""
'''
LOOKS_DOC: Final = '''"""The shapes of what a person is told of who looked at them, written by ``scripts/docs`` from the API's document.

- A newer server may tell more; nothing here is ever taken away.

Example: ``def police(look: LookTold) -> bool: return look["role"] == "officer"``
"""
'''
CALLS_DOC: Final = '''"""One method for each operation of the API, written by ``scripts/docs`` from the API's document.

- A no of the server is ``line.ApiProblem``, with its code and every problem of the input.
- ``key`` names a piece of work: keep it, and send the same again until there is an answer.

Example: ``Api(line).get_premises()[0]["premises_id"]``
"""
'''


def python_type(schema: Schema) -> str:
    """Return the Python type of a schema.

    >>> python_type({"anyOf": [{"type": "string"}, {"type": "null"}]})
    'str | None'
    """
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(python_type(each) for each in schema[several]))
    if "enum" in schema:
        return f"Literal[{', '.join(_literal(each) for each in schema['enum'])}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{python_type(schema.get('items', {}))}]"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"dict[str, {python_type(schema['additionalProperties'])}]"
    return PLAIN[kind] if isinstance(kind, str) else "Any"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def shape(name: str, schema: Schema) -> str:
    """Return the definition of one schema."""
    if "properties" not in schema:
        if len(schema.get("enum", ())) > 1 and isinstance(schema["enum"][0], str):
            return "\n".join([f"{name} = Literal[", *(f"    {_literal(each)}," for each in schema["enum"]), "]"])
        return f"{name} = {python_type(schema)}"
    text = str(schema.get("description", name)).strip().rstrip(".")
    lines = [f"class {name}(TypedDict):", f'    """{text}."""', ""]
    for field, of in schema["properties"].items():
        kind = python_type(of)
        lines.append(f"    {field}: {kind if field in schema.get('required', ()) else f'NotRequired[{kind}]'}")
    return "\n".join(lines)


def names_in(schema: object) -> set[str]:
    """Return the schemas a schema speaks of."""
    if isinstance(schema, Mapping):
        own = {str(schema["$ref"]).removeprefix(REF)} if "$ref" in schema else set()
        return own.union(*(names_in(each) for each in schema.values()))
    return set().union(*(names_in(each) for each in schema)) if isinstance(schema, list) else set()


def reached(document: Schema, begin: Iterable[str]) -> set[str]:
    """Return the schemas reached from these."""
    schemas, found, ahead = document["components"]["schemas"], set[str](), set(begin)
    while ahead:
        found |= ahead
        ahead = set().union(*(names_in(schemas[each]) for each in ahead)) - found
    return found


def _shapes(document: Schema, names: set[str], doc: str, imported: Iterable[str] = ()) -> str:
    schemas = document["components"]["schemas"]
    classes = sorted(each for each in names if "properties" in schemas[each])
    words = sorted(names - set(classes), key=lambda each: (bool(names_in(schemas[each])), each))
    plain = [each for each in words if not names_in(schemas[each])]
    late = [each for each in words if names_in(schemas[each])]  # an alias is read at once, so what it names stands before it
    body = "\n\n\n".join(shape(each, schemas[each]) for each in (*plain, *classes, *late))
    used = [each for each in ("Any", "Literal", "NotRequired", "TypedDict") if re.search(rf"\b{each}\b", body)]
    others = sorted(each for each in imported if re.search(rf"\b{each}\b", body))
    head = f"{doc}\nfrom __future__ import annotations\n\nfrom typing import {', '.join(used)}\n"
    if others:
        head += "\nfrom luutru_client.sent import " + _in_brackets(others) + "\n"
    return f"{head}\n{'' if plain else chr(10)}{body}\n"


def _in_brackets(names: list[str]) -> str:
    return "(\n" + "".join(f"    {each},\n" for each in names) + ")"


def method(path: str, verb: str, operation: Schema) -> str:
    """Return the method of one operation."""
    parameters = operation.get("parameters", [])
    in_path = [each["name"] for each in parameters if each["in"] == "path"]
    takes = ["self", *(f"{name}: str" for name in in_path)]
    body = operation.get("requestBody")
    if body:
        takes.append(f"body: {python_type(body['content']['application/json']['schema'])}")
    named = _named(parameters)
    good = [told for status, told in operation["responses"].items() if status.startswith("2")]
    told = [python_type(each["content"]["application/json"]["schema"]).split(" | ") for each in good]
    answers = dict.fromkeys(name for each in told for name in each)
    keys = [*takes, "*", *(f"{name}: {kind}" for name, (kind, _) in named.items())] if named else takes
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation["operationId"]).lower()
    address = ", ".join(['f"' + re.sub(r"\{(\w+)\}", r"{part(\1)}", path) + '"' if in_path else f'"{path}"'])
    sent = ["body=body"] if body else []
    for place in ("query", "headers"):
        pairs = [f'"{of}": {name}' for name, (_, (where, of)) in named.items() if where == place]
        sent += [f"{place}={{{', '.join(pairs)}}}"] if pairs else []
    lines = [
        f"    def {name}(",
        *(f"        {each}," for each in keys),
        f"    ) -> {' | '.join(answers)}:",
        f'        """{operation["summary"]}"""',
        "        answer = self._line.call(",
        f'            "{verb.upper()}",',
        f"            {address},",
        *(f"            {each}," for each in sent),
        "        )",
        f"        return cast({_literal(' | '.join(answers))}, answer)",
    ]
    return "\n".join(lines)


def _named(parameters: list[Schema]) -> dict[str, tuple[str, tuple[str, str]]]:
    """Return keyword -> (type and default, (where it goes, what it is called there))."""
    found: dict[str, tuple[str, tuple[str, str]]] = {}
    for each in parameters:
        match each["name"]:
            case "Idempotency-Key":
                found["key"] = ("str", ("headers", "Idempotency-Key"))
            case "If-Match":
                found["if_match"] = ("str | None = None", ("headers", "If-Match"))
            case "dry_run":
                found["dry_run"] = ("bool = False", ("query", "dry_run"))
            case name if each["in"] == "query":
                found[name] = (f"{python_type(each['schema'])} | None = None", ("query", name))
    return dict(sorted(found.items(), key=lambda item: " = " in item[1][0]))


def calls(document: Schema, sent: set[str]) -> str:
    """Return the module of methods."""
    methods = [
        method(path, verb, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if "oauth" not in operation["tags"]
    ]
    body = "\n\n".join(methods)
    told = reached(document, document["components"]["schemas"]) - sent
    imports = ""
    looks = _only_of(document, "looks")
    for module, names in (("looks", looks - sent), ("sent", sent), ("told", told - looks)):
        used = sorted(each for each in names if re.search(rf"\b{each}\b", body))
        imports += f"from luutru_client.{module} import {_in_brackets(used)}\n"
    return (
        f"{CALLS_DOC}\nfrom __future__ import annotations\n\nfrom typing import cast\n\nfrom luutru_client.line import Line, part\n{imports}\n\n"
        'class Api:\n    """The operations of one server."""\n\n    def __init__(self, line: Line) -> None:\n        self._line = line\n\n'
        + body
        + "\n"
    )


def _only_of(document: Schema, tag: str) -> set[str]:
    """Return the schemas that only operations with this tag speak of."""
    operations = [operation for verbs in document["paths"].values() for operation in verbs.values()]
    named = {True: set[str](), False: set[str]()}
    for operation in operations:
        named[tag in operation["tags"]] |= reached(document, names_in(operation))
    return named[True] - named[False]


def modules(document: Schema) -> dict[str, str]:
    """Return file name -> content."""
    bodies = {
        name
        for verbs in document["paths"].values()
        for operation in verbs.values()
        for name in names_in(operation.get("requestBody", {}))
    }
    sent = reached(document, bodies)
    told = set(document["components"]["schemas"]) - sent
    tokens, looks = told & _only_of(document, "oauth"), told & _only_of(document, "looks")
    return {
        "sent.py": _shapes(document, sent, SENT_DOC),
        "told.py": _shapes(document, told - tokens - looks, TOLD_DOC, imported=sent),
        "tokens.py": _shapes(document, tokens, TOKENS_DOC),
        "looks.py": _shapes(document, looks, LOOKS_DOC),
        "calls.py": calls(document, sent),
    }


def write(directory: Path) -> None:
    """Write the modules into ``directory``."""
    from server.api.document import document

    for name, content in modules(document()).items():
        directory.joinpath(name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
