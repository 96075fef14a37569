"""``luutru gateway nightly``: do what is due of the night's work and nobody has done today, then end.

- For a timer in place of the running gateway's own thread (``--night-hour -1`` there). Twice on one day changes nothing.

Example: ``luutru gateway nightly --registry sqlite:////var/lib/luutru/registry.db --json``
"""

from __future__ import annotations

from pathlib import Path

from luutru.choices import ChoicesOption, choices_of
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened
from luutru.retention import RetentionOption, policy_of


def nightly(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    choices: ChoicesOption = None,
    retention: RetentionOption = None,
    json: JsonOption = False,
) -> None:
    """Delete what is due, look after the register and count how it stands, if nobody has done so today.

    Example: luutru gateway nightly --json
    """
    from gateway.nightly import Night, tend
    from luutru.logs import configure_logs
    from luutru.system import random_bytes, system_clock

    configure_logs()
    chosen = choices_of(choices)
    night = Night(
        hour=0,
        choices=chosen.cleaning,
        second_view_percent=chosen.second_view_percent,
        publish_least=chosen.publish_least,
        key_times=chosen.keys,
        retention=policy_of(retention),
    )
    with answering(json=json) as answer, opened(registry, vault) as known:
        answer["done"] = tend(known, night=night, clock=system_clock(), random_bytes=random_bytes)
