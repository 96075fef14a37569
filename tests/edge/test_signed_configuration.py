"""What a hostile server of settings achieves, against the kiosk's own client: nothing, and the kiosk says what was tried."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from configuration_parts import KIOSK, NOW, WARD, Authority, served
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Targets

from firmware_config.signed.document import read_document, write_document
from firmware_config.signed.paths import document_path
from residence.errors import LuutruError, Malformed, Refused, Untrusted

FIRST, SECOND = {"kiosk.toml": b"first = 1"}, {"kiosk.toml": b"second = 2"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.publish(FIRST)
    return authority


@pytest.fixture
def authority(made, tmp_path):
    """The made authority with a repository of this test's own."""
    shutil.copytree(made.folder, tmp_path / "authority")
    own = Authority.__new__(Authority)
    own.__dict__ |= made.__dict__
    own.folder = tmp_path / "authority"
    own.repository = type(made.repository)(own.folder / "served")
    return own


@pytest.fixture
def kiosk(authority, tmp_path):
    with served(authority.repository.folder) as url:
        yield authority.client(tmp_path / "kiosk", url)


def refusal(kiosk, now=NOW):
    with pytest.raises(LuutruError) as caught:
        kiosk.fetch(now)
    return caught.value.code


def test_one_holder_is_not_enough_for_a_root_and_two_are(made):
    assert made.signatures == [False, True]


def test_a_kiosk_gets_its_own_document_and_the_next_one(authority, kiosk):
    assert kiosk.fetch(NOW).files == FIRST
    assert authority.publish(SECOND) == [KIOSK]
    assert kiosk.fetch(NOW).files == SECOND
    assert authority.publish(SECOND) == [], "publishing the same again changes nothing"


def test_a_kiosk_nobody_published_for_gets_nothing(authority, tmp_path):
    with served(authority.repository.folder) as url:
        assert authority.client(tmp_path / "other", url, kiosk="kiosk-lobby-2").fetch(NOW) is None


def test_attack_1_a_document_that_was_tampered_with(authority, kiosk):
    (document,) = (authority.repository.documents / WARD / KIOSK).iterdir()
    document.write_bytes(document.read_bytes()[:-1] + b" ")
    assert refusal(kiosk) == "configuration.tampered"


def test_attack_2_an_old_timestamp_is_a_rollback(authority, kiosk):
    old = authority.folder / "old"
    shutil.copytree(authority.repository.folder, old)
    authority.publish(SECOND)
    kiosk.fetch(NOW)
    shutil.rmtree(authority.repository.folder)
    shutil.copytree(old, authority.repository.folder)
    assert refusal(kiosk) == "configuration.rollback"


def test_attack_3_a_server_that_holds_back_is_noticed_when_the_timestamp_ends_and_renewing_mends_it(authority, kiosk):
    kiosk.fetch(NOW)
    later = NOW + timedelta(days=8)
    assert refusal(kiosk, later) == "configuration.ended"
    authority.repository.renew(online=authority.key("online"), now=later)
    assert kiosk.fetch(later).files == FIRST


def test_attack_4_a_district_signs_nothing_outside_its_own_folder(authority, tmp_path):
    """The neighbour's key signs the very bins of the victim's name, in its own district, and the online key goes along."""
    stolen = document_path(WARD, "kiosk-new")
    bins = authority.repository._bins("ward-02")
    name = bins.get_role_for_target(stolen)
    path = authority.repository.metadata / f"{authority.repository._newest(name)}.{name}.json"
    role = Metadata[Targets].from_file(str(path))
    from tuf.api.metadata import TargetFile

    data = write_document(SECOND, release="2026-12")
    role.signed.targets[stolen] = TargetFile.from_data(stolen, data, ["sha256"])
    authority.repository._next(name, role.signed, authority.key("ward-02"), NOW)
    authority.repository.renew(online=authority.key("online"), now=NOW)
    with served(authority.repository.folder) as url:
        assert authority.client(tmp_path / "victim", url, kiosk="kiosk-new").fetch(NOW) is None


def test_attack_4b_another_districts_key_in_this_districts_bin(authority, kiosk):
    with pytest.raises(Untrusted, match="not_the_districts"):
        authority.publish(SECOND, key="ward-02")
    name = authority.repository._bins(WARD).get_role_for_target(document_path(WARD, KIOSK))
    role = authority.repository._load(name, Targets).signed
    authority.repository._next(name, role, authority.key("ward-02"), NOW)
    authority.repository.renew(online=authority.key("online"), now=NOW)
    assert refusal(kiosk) == "configuration.signature"


def test_attack_5_a_root_that_too_few_holders_signed_takes_nobody_along(authority, kiosk):
    kiosk.fetch(NOW)
    repository = authority.repository
    repository.stage_root(
        [authority.public("a"), authority.public("ward-02")],
        targets=authority.public("ward-02"),
        online=authority.public("ward-02"),
        now=NOW,
    )
    assert repository.sign_root(authority.key("a")) is False
    assert repository.sign_root(authority.key("ward-02")) is False, "the new root's holders alone do not make it"
    shutil.copyfile(repository.staged, repository.metadata / "2.root.json")  # and a server that serves it all the same
    assert refusal(kiosk) == "configuration.signature"


def test_a_holder_is_replaced_by_two_of_the_old_ones_and_kiosks_follow(authority, kiosk):
    kiosk.fetch(NOW)
    repository, holders = authority.repository, [authority.public(each) for each in ("a", "b", "ward-02")]
    repository.stage_root(holders, targets=authority.public("targets"), online=authority.public("online"), now=NOW)
    with pytest.raises(Untrusted, match="not_a_holder"):
        repository.sign_root(authority.key("targets"))
    assert [repository.sign_root(authority.key(each)) for each in "ab"] == [False, True]
    authority.publish(SECOND)
    assert kiosk.fetch(NOW).files == SECOND


def test_a_district_whose_key_was_lost_gets_another_and_keeps_its_documents(authority, kiosk):
    authority.delegate(WARD, "c")
    with pytest.raises(Untrusted, match="not_the_districts"):
        authority.publish(SECOND)
    assert kiosk.fetch(NOW).files == FIRST
    authority.publish(SECOND, key="c")
    assert kiosk.fetch(NOW).files == SECOND


def test_publishing_that_was_cut_off_in_the_middle_is_finished_by_the_same_command(authority, kiosk):
    class Online:
        def sign(self, _):
            raise OSError("the power is cut here")

    signer, documents = authority.key(WARD), {KIOSK: write_document(SECOND, release="2026-12")}
    with pytest.raises(UnsignedMetadataError):
        authority.repository.publish(WARD, documents, signer=signer, online=Online(), now=NOW)
    assert kiosk.fetch(NOW).files == FIRST, "the one or the other, whole"
    authority.publish(SECOND)
    assert kiosk.fetch(NOW).files == SECOND


@pytest.mark.parametrize("name", ["", "../x", "a/b", "Ward", "snapshot", "root", "ward-01-bin-0", "x" * 64])
def test_a_district_has_a_name_that_is_no_path_and_no_other_roles(authority, name):
    with pytest.raises(Malformed, match="district"):
        authority.delegate(name, "ward-02")


def test_a_server_that_is_away_or_talks_nonsense_is_told_apart(authority, tmp_path):
    with served(authority.repository.folder) as url:
        kiosk = authority.client(tmp_path / "kiosk", url)
        kiosk.fetch(NOW)
        (authority.repository.metadata / "timestamp.json").write_bytes(b"<html>not for you</html>")
        assert refusal(kiosk) == "configuration.signature"
    assert refusal(kiosk) == "configuration.unreachable"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"schema":2,"release":"1","files":{"kiosk.toml":""}}',
        b'{"schema":1,"release":"1","files":{}}',
        b'{"schema":1,"release":"1","files":{"kiosk.toml":"","../x":""}}',
        b'{"schema":1,"release":"1","files":{"kiosk.toml":""},"more":1}',
        b'{"schema":1,"release":"1","files":{"kiosk.toml":"%"}}',
        b'{"schema":1,"release":"../1","files":{"kiosk.toml":""}}',
        b"[" * 100_000,
    ],
)
def test_a_document_that_is_not_quite_one_is_refused(data):
    with pytest.raises(Malformed, match="malformed"):
        read_document(data)


def test_no_key_is_written_over_another(made):
    from firmware_config.signed.signers import make_signer, read_signer

    with pytest.raises(Refused, match="key_there"):
        make_signer(made.folder / "keys" / "a")
    make_signer(made.folder / "keys" / "locked", word=b"a word")
    with pytest.raises(Malformed, match="file_malformed"):
        read_signer(made.folder / "keys" / "locked", word=b"another")
    assert read_signer(made.folder / "keys" / "locked", word=b"a word").public_key
