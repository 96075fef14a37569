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
NOT_FOR_HOUSES: Final = frozenset({"looks"})  # tags of operations that are a person's own; the client is a house's
APART: Final = "webhooks"  # the tag whose operations and shapes have a module of their own
APART_DOC: Final = '''"""Webhooks: their shapes and their operations, written by ``scripts/docs`` from the API's document.

- ``WebhookBody`` is what an address of yours is sent.

Example: ``Api(line).post_webhook({"url": "https://pms.example/luutru"}, key="...")``
"""
'''
CALLS_DOC: Final = '''"""One method for each operation of the API, written by ``scripts/docs`` from the API's document.

- A no of the server is ``line.ApiProblem``, with its code and every problem of the input.
- ``key`` names a piece of work: keep it, and send the same again until there is an answer.

Example: ``Api(line).get_premises()[0]["premises_id"]``
"""
'''
LONGEST_LINE = 110


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
        words = ", ".join(_literal(each) for each in schema["enum"])
        long = "".join(f"        {_literal(each)},\n" for each in schema["enum"])  # as the formatter breaks a field's line
        return f"Literal[{words}]" if len(words) < LONGEST_LINE else f"Literal[\n{long}    ]"
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


def _methods(document: Schema, *, apart: bool) -> str:
    return "\n\n".join(
        method(path, verb, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if not {"oauth", *NOT_FOR_HOUSES}.intersection(operation["tags"]) and (APART in operation["tags"]) is apart
    )


def _only_of(document: Schema, tag: str) -> set[str]:
    """Return the schemas that only operations with this tag speak of."""
    operations = [operation for verbs in document["paths"].values() for operation in verbs.values()]
    named = {True: set[str](), False: set[str]()}
    for operation in operations:
        named[tag in operation["tags"]] |= reached(document, names_in(operation))
    return named[True] - named[False]


def _imports(body: str, places: Mapping[str, set[str]]) -> str:
    imports = ""
    for module, names in places.items():
        used = sorted(each for each in names if re.search(rf"\b{each}\b", body))
        imports += f"from luutru_client.{module} import {_in_brackets(used)}\n" if used else ""
    return imports


def calls(document: Schema, places: Mapping[str, set[str]]) -> str:
    """Return the module of methods. ``places``: module -> the shapes it holds."""
    body = _methods(document, apart=False)
    return (
        f"{CALLS_DOC}\nfrom __future__ import annotations\n\nfrom typing import cast\n\nfrom luutru_client.line import part\n"
        f"{_imports(body, places)}from luutru_client.{APART} import {APART.title()}\n\n\n"
        f'class Api({APART.title()}):\n    """The operations of one server."""\n\n{body}\n'
    )


def apart(document: Schema, names: set[str], places: Mapping[str, set[str]]) -> str:
    """Return the module of what stands apart: its shapes, then its methods as a part of ``Api``."""
    body = _methods(document, apart=True)
    shapes = _shapes(document, names, APART_DOC)
    shapes = shapes.replace("import Literal, NotRequired, TypedDict\n", "import Literal, NotRequired, TypedDict, cast\n")
    own = shapes.partition("TypedDict, cast\n")
    imports = f"\nfrom luutru_client.line import Line, part\n{_imports(own[2], places)}"
    begin = '    """The operations of webhooks."""\n\n    def __init__(self, line: Line) -> None:\n        self._line = line\n\n'
    return f"{own[0]}{own[1]}{imports}{own[2]}\n\nclass {APART.title()}:\n{begin}{body}\n"


def _named_by(document: Schema, *, apart: bool, bodies: bool) -> set[str]:
    return {
        name
        for verbs in document["paths"].values()
        for operation in verbs.values()
        if (APART in operation["tags"]) is apart
        for name in names_in(operation.get("requestBody", {}) if bodies else operation)
    }


def modules(document: Schema) -> dict[str, str]:
    """Return file name -> content."""
    everywhere = reached(document, _named_by(document, apart=False, bodies=False))
    own = reached(document, _named_by(document, apart=True, bodies=False) | names_in(document["webhooks"])) - everywhere
    sent = reached(document, _named_by(document, apart=False, bodies=True))
    told = set(document["components"]["schemas"]) - sent - own
    tokens = told & _only_of(document, "oauth")
    told = (told - tokens).difference(*(_only_of(document, tag) for tag in NOT_FOR_HOUSES))
    places = {"sent": sent, "told": told, "tokens": tokens}
    return {
        "sent.py": _shapes(document, sent, SENT_DOC),
        "told.py": _shapes(document, told, TOLD_DOC, imported=sent),
        "tokens.py": _shapes(document, tokens, TOKENS_DOC),
        f"{APART}.py": apart(document, own, places),
        "calls.py": calls(document, places),
    }


def write(directory: Path) -> None:
    """Write the modules into ``directory``."""
    from server.api.document import document

    for name, content in modules(document()).items():
        directory.joinpath(name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
