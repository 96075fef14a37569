"""``luutru door sign-lists``: the lists of doors in force, written out to be published beside kiosks' settings (docs/configuration.md).

- It signs with the key the gateway signs with, and takes its numbers where the gateway does: both say the same of a version.
- A file for each site, replaced in one step; its parts are the very bytes that the gateway sends over the broker.

Example: ``luutru door sign-lists lists/ --keys keys --site blk-hoa-binh``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luutru.commands.door_answers import answering
from luutru.commands.door_keys import PURPOSES
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption


def sign_lists(
    folder: Annotated[Path, typer.Argument(help="Where a file for each site is written.")],
    *,
    keys: Annotated[Path, typer.Option("--keys", envvar="LUUTRU_KEYS", help="Directory of the gateway's keys.")] = Path("keys"),
    site: Annotated[list[str], typer.Option(help="Only this premises; may be given several times.")] = [],  # noqa: B006 - never changed
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Write the signed list of each premises with doors, for luutru config doors.

    Example: luutru door sign-lists lists/ --keys keys --site blk-hoa-binh
    """
    from firmware_config.signed.door_list import write_door_list
    from gateway.door_lists import renewed
    from luutru.keys import key_files, read_signing_key
    from luutru.opening import open_registry
    from luutru.system import random_bytes, system_clock
    from registry.doors import sites
    from registry.durable_files import replace_whole
    from residence.errors import Refused

    with answering(json=json) as answer:
        found = key_files(keys, PURPOSES["door-list"])
        if not found:
            raise Refused("key.file_missing", "", f"no door-list.key in {keys}")
        signer = read_signing_key(found[-1], use="door-list")
        folder.mkdir(parents=True, exist_ok=True)
        known, written = open_registry(registry, vault), []
        try:
            with known.reading() as connection:
                places = [each for each in sites(connection) if not site or each.premises_id in site]
            for each in places:
                papers = renewed(known, each, signer=signer, random_bytes=random_bytes, now=system_clock().now())
                if papers is None:
                    continue  # a gateway was faster; the next run has what it decided
                parts = [
                    papers.signed[str(place)] for place in range(len(papers.signed) - 1)
                ]  # orders are the last, and go at once
                replace_whole(folder / f"{each.premises_id}.json", write_door_list(each.premises_id, parts))
                written.append({"site": each.premises_id, "version": papers.site.list_version, "parts": len(parts)})
        finally:
            known.close()
        answer["lists"] = written
