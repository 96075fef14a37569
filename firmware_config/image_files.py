"""What makes a small computer a kiosk besides its units: accounts, folders, a read-only root, logs in memory, updates in two slots, the first boot.

- The root is read-only under an overlay in memory: a power cut leaves nothing half written. What must stay lies on the data partition.
- Logs are in memory and bounded, there is no swap and no core dump: what was in memory is gone with the power.
- The hardware's watchdog starts the machine anew when the system itself hangs; a unit's own (``units.py``) when a process does.
- Images come as RAUC bundles signed for this kind of machine into the slot that does not run; we have no updater of our own.
- Nothing here is a secret; keys and certificates lie on the data partition, and are brought there by whoever enrols the kiosk.

Example: ``image_files(machine)["etc/rauc/system.conf"]``
"""

from __future__ import annotations

from firmware_config.machines import Machine
from firmware_config.screens import USER as SCREEN_USER
from firmware_config.units import STATE, USER

WRITTEN = "# Written by `luutru firmware render`; changes are lost."
PACKAGES = ("chrony", "overlayroot", "pcscd", "rauc", "systemd-resolved")
SCREEN_PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-noto-cjk", "fonts-noto-core", "sway")


def image_files(machine: Machine, kiosk_ids: tuple[str, ...]) -> dict[str, str]:
    """Return the files by their path below the root; those under ``image/`` are for whoever builds the image."""
    return {
        "etc/sysusers.d/luutru.conf": _lines(
            WRITTEN, f'u {USER} - "Luutru kiosk" {STATE}', *((f'u {SCREEN_USER} - "Luutru screen" /run/{SCREEN_USER}',) if machine.screen.enabled else ())
        ),
        "etc/tmpfiles.d/luutru.conf": _first_profiles(kiosk_ids),
        "etc/overlayroot.conf": _lines(WRITTEN, "# The root is read-only below memory; other file systems are left alone.", 'overlayroot="tmpfs:recurse=0"'),
        "etc/systemd/journald.conf.d/luutru.conf": _lines(
            WRITTEN,
            "[Journal]",
            "# In memory: a card is not worn out, and nothing stays when the power goes.",
            "Storage=volatile",
            f"RuntimeMaxUse={machine.log_mib}M",
            "ForwardToSyslog=no",
            "ForwardToConsole=no",
            "RateLimitIntervalSec=30s",
            "RateLimitBurst=2000",
        ),
        "etc/systemd/system.conf.d/luutru.conf": _lines(
            WRITTEN, "[Manager]", "# The hardware's watchdog: when the system itself hangs, the machine starts anew.", "RuntimeWatchdogSec=15s", "RebootWatchdogSec=2min"
        ),
        "etc/systemd/coredump.conf.d/luutru.conf": _lines(WRITTEN, "[Coredump]", "Storage=none", "ProcessSizeMax=0"),
        "etc/sysctl.d/60-luutru.conf": _lines(WRITTEN, "# No memory on disk: neither of a process that crashed nor of one that sleeps.", "kernel.core_pattern=|/bin/false", "vm.swappiness=0", "# The kernel does nothing that a keyboard asks of it.", "kernel.sysrq=0", "kernel.kptr_restrict=2", "kernel.unprivileged_bpf_disabled=1"),
        "etc/systemd/system/var-lib-luutru.mount": _data_mount(machine),
        "etc/rauc/system.conf": _rauc(machine),
        "etc/cloud/cloud.cfg.d/90-luutru.cfg": _first_boot(machine),
        f"image/layer/{machine.name}.yaml": _layer(machine, kiosk_ids),
    }  # fmt: skip


def _lines(*lines: str) -> str:
    return "\n".join((*lines, ""))


def _first_profiles(kiosk_ids: tuple[str, ...]) -> str:
    """Return what copies each profile once; from then on it is what the authority sends."""
    lines = [WRITTEN, "# The first profile of each kiosk; one that is there already is left as it is."]
    for each in kiosk_ids:
        lines += [
            f"d {STATE}/{each} 0700 {USER} {USER} -",
            f"C {STATE}/{each}/kiosk.toml 0600 {USER} {USER} - /usr/share/luutru/kiosks/{each}.toml",
        ]
    return _lines(*lines)


def _data_mount(machine: Machine) -> str:
    return _lines(
        WRITTEN,
        "[Unit]",
        "Description=What a kiosk keeps: profile, keys, outbox",
        "# Before the kiosks, so that none writes into the memory above the root.",
        "Before=luutru-kiosk@.service",
        "",
        "[Mount]",
        f"What={machine.update.data}",
        f"Where={STATE}",
        "Type=ext4",
        "# noatime spares the card; data=ordered keeps what SQLite was promised; nothing here is a program.",
        "Options=noatime,nodev,nosuid,noexec,data=ordered,commit=5",
        "",
        "[Install]",
        "RequiredBy=local-fs.target",
    )


def _rauc(machine: Machine) -> str:
    update = machine.update
    lines = [
        WRITTEN,
        "[system]",
        "# A bundle for another kind of machine is refused.",
        f"compatible={update.compatible}",
        "# Which slot is started is decided by a program of the image: boards differ in it.",
        "bootloader=custom",
        "mountprefix=/run/rauc",
        f"data-directory={STATE}/rauc",
        "# Without the plain format a bundle is checked while it is read, and not before.",
        "bundle-formats=-plain",
        "",
        "[handlers]",
        "bootloader-custom-backend=/usr/lib/luutru/boot-slot",
        "",
        "[keyring]",
        f"path={update.keyring}",
    ]
    for place, (device, name) in enumerate(zip(update.slots, ("A", "B"), strict=True)):
        lines += ["", f"[slot.rootfs.{place}]", f"device={device}", "type=ext4", f"bootname={name}"]
    return _lines(*lines)


def _first_boot(machine: Machine) -> str:
    """Return what cloud-init sets at the first boot: a name, a clock, nobody to sign in as. Remote access is not opened."""
    return _lines(
        "#cloud-config",
        WRITTEN,
        f"hostname: {machine.name}",
        "manage_etc_hosts: true",
        "# Deadlines are counted in Vietnam's time by the rules themselves; the machine's clock is UTC.",
        "timezone: Etc/UTC",
        "# Nobody signs in: there is no account with a password and no key from outside.",
        "users: []",
        "disable_root: true",
        "ssh_pwauth: false",
        "ssh_deletekeys: true",
        "# The data partition grows to what the card has.",
        "growpart:",
        "  mode: auto",
        f"  devices: [{STATE}]",
        "package_update: false",
    )


def _layer(machine: Machine, kiosk_ids: tuple[str, ...]) -> str:
    """Return a layer for rpi-image-gen: packages, these files laid over the root, units that are started."""
    packages = [*PACKAGES, *(SCREEN_PACKAGES if machine.screen.enabled else ())]
    packages += [name for name, wanted in (("espeak-ng", machine.sound), ("mosquitto", machine.bridge.enabled)) if wanted]
    units = [f"luutru-kiosk@{each}.service" for each in kiosk_ids]
    units += ["luutru-screen.service"] if machine.screen.enabled else []
    return _lines(
        "# METABEGIN",
        f"# X-Env-Layer-Name: luutru-{machine.name}",
        "# X-Env-Layer-Version: 1.0.0",
        "# X-Env-Layer-Category: app",
        f"# X-Env-Layer-Desc: Luutru kiosk {machine.name} on {machine.board}, written by luutru firmware render.",
        "# X-Env-Layer-Requires: systemd-net-min",
        "#",
        "# X-Env-VarPrefix: luutru",
        "#",
        "# X-Env-Var-root: /srv/luutru/root",
        "# X-Env-Var-root-Desc: Folder that luutru firmware render wrote.",
        "# X-Env-Var-root-Required: n",
        "# X-Env-Var-root-Valid: regex:^/.+$",
        "# X-Env-Var-root-Set: y",
        "# METAEND",
        "---",
        "mmdebstrap:",
        "  packages:",
        *(f"    - {each}" for each in sorted(packages)),
        "  customize-hooks:",
        "    - |",
        '      cp -a "$IGconf_luutru_root/etc" "$IGconf_luutru_root/usr" "$1/"',
        '      chroot "$1" systemd-sysusers',
        f'      chroot "$1" systemctl enable var-lib-luutru.mount {" ".join(units)}',
    )
