"""``luutru config``: a fleet's settings, signed by those who may (docs/configuration.md).

- ``key`` makes a key where it will be used; ``root`` and ``sign`` are the ceremony: two holders at least, each on a machine of their own.
- ``begin``, ``delegate`` and ``publish`` need the key of their own role and the one that signs snapshot and timestamp; ``renew`` needs the latter alone.
- ``publish --share`` is a rollout by stages; with ``--registry`` it does not go on while kiosks took back what they were sent, or are lost.
- What is published is a folder of static files: any web server serves it, and nothing rests on that server's word.

Example: ``luutru config publish /srv/luutru-config ward-01 kiosks/ --key ward-01.key --online online.key --release 2026-12 --share 5``
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luutru.commands.refusals import refusing

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A fleet's settings, signed by those who may.")

RepositoryArgument = Annotated[Path, typer.Argument(help="The folder that is served: metadata/ and documents/.")]
DistrictArgument = Annotated[str, typer.Argument(help="The district, as kiosks' profiles name it.")]
OnlineOption = Annotated[Path, typer.Option(help="The key that signs snapshot and timestamp.")]
WordOption = Annotated[Path | None, typer.Option(help="File with the word that the keys of this command are encrypted with.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="Where the new key is written; its public half lies beside it, as FILE.pub.")],
    *,
    word_file: WordOption = None,
) -> None:
    """Make a key, readable by its owner alone.

    Example: luutru config key holder-a.key --word-file word.txt
    """
    from firmware_config.signed.signers import make_signer

    with refusing():
        typer.echo(make_signer(file, word=_word(word_file)))


@app.command()
def root(
    repository: RepositoryArgument,
    *,
    holder: Annotated[list[Path], typer.Option(help="Public half of a holder's key; give it for each, two at least.")],
    targets: Annotated[Path, typer.Option(help="Public half of the key that makes districts.")],
    online: Annotated[Path, typer.Option(help="Public half of the key that signs snapshot and timestamp.")],
) -> None:
    """Write a root to be signed, the first or the next; it is served when enough holders have signed it.

    Example: luutru config root /srv/luutru-config --holder a.key.pub --holder b.key.pub --targets t.key.pub --online o.key.pub
    """
    from firmware_config.signed.signers import read_public

    with refusing():
        holders = [read_public(each) for each in holder]
        version = _repository(repository).stage_root(
            holders, targets=read_public(targets), online=read_public(online), now=_now()
        )
    typer.echo(f"root {version} waits for signatures")


@app.command()
def sign(
    repository: RepositoryArgument,
    *,
    key: Annotated[Path, typer.Option(help="A holder's key.")],
    word_file: WordOption = None,
) -> None:
    """Add one holder's signature to the root that waits. Only staged/root.json has to travel to the holder's machine and back.

    Example: luutru config sign /media/stick/luutru-config --key holder-a.key
    """
    with refusing():
        done = _repository(repository).sign_root(_signer(key, word_file))
    typer.echo("the root is complete" if done else "signed; more holders have to sign")


@app.command()
def begin(
    repository: RepositoryArgument,
    *,
    targets: Annotated[Path, typer.Option(help="The key that makes districts.")],
    online: OnlineOption,
    word_file: WordOption = None,
) -> None:
    """Write the first metadata below a complete root.

    Example: luutru config begin /srv/luutru-config --targets t.key --online o.key
    """
    with refusing():
        _repository(repository).begin(targets=_signer(targets, word_file), online=_signer(online, word_file), now=_now())


@app.command()
def delegate(
    repository: RepositoryArgument,
    district: DistrictArgument,
    *,
    key: Annotated[Path, typer.Option(help="The district's own key.")],
    targets: Annotated[Path, typer.Option(help="The key that makes districts.")],
    online: OnlineOption,
    word_file: WordOption = None,
) -> None:
    """Give a district its own folder and its key; again: another key, the old one counts no longer.

    Example: luutru config delegate /srv/luutru-config ward-01 --key ward-01.key --targets t.key --online o.key
    """
    with refusing():
        own = _signer(key, word_file)
        _repository(repository).delegate(
            district,
            own.public_key,
            targets=_signer(targets, word_file),
            district_signer=own,
            online=_signer(online, word_file),
            now=_now(),
        )


@app.command()
def publish(  # noqa: PLR0913 - the options of one public command
    repository: RepositoryArgument,
    district: DistrictArgument,
    kiosks: Annotated[
        Path, typer.Argument(help="A folder for each kiosk: kiosk.toml; keyring.json, choices.toml, trust.bundle.")
    ],
    *,
    key: Annotated[Path, typer.Option(help="The district's key.")],
    online: OnlineOption,
    release: Annotated[str, typer.Option(help="What this rollout is called; kiosks and operators' pages name it.")],
    share: Annotated[int, typer.Option(min=1, max=100, help="Only so many of a hundred kiosks, always the same ones.")] = 100,
    registry: Annotated[str, typer.Option(help="Ask this registry first how those kiosks are that were sent something.")] = "",
    errors: Annotated[
        int, typer.Option(min=0, help="With --registry: so many kiosks in trouble, or not there yet, do not matter.")
    ] = 0,
    word_file: WordOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the settings of a district's kiosks, all or a share of them; another run with a larger share goes on.

    Example: luutru config publish /srv/luutru-config ward-01 kiosks/ --key ward-01.key --online o.key --share 5
    """
    from residence.errors import Refused

    with refusing():
        documents = _documents(kiosks, release)
        ours = _repository(repository)
        if registry:
            troubled, behind = _how_they_are(registry, documents, ours.published(district))
            if len(troubled) > errors:
                raise Refused("configuration.rollout_stopped", "", ", ".join(troubled[:20]))
            if len(troubled) + len(behind) > errors:
                raise Refused("configuration.rollout_waits", "", ", ".join(behind[:20]))
        chosen = {name: data for name, data in documents.items() if place_of(name) < share}
        changed = ours.publish(district, chosen, signer=_signer(key, word_file), online=_signer(online, word_file), now=_now())
    _print({"kiosks": len(documents), "chosen": len(chosen), "changed": changed}, as_json=as_json)


@app.command()
def renew(
    repository: RepositoryArgument,
    *,
    online: OnlineOption,
    word_file: WordOption = None,
) -> None:
    """Sign snapshot and timestamp again; daily, for kiosks call settings stale a week after the last time.

    Example: luutru config renew /srv/luutru-config --online o.key
    """
    with refusing():
        _repository(repository).renew(online=_signer(online, word_file), now=_now())


@app.command()
def show(repository: RepositoryArgument, district: DistrictArgument, *, as_json: JsonOption = False) -> None:
    """Show which document each kiosk of a district is sent, by its name.

    Example: luutru config show /srv/luutru-config ward-01
    """
    with refusing():
        published = _repository(repository).published(district)
    _print({each: _name(data) for each, data in sorted(published.items())}, as_json=as_json)


def place_of(kiosk_id: str) -> int:
    """Return where among a hundred a kiosk stands in every rollout."""
    return int.from_bytes(hashlib.sha256(kiosk_id.encode()).digest()[:4], "big") % 100


def _documents(folder: Path, release: str) -> dict[str, bytes]:
    from firmware_config.profiles import parse_profile
    from firmware_config.signed.document import PROFILE, write_document
    from residence.errors import Malformed

    documents = {}
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = {file.name: file.read_bytes() for file in sorted(each.iterdir())}
        documents[each.name] = write_document(files, release=release)
        profile = parse_profile(files[PROFILE].decode("utf-8", "replace"), folder=each)
        if profile.kiosk.id != each.name:
            raise Malformed("configuration.another_kiosk", "/kiosk/id", f"{each.name}/{PROFILE} is for {profile.kiosk.id}")
    return documents


def _how_they_are(registry_url: str, wanted: dict[str, bytes], sent: dict[str, bytes]) -> tuple[list[str], list[str]]:
    """Return which kiosks took settings back or are lost, and which do not work yet by what this rollout has sent them."""
    from registry.database import open_engine
    from registry.kiosks import kiosks_among
    from residence.wire.state import CONFIGURATION

    troubled, behind = [], []
    with open_engine(registry_url).connect() as connection:
        for each in kiosks_among(connection, wanted):
            if each.retired_at is not None:
                continue
            told = (each.readers or {}).get(CONFIGURATION, "ok")
            if not told.startswith("ok") or (each.seen_at is not None and not each.online):
                troubled.append(each.kiosk_id)
            elif sent.get(each.kiosk_id) == wanted[each.kiosk_id] and told != f"ok:{_name(wanted[each.kiosk_id])}":
                behind.append(each.kiosk_id)
    return troubled, behind


def _name(document: bytes) -> str:
    """Return what a kiosk calls the document it works by."""
    from firmware_config.signed.document import read_document

    return f"{read_document(document).release}-{hashlib.sha256(document).hexdigest()[:12]}"


def _repository(folder: Path) -> Any:
    from firmware_config.signed.repository import ConfigurationRepository

    return ConfigurationRepository(folder)


def _signer(path: Path, word_file: Path | None) -> CryptoSigner:
    from firmware_config.signed.signers import read_signer

    return read_signer(path, word=_word(word_file))


def _word(path: Path | None) -> bytes:
    return path.read_bytes().strip() if path is not None else b""


def _now() -> Any:
    from luutru.system import SystemClock

    return SystemClock().now()


def _print(answer: dict[str, Any], *, as_json: bool) -> None:
    import msgspec

    if as_json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        return
    for name, value in answer.items():
        typer.echo(f"{name:24} {' '.join(value) if isinstance(value, list) else value}")
