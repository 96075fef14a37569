"""A machine's files held against the programs that will read them: systemd, udev, chrony, cloud-init, RAUC and Mosquitto, all real."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from bare_kiosk import BareKiosk, wait_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from factories import EVENING
from machine_parts import ROOM, files_of, machine_of, write_machine
from typer.testing import CliRunner

from firmware_config.site_bridge import bridge_configuration, site_access_rules
from luutru.commands.firmware import app
from luutru.demo.broker import Broker, free_port
from luutru.firmware_gates import run_gates
from luutru.site_broker import SiteBroker
from luutru.system import random_bytes
from residence.wire.topics import kiosk_topics

SITE, KIOSK = "blk-hoa-binh", "kiosk-lobby-1"


def test_a_machine_with_everything_passes_every_gate_and_is_packed(tmp_path):
    archive = tmp_path / "lobby.tar"
    said = CliRunner().invoke(app, ["build", str(write_machine("lobby", tmp_path)), str(archive), "--room", str(ROOM), "--json"])
    gates = json.loads(said.stdout)["gates"]
    assert [(each["gate"], each["said"]) for each in gates if each["outcome"] != "passed"] == []
    assert len(gates) == 8
    assert archive.stat().st_size > 10_000


SPOILT = {
    "systemd-analyze verify": ("etc/systemd/system/luutru-kiosk@.service", "WatchdogSec=", "WatchdogSeconds="),
    "systemd-analyze security luutru-kiosk@.service <= 2.0": ("etc/systemd/system/luutru-kiosk@.service", "ProtectSystem=strict", "PrivateMounts=no"),
    "systemd-sysusers": ("etc/sysusers.d/luutru.conf", "u luutru ", "x luutru "),
    "udevadm verify": ("etc/udev/rules.d/70-luutru.rules", "SYMLINK+=", "SYMLINKS+="),
    "chronyd -p": ("etc/chrony/chrony.conf", "minsources 2", "minsource 2"),
    "cloud-init schema": ("etc/cloud/cloud.cfg.d/90-luutru.cfg", "hostname:", "host_name:"),
}  # fmt: skip


@pytest.fixture(scope="module")
def spoilt():
    """All files spoilt at once: every gate has to find its own. The unit is made weaker rather than wrong for the second gate."""
    files = files_of("osdp-two-door")
    for name, before, after in SPOILT.values():
        assert before in files[name]
        files[name] = files[name].replace(before, after)
    for line in (
        "NoNewPrivileges=yes",
        "RestrictNamespaces=yes",
        "ProtectKernelModules=yes",
        "SystemCallFilter=@system-service",
        "CapabilityBoundingSet=",
    ):
        files[SPOILT["systemd-analyze verify"][0]] = files[SPOILT["systemd-analyze verify"][0]].replace(f"{line}\n", "")
    return {each.gate: each for each in run_gates(machine_of("osdp-two-door"), files, room=ROOM)}  # fmt: skip


@pytest.mark.parametrize("gate", SPOILT)
def test_a_gate_finds_what_is_wrong(spoilt, gate):
    assert spoilt[gate].outcome == "failed"
    assert spoilt[gate].said


def test_a_program_that_is_missing_is_no_pass_unless_it_was_said_so(tmp_path):
    room = tmp_path / "empty"
    (room / "usr/bin").mkdir(parents=True)
    path = write_machine("hotel-desk", tmp_path)
    said = CliRunner().invoke(app, ["check", str(path), "--room", str(room), "--json"])
    assert said.exit_code == 1
    assert {each["outcome"] for each in json.loads(said.stdout)["gates"]} == {"not run"}
    allowed = [word for name in ("systemd", "udevadm", "chronyd", "cloud-init") for word in ("--without", name)]
    assert CliRunner().invoke(app, ["check", str(path), "--room", str(room), *allowed]).exit_code == 0


def _signer(name):
    """Somebody who signs images: a certificate for nothing else in particular, its own authority."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
    certificate = (
        builder.not_valid_before(EVENING - timedelta(days=900))
        .not_valid_after(EVENING + timedelta(days=900))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret


def test_a_bundle_signed_for_this_machine_is_known_and_a_strangers_is_not(tmp_path):
    """The compatible string and the formats allowed are what the rendered system.conf says."""
    place = Path(f"{ROOM}/rauc-test-{tmp_path.name}")
    (place / "content").mkdir(parents=True)
    try:
        for name in ("ours", "strangers"):
            certificate, key = _signer(name)
            (place / f"{name}.pem").write_bytes(certificate)
            (place / f"{name}.key").write_bytes(key)
        compatible = machine_of("lobby").update.compatible
        (place / "content/manifest.raucm").write_text(
            f"[update]\ncompatible={compatible}\nversion=1\n\n[bundle]\nformat=verity\n\n[image.rootfs]\nfilename=root.img\n"
        )
        # zeros would be packed to nothing, which has no tree of digests
        (place / "content/root.img").write_bytes(random_bytes(8192))
        (place / "system.conf").write_text(files_of("lobby")["etc/rauc/system.conf"])

        def rauc(*words):
            # the tree of digests is written through /proc, which no room has by itself; in a chroot "/" is no mount to be made private
            proc = 'mount --make-rprivate / 2>/dev/null; mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
            enter = ["unshare", "--mount", "--propagation", "unchanged", "--pid", "--fork", "sh", "-c", proc, str(ROOM)]
            return subprocess.run([*enter, "rauc", *words], capture_output=True, text=True, timeout=60)

        seen = f"/{place.name}"
        made = rauc("bundle", f"--cert={seen}/ours.pem", f"--key={seen}/ours.key", f"{seen}/content", f"{seen}/a.raucb")
        assert made.returncode == 0, made.stderr
        known = rauc("info", f"--conf={seen}/system.conf", f"--keyring={seen}/ours.pem", f"{seen}/a.raucb")
        assert (known.returncode, compatible in known.stdout) == (0, True), known.stderr
        strange = rauc("info", f"--conf={seen}/system.conf", f"--keyring={seen}/strangers.pem", f"{seen}/a.raucb")
        assert (strange.returncode, "signature verification failed" in strange.stderr) == (1, True), strange.stderr
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


@pytest.fixture
def bridged(tmp_path, pki):
    """The authority's broker and a site's, the second made from a machine's file; both real."""
    central = Broker(tmp_path / "authority", pki=pki)
    central.directory.mkdir()
    central.access.bridge(SITE)
    folder, port = tmp_path / "site", free_port()
    folder.mkdir()
    machine = machine_of("lobby")
    here = msgspec.structs.replace(machine.bridge, listen_port=port, address="127.0.0.1", port=central.port)
    text = bridge_configuration(msgspec.structs.replace(machine, bridge=here), folder=str(folder), data=str(folder))
    with central, SiteBroker(folder, pki, text, site_access_rules(), port=port, site=SITE) as site:
        yield central, site


def test_a_sites_broker_passes_on_its_own_site_and_nothing_else(bridged):
    central, site = bridged
    gateway = BareKiosk(central, "luutru-gateway", identity=central.pki.gateway())
    gateway.subscribe("luutru/1/+/+/+/d")
    kiosk, other = BareKiosk(site, KIOSK), BareKiosk(site, "kiosk-desk-1")
    own, foreign = kiosk_topics(SITE, KIOSK), kiosk_topics("htl-sao-mai", "kiosk-desk-1")
    for each in (kiosk, other):
        each.subscribe("#")
    wait_for(lambda: kiosk.send(own.declarations, b"one") == 0 and (own.declarations, b"one") in gateway.heard)
    wait_for(lambda: gateway.send(own.receipts, b"receipt") == 0)
    wait_for(lambda: (own.receipts, b"receipt") in kiosk.heard)
    assert other.send(own.declarations, b"forged") == 0x87
    lone = BareKiosk(site, "kiosk-desk-1")
    lone.send(foreign.declarations, b"of another site, which this bridge does not carry")
    kiosk.send(own.declarations, b"two")
    wait_for(lambda: (own.declarations, b"two") in gateway.heard)
    assert other.heard == []
    bridge = BareKiosk(
        central, "bridge.blk-hoa-binh", client_id="a-stolen-bridge", identity=central.pki.gateway("bridge.blk-hoa-binh")
    )
    assert bridge.send(foreign.declarations, b"forged") == 0x87
    for each in (gateway, kiosk, lone):
        each.close()
    assert {payload for _, payload in gateway.heard} == {b"one", b"two"}
