"""A root in a file, a PKCS#11 token or a TPM: the same folder of keys, the same promises, each with the real thing."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from key_parts import MODULE, PIN, TOKEN, forget_module, soft_token, soft_tpm

from registry.key_provider import FileKeyProvider
from registry.key_rotation import rotate_root
from registry.root_keepers import KeeperSettings, open_keeper, read_keeper, write_keeper
from residence.errors import LuutruError, Malformed, Refused, Untrusted

KINDS = ("file", "pkcs11", "tpm")


@pytest.fixture(scope="module")
def keepers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, KeeperSettings]]:
    """One of each kind, for all tests of this file: each test has a folder, token label or TPM index of its own."""
    folder = tmp_path_factory.mktemp("keepers")
    with soft_token(folder / "hsm", folder) as token, soft_tpm(folder) as tpm:
        yield {"file": KeeperSettings(), "pkcs11": token, "tpm": tpm}


@pytest.fixture
def own(keepers: dict[str, KeeperSettings], request: pytest.FixtureRequest) -> dict[str, KeeperSettings]:
    number = len(request.node.nodeid) * 7 + sum(request.node.nodeid.encode())
    return {
        "file": keepers["file"],
        "pkcs11": msgspec.structs.replace(keepers["pkcs11"], label=f"root-{number}"),
        "tpm": msgspec.structs.replace(keepers["tpm"], first_index=0x01800000 + 16 * (number % 4000)),
    }


def folder_of(path: Path, settings: KeeperSettings) -> FileKeyProvider:
    path.mkdir(exist_ok=True)
    if settings.kind != "file":
        write_keeper(path, settings)
    return FileKeyProvider(path, random_bytes=secrets.token_bytes)


def files_of(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.rglob("*")) if each.is_file())


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_opens_again_after_a_restart_and_after_its_root_was_rotated(
    own: dict[str, KeeperSettings], tmp_path: Path, kind: str
) -> None:
    keys = folder_of(tmp_path / "keys", own[kind])
    period, index = keys.period_key("demo-01:2026", create=True), keys.index_key("number")
    running = folder_of(tmp_path / "keys", own[kind])
    assert running.period_key("demo-01:2026") == period
    before = keys.keeper.ids()
    copied = {each: each.read_bytes() for each in (tmp_path / "keys").rglob("*") if each.is_file()}
    done = rotate_root(keys)
    assert (done.former, done.renewed) == (before[0], 2)
    for each in (keys, running, folder_of(tmp_path / "keys", own[kind])):
        assert (each.period_key("demo-01:2026"), each.index_key("number")) == (period, index)
        assert each.keeper.ids() == [done.new] != before
    assert period not in files_of(tmp_path / "keys")
    wrapped = keys.keeper.wrap(done.new, period, b"one")
    for other, context in ((wrapped, b"another"), (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"one"), (b"", b"one")):
        with pytest.raises(Untrusted, match="wrong_root"):
            keys.keeper.unwrap(done.new, other, context)
    later = files_of(tmp_path / "keys")
    for path, content in copied.items():  # an old copy of the folder: its root is gone
        if kind != "file" or not path.name.startswith("root"):
            path.write_bytes(content)
    assert files_of(tmp_path / "keys") != later
    with pytest.raises(Untrusted, match="root_gone"):
        folder_of(tmp_path / "keys", own[kind])


@pytest.mark.parametrize(("start", "end"), [("file", "pkcs11"), ("pkcs11", "tpm"), ("tpm", "file")])
def test_a_root_moves_from_one_keeper_to_another_while_others_read(
    own: dict[str, KeeperSettings], tmp_path: Path, start: str, end: str
) -> None:
    keys = folder_of(tmp_path / "keys", own[start])
    period = keys.period_key("demo-01:2026", create=True)
    running, former = folder_of(tmp_path / "keys", own[start]), keys.keeper
    done = rotate_root(keys, to=own[end])
    assert former.ids() == []
    assert running.period_key("demo-01:2026") == period
    assert read_keeper(tmp_path / "keys") == own[end]
    assert running.keeper.ids() == [done.new]


@pytest.mark.parametrize("broken_at", ["rewrap_all", "destroy"])
@pytest.mark.parametrize("to", ["same", "pkcs11"])
def test_a_rotation_broken_off_anywhere_opens_all_the_same_and_goes_on(
    own: dict[str, KeeperSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_at: str, to: str
) -> None:
    keys = folder_of(tmp_path / "keys", own["file"])
    periods = {name: keys.period_key(name, create=True) for name in ("demo-01:2026", "demo-02:2026", "demo-03:2026")}
    target = own["pkcs11"] if to == "pkcs11" else None
    from registry import key_provider
    from registry.root_keepers import FileRoots

    def power_cut(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        if broken_at == "destroy":
            broken.setattr(FileRoots, "destroy", power_cut)
        else:
            replace, left = key_provider.replace_whole, [2]

            def replace_some(path: Path, content: bytes) -> None:
                left[0] -= 1
                if left[0] < 0:
                    raise ZeroDivisionError
                replace(path, content)

            broken.setattr(key_provider, "replace_whole", replace_some)
        with pytest.raises(ZeroDivisionError):
            rotate_root(keys, to=target)
    again = FileKeyProvider(tmp_path / "keys", random_bytes=secrets.token_bytes)
    assert {name: again.period_key(name) for name in periods} == periods
    done = rotate_root(again, to=target)
    assert {name: again.period_key(name) for name in periods} == periods
    assert again.keeper.ids() == [done.new]


def test_a_tokens_root_cannot_be_taken_out(own: dict[str, KeeperSettings], tmp_path: Path) -> None:
    import pkcs11
    from pkcs11 import Attribute, ObjectClass

    keys = folder_of(tmp_path / "keys", own["pkcs11"])
    token = pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN)
    with token.open() as session:  # the folder's keeper has logged this program in
        called = f"{own['pkcs11'].label}-1"
        key = session.get_key(object_class=ObjectClass.SECRET_KEY, label=called)
        assert (key[Attribute.SENSITIVE], key[Attribute.EXTRACTABLE], key[Attribute.NEVER_EXTRACTABLE]) == (True, False, True)
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            _ = key[Attribute.VALUE]
    assert keys.keeper.ids() == [f"pkcs11/{TOKEN}/{called}"]


# what is wrong -> settings of whoever tries, and the code they get
def _wrong(own: dict[str, KeeperSettings], folder: Path) -> dict[str, tuple[KeeperSettings, str]]:
    (folder / "wrong").write_text("nothing of the kind\n")
    changed = msgspec.structs.replace
    return {
        "a wrong PIN": (changed(own["pkcs11"], pin_file=str(folder / "wrong")), "vault.keeper_away"),
        "no such token": (changed(own["pkcs11"], token="another"), "vault.keeper_away"),
        "no such library": (changed(own["pkcs11"], module="/nowhere.so"), "vault.keeper_away"),
        "a wrong password": (changed(own["tpm"], pin_file=str(folder / "wrong")), "vault.keeper_away"),
        "no TPM there": (changed(own["tpm"], tcti="swtpm:host=127.0.0.1,port=1"), "vault.keeper_away"),
        "no PIN file": (changed(own["pkcs11"], pin_file="nowhere"), "vault.keeper_malformed"),
    }


def test_whoever_has_the_folder_and_not_the_keeper_opens_nothing(own: dict[str, KeeperSettings], tmp_path: Path) -> None:
    for kind in ("pkcs11", "tpm"):
        folder_of(tmp_path / kind, own[kind]).period_key("demo-01:2026", create=True)
    for what, (settings, code) in _wrong(own, tmp_path).items():
        forget_module()  # PKCS#11 logs a program in: this one has to be another
        write_keeper(tmp_path / settings.kind, settings)
        with pytest.raises(LuutruError) as refusal:
            FileKeyProvider(tmp_path / settings.kind, random_bytes=secrets.token_bytes).period_key("demo-01:2026")
        assert refusal.value.code == code, what
        assert PIN not in str(refusal.value), what


def test_settings_nobody_knows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "keeper.toml").write_text('kind = "cloud"\n')
    with pytest.raises(Malformed, match="keeper_malformed"):
        open_keeper(tmp_path, random_bytes=secrets.token_bytes)


def test_a_full_tpm_says_so(own: dict[str, KeeperSettings], tmp_path: Path) -> None:
    settings = msgspec.structs.replace(own["tpm"], most_roots=1)
    keys = folder_of(tmp_path / "keys", settings)
    with pytest.raises(Refused, match="keeper_full"):
        keys.keeper.make()


def test_a_root_in_a_tpm_is_no_argument_of_any_program(
    own: dict[str, KeeperSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments of programs are for every account of the machine to read: neither root nor password is among them."""
    run, said = subprocess.run, []

    def listen(arguments: list[str], **named: object):
        said.append(" ".join(arguments))
        return run(arguments, **named)

    monkeypatch.setattr(subprocess, "run", listen)
    keys = folder_of(tmp_path / "keys", own["tpm"])
    root, password = keys.keeper._known[keys.keeper.ids()[0]], Path(own["tpm"].pin_file).read_text().strip()
    assert len(said) > 2
    assert not any(root.hex() in each or password in each for each in said)
