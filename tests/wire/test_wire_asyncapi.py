"""docs/asyncapi.yaml says what the code does, and docs/wire.md's example is a real envelope."""

import importlib.util
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest
import wire_vectors as make
import yaml
from factories import EVENING

from luutru.throwaway import throwaway_keys
from residence.wire import state, topics
from residence.wire.envelope import EnvelopeOpener, verify_envelope
from residence.wire.messages import MESSAGES

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text("utf-8"))


def maker():
    spec = importlib.util.spec_from_file_location("make_asyncapi", ROOT / "scripts" / "make_asyncapi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_code_gives():
    assert (ROOT / "docs" / "asyncapi.yaml").read_text("utf-8") == maker().text(), "run: python scripts/make_asyncapi.py"


def test_every_topic_of_the_code_is_a_channel_and_no_other():
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    ours = {f"{topics.ROOT}/{{shard}}/{{site}}/{{kiosk}}/{leaf}" for leaf in topics.LEAVES}
    papers = f"{topics.ROOT}/{{shard}}/{{site}}/{{kiosk}}/l/{{paper}}"
    pieces = topics.TRUST_PIECES.replace("+", "{place}")
    assert addresses == ours | {topics.GATEWAY_STATE, papers, pieces}


def test_every_channel_is_used_by_an_operation_and_every_reference_leads_somewhere():
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            for each in node.values():
                yield from references(each)
        if isinstance(node, list):
            for each in node:
                yield from references(each)

    for reference in references(DOCUMENT):
        node = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    used = {each["channel"]["$ref"].rsplit("/", 1)[1] for each in DOCUMENT["operations"].values()}
    assert used == set(DOCUMENT["channels"])


EXAMPLES = {
    "StayDeclaration": make.DECLARATION,
    "Presence": make.PRESENCE,
    "Receipt": make.receipt(),
    "KioskState": state.KioskState(kiosk_id="k", session=1, online=True, at="2026-07-10T07:00:00Z"),
    "GatewayState": state.GatewayState(online=True, at="2026-07-10T07:00:00Z"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_of_ours_fits_its_published_schema(name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.validate(msgspec.to_builtins(EXAMPLES[name]), schema)


def test_every_message_has_an_example_here():
    assert {kind.__name__ for kind in MESSAGES.values()} <= set(EXAMPLES)


def test_the_annotated_example_of_the_specification_opens():
    text = (ROOT / "docs" / "wire.md").read_text("utf-8")
    block = re.search(r"<!-- example -->\s*```text\n(.*?)```", text, re.DOTALL).group(1)
    data = bytes.fromhex("".join(line.split("#")[0].replace(" ", "") for line in block.splitlines()))
    keys = throwaway_keys()
    opened = EnvelopeOpener([keys.seal]).open(verify_envelope(data, keyring=keys.keyring, at=EVENING))
    assert opened.header.sequence == 1
    assert opened.message_json.startswith(b'{"declaration_id":')


def test_the_specification_names_every_header_label():
    from residence.wire.header import _LABELS

    text = (ROOT / "docs" / "wire.md").read_text("utf-8")
    for name, label in _LABELS.items():
        assert re.search(rf"\| {label} \| `{name}`", text), name
