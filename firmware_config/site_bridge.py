"""A Mosquitto at a site that passes on between its kiosks and the authority's broker: for many kiosks behind one poor line.

- Kiosks come in with their own certificates, as they would at the authority, and may touch their own topics only.
- The bridge carries this site's topics and the gateway's announcements, and nothing else in either direction.
- What a kiosk promised is settled by the gateway's signed receipt, through however many brokers: the bridge may lose everything and nothing is lost.
- The authority's broker must know the bridge: ``bridge_rules`` are the lines of its access rules. A bridge speaks for every kiosk of its site, so
  a stolen one is shut out as a kiosk is; the gateway believes signatures and never a bridge.

Example: ``bridge_configuration(machine)``
"""

from __future__ import annotations

from typing import Final

from firmware_config.machines import BridgeSection, Machine
from residence.wire.topics import GATEWAY_STATE, ROOT, TRUST_PIECES, acl_lines, shard_of

FOLDER: Final = "/etc/mosquitto/luutru"
_UP: Final = ("d", "s", "e")
_DOWN: Final = ("r", "c", "l/+")


def bridge_name(site: str) -> str:
    """Return the common name of a site's bridge. No kiosk can have the same: there is no dot in an id."""
    return f"bridge.{site}"


def bridge_rules(site: str) -> tuple[str, ...]:
    """Return what the authority's broker allows a site's bridge."""
    below = f"{ROOT}/{shard_of(site):02d}/{site}/+"
    return (
        f"user {bridge_name(site)}",
        *(f"topic write {below}/{leaf}" for leaf in _UP),
        *(f"topic read {below}/{leaf}" for leaf in _DOWN),
        f"topic read {GATEWAY_STATE}",
        f"topic read {TRUST_PIECES}",
        "",
    )


def bridge_configuration(machine: Machine, *, folder: str = FOLDER, data: str = "/var/lib/mosquitto") -> str:
    """Return the site broker's configuration, each setting with its reason."""
    return "\n".join((*_listening(machine.bridge, folder, data), *_passing_on(machine.bridge, folder), ""))


def _listening(bridge: BridgeSection, folder: str, data: str) -> tuple[str, ...]:
    return (
        "# Written by `luutru firmware render`; changes are lost.",
        "# Rules and certificates belong to a listener, not to all of them.",
        "per_listener_settings true",
        "# Queues outlive a restart; what is lost all the same is sent again by its kiosk.",
        "persistence true",
        f"persistence_location {data}/",
        "autosave_interval 5",
        "# No limit by number, which would drop after acknowledging; a limit by bytes, which the kiosk's memory needs.",
        "max_queued_messages 0",
        f"max_queued_bytes {bridge.queue_mib * 1024 * 1024}",
        "max_packet_size 16384",
        "max_keepalive 120",
        "set_tcp_nodelay true",
        "persistent_client_expiration 14d",
        "",
        f"listener {bridge.listen_port} {bridge.listen}",
        "# The authority's certificates, as at its own broker; nobody comes in without one.",
        f"cafile {folder}/ca.pem",
        f"certfile {folder}/site.pem",
        f"keyfile {folder}/site.key",
        f"crlfile {folder}/crl.pem",
        "tls_version tlsv1.3",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        f"acl_file {folder}/access.acl",
        "",
    )


def _passing_on(bridge: BridgeSection, folder: str) -> tuple[str, ...]:
    below = f"{ROOT}/{shard_of(bridge.site):02d}/{bridge.site}/+"
    return (
        f"connection {bridge_name(bridge.site)}",
        f"address {bridge.address}:{bridge.port}",
        "# MQTT 5, so that a refusal is told by its reason.",
        "bridge_protocol_version mqttv50",
        f"remote_clientid {bridge_name(bridge.site)}",
        "cleansession false",
        "restart_timeout 5 60",
        "# No message about the bridge itself, and no asking for a bridge's rights.",
        "notifications false",
        "try_private false",
        f"bridge_cafile {folder}/ca.pem",
        f"bridge_certfile {folder}/bridge.pem",
        f"bridge_keyfile {folder}/bridge.key",
        "bridge_tls_version tlsv1.3",
        "# Up: what kiosks say. Down: what is said to them.",
        *(f"topic {below}/{leaf} out 1" for leaf in _UP),
        *(f"topic {below}/{leaf} in 1" for leaf in _DOWN),
        f"topic {GATEWAY_STATE} in 1",
        f"topic {TRUST_PIECES} in 1",
    )


def site_access_rules() -> str:
    """Return the site broker's access rules: kiosks as at the authority; no gateway comes in here."""
    return "\n".join((*acl_lines("luutru-gateway"), ""))
