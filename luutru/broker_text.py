"""Mosquitto's configuration: one text for demo, tests and production, each setting with its reason beside it.

- What all have is ``CONFIGURATION``; what only an authority's broker in earnest has besides is ``PRODUCTION``: a second listener, and limits of its machine.
- Reasons with a number are traps of Mosquitto 2.0.11, each shown by a test (docs/brokers.md).
- Two listeners, because one rule can only hold for kiosks: their client id is their certificate's name, so none can throw another off (T14). All
  workers of the gateway share a name, so theirs cannot be; theirs listens where only they come.

Example: ``configuration_text(BrokerSettings(folder="/etc/luutru-broker"))``
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

Folder = Annotated[str, msgspec.Meta(pattern=r"^/[A-Za-z0-9._/-]{1,200}\Z")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Address = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F:.]{2,45}\Z")]
Network = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F:.]{2,45}/[0-9]{1,3}\Z")]
PACKET_BYTES: Final = 16_384
QUEUE_BYTES: Final = 512 * 1024 * 1024

CONFIGURATION: Final = """\
# Certificates and rules belong to a listener, not to all of them.
per_listener_settings true
{user}# By this file the command that revokes a kiosk finds the process.
pid_file {pid_file}
# Queues outlive a polite restart. T3, T4: not a kill; receipts make up for that.
persistence true
persistence_location {data}/
# Makes a loss rarer. Never on every change: that writes the whole store for each message.
autosave_interval {autosave}
# T1: a limit by number drops what it has acknowledged before. So none by number ...
max_queued_messages 0
# ... but by bytes, for each client: T2, a session nobody fetches grows without end.
max_queued_bytes {queue_bytes}
# T13: the client's own receive maximum is what counts; the gateway's is four batches.
max_inflight_messages 0
# T12: without it small messages wait for 40 ms.
set_tcp_nodelay true
# T2: who does not come back for so long is forgotten; its kiosk sends again.
persistent_client_expiration 14d
# Told to kiosks when they connect, and why when they are cut. The other size limit answers with a code MQTT does not allow.
max_packet_size {packet_bytes}
# A line that is dead is noticed within minutes, whatever a client wishes.
max_keepalive 120
# Who came and went, which names kiosks and nobody else.
connection_messages true
# What goes wrong and who is refused; systemd keeps it.
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S

# Where clients come in.
listener {port} {host}
# Both sides prove who they are; nothing older than TLS 1.3.
cafile {ca}
certfile {certificate}
keyfile {key}
# Past its end it lets nobody in: luutru doctor --tls says so thirty days before.
crlfile {revocations}
tls_version {tls_version}
require_certificate true
# The certificate's common name is the user; no passwords.
use_identity_as_username true
allow_anonymous false
# Kiosks touch their own topics, by pattern; who is shut out nothing.
acl_file {acl}
"""

FOR_KIOSKS_ALONE: Final = """\
# T14: the client id is the certificate's name, so nobody can take another's and throw it off.
use_username_as_clientid true
# We speak QoS 1 and need no state of four-step exchanges.
max_qos 1
# Beyond it a connection is refused before it costs a handshake's memory.
max_connections {connections}

"""

OF_THE_MACHINE: Final = """\
# All memory: beyond it whoever sends or does not read is cut, and the broker lives on.
memory_limit {memory_bytes}
# Sent and not acknowledged, for one client: whoever does not read gets no more. The gateway's four batches of the largest have room.
max_inflight_bytes {inflight_bytes}
# Nothing asks for the broker's own figures by MQTT.
sys_interval 0
# A message is delivered as it was sent.
upgrade_outgoing_qos false
# A retained message whose writer lost the right to write it is no longer delivered.
check_retain_source true
"""

FOR_GATEWAYS: Final = """\
# The gateways, on a network where only they are: all workers share a certificate's name, so their client ids are their own.
listener {gateway_port} {gateway_host}
cafile {ca}
certfile {certificate}
keyfile {key}
crlfile {revocations}
tls_version {tls_version}
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {acl}
"""


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authority's broker. ``kiosks_*``: where kiosks come in; ``gateways_*``: where gateways do, and from which network."""

    folder: Folder = "/etc/luutru-broker"
    data: Folder = "/var/lib/mosquitto"
    kiosks_host: Address = "0.0.0.0"  # noqa: S104 - kiosks come from everywhere
    kiosks_port: Port = 8883
    gateways_host: Address = "127.0.0.1"
    gateways_port: Port = 8884
    gateways_from: Network = "127.0.0.0/8"
    connections: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20_000
    memory_mib: Annotated[int, msgspec.Meta(ge=16, le=1_048_576)] = 4096
    inflight_mib: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 64
    queue_mib: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 512
    per_address: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 64  # connections from one address: a site behind one
    new_per_second: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10  # connections from one address, each second
    kib_per_second: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 512  # from one address


def configuration_text(settings: BrokerSettings, *, user: str = "user mosquitto\n") -> str:
    """Return mosquitto.conf of an authority's broker."""
    folder = settings.folder
    general, listener = CONFIGURATION.split("\n\n")
    text = "\n".join((general, OF_THE_MACHINE, listener + FOR_KIOSKS_ALONE + FOR_GATEWAYS))
    return text.format(
        user=user,
        pid_file=f"{folder}/mosquitto.pid",
        data=settings.data,
        autosave=5,
        queue_bytes=settings.queue_mib * 1024 * 1024,
        packet_bytes=PACKET_BYTES,
        inflight_bytes=settings.inflight_mib * 1024 * 1024,
        memory_bytes=settings.memory_mib * 1024 * 1024,
        host=settings.kiosks_host,
        port=settings.kiosks_port,
        gateway_host=settings.gateways_host,
        gateway_port=settings.gateways_port,
        connections=settings.connections,
        ca=f"{folder}/ca.pem",
        certificate=f"{folder}/broker.pem",
        key=f"{folder}/broker.key",
        revocations=f"{folder}/crl.pem",
        acl=f"{folder}/access.acl",
        tls_version="tlsv1.3",
    )


def firewall_text(settings: BrokerSettings) -> str:
    """Return nftables' rules: what Mosquitto has no setting for. An address is a site, with all its kiosks behind it."""
    lines = [
        "# Written by `luutru broker render`: limits for each address, before anything costs a handshake.",
        "table inet luutru_broker {",
    ]
    families = (("ip", "ipv4_addr"), ("ip6", "ipv6_addr"))
    for family, kind in families:
        for use in ("open", "new", "bytes"):
            lines += [
                f"  set {family}_{use} {{",
                f"    type {kind}",
                "    size 65535",
                "    flags dynamic",
                *(["    timeout 1m"] if use != "open" else []),
                "  }",
            ]
    gateways = "ip6" if ":" in settings.gateways_from else "ip"
    other = "ip" if gateways == "ip6" else "ip6"
    port = settings.kiosks_port
    lines += [
        "  chain input {",
        "    type filter hook input priority filter; policy accept;",
        "    # Gateways come from their own network and from nowhere else.",
        f"    tcp dport {settings.gateways_port} {gateways} saddr != {settings.gateways_from} drop",
        f"    tcp dport {settings.gateways_port} meta nfproto {'ipv4' if other == 'ip' else 'ipv6'} drop",
    ]
    for family, _ in families:
        lines += [
            "    # Not too many connections at once, not too many new ones, not too many bytes: TCP then slows the sender down.",
            f"    tcp dport {port} ct state new add @{family}_open {{ {family} saddr ct count over {settings.per_address} }} reject with tcp reset",
            f"    tcp dport {port} ct state new add @{family}_new {{ {family} saddr limit rate over {settings.new_per_second}/second burst {settings.per_address} packets }} drop",
            f"    tcp dport {port} add @{family}_bytes {{ {family} saddr limit rate over {settings.kib_per_second} kbytes/second burst {settings.kib_per_second * 4} kbytes }} drop",
        ]
    return "\n".join((*lines, "  }", "}", ""))  # fmt: skip


_SHUT_IN: Final = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "ProtectHostname=yes",
    "ProtectClock=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "RestrictAddressFamilies=AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RemoveIPC=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "UMask=0077",
)


def unit_text(settings: BrokerSettings) -> str:
    """Return the unit that runs the broker, and starts it anew when it ends: that is how new rules are taken up (ADR 23)."""
    return "\n".join(
        (
            "# Written by `luutru broker render`.",
            "[Unit]",
            "Description=Luutru broker",
            "After=network-online.target",
            "Wants=network-online.target",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"ExecStart=/usr/sbin/mosquitto -c {settings.folder}/mosquitto.conf",
            "User=mosquitto",
            "# A polite end is how a new list of revocations comes into force; what ended is started within a second.",
            "Restart=always",
            "RestartSec=200ms",
            "# It saves its queues before it ends.",
            "TimeoutStopSec=60",
            f"LimitNOFILE={settings.connections + 1024}",
            "LimitCORE=0",
            "MemorySwapMax=0",
            f"ReadWritePaths={settings.data} {settings.folder}",
            *_SHUT_IN,
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        )
    )
