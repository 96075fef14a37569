"""``luutru config``: a fleet's settings, signed by those who may (docs/configuration.md).

- ``key`` makes a key where it will be used; ``root`` and ``sign`` are the ceremony: two holders at least, each on a machine of their own.
- ``begin``, ``delegate`` and ``publish`` need the key of their own role and the one that signs snapshot and timestamp; ``renew`` needs the latter alone.
- ``publish --share`` is a rollout by stages; with ``--registry`` it does not go on while kiosks took back what they were sent, or are lost.
- ``words`` and ``doors`` publish what kiosks follow beside their settings (``config_papers.py``).
- What is published is a folder of static files: any web server serves it, and nothing rests on that server's word.

Example: ``luutru config publish /srv/luutru-config ward-01 kiosks/ --key ward-01.key --online online.key --release 2026-12 --share 5``
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from luutru.commands.config_answers import (
    AskedOption,
    DistrictArgument,
    ErrorsOption,
    JsonOption,
    KeyOption,
    OnlineOption,
    ReleaseOption,
    RepositoryArgument,
    ShareOption,
    WordOption,
    now,
    print_answer,
    repository_of,
    signer_of,
    word_in,
)
from luutru.commands.config_papers import publish_doors, publish_words
from luutru.commands.refusals import refusing

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A fleet's settings, signed by those who may.")
app.command("words")(publish_words)
app.command("doors")(publish_doors)


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
        typer.echo(make_signer(file, word=word_in(word_file)))


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
        version = repository_of(repository).stage_root(
            holders, targets=read_public(targets), online=read_public(online), now=now()
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
        done = repository_of(repository).sign_root(signer_of(key, word_file))
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
        repository_of(repository).begin(targets=signer_of(targets, word_file), online=signer_of(online, word_file), now=now())


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
        own = signer_of(key, word_file)
        repository_of(repository).delegate(
            district,
            own.public_key,
            targets=signer_of(targets, word_file),
            district_signer=own,
            online=signer_of(online, word_file),
            now=now(),
        )


@app.command()
def publish(  # noqa: PLR0913 - the options of one public command
    repository: RepositoryArgument,
    district: DistrictArgument,
    kiosks: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="A folder for each kiosk: kiosk.toml; keyring.json, choices.toml, rules-NAME.toml, trust.bundle.",
        ),
    ],
    *,
    key: KeyOption,
    online: OnlineOption,
    release: ReleaseOption,
    share: ShareOption = 100,
    registry: AskedOption = "",
    errors: ErrorsOption = 0,
    word_file: WordOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the settings of a district's kiosks, all or a share of them; another run with a larger share goes on.

    Example: luutru config publish /srv/luutru-config ward-01 kiosks/ --key ward-01.key --online o.key --share 5
    """
    from luutru.commands.config_rollout import chosen, go_on
    from residence.wire.state import CONFIGURATION

    with refusing():
        documents = _documents(kiosks, release)
        ours = repository_of(repository)
        who = chosen(documents, share)
        if registry:
            sent = ours.published(district)
            go_on(registry, paper=CONFIGURATION, wanted=_names(documents), sent=_names(sent), errors=errors)
        papers = {each: documents[each] for each in who}
        changed = ours.publish(district, papers, signer=signer_of(key, word_file), online=signer_of(online, word_file), now=now())
    print_answer({"kiosks": len(documents), "chosen": len(who), "changed": changed}, as_json=as_json)


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
        repository_of(repository).renew(online=signer_of(online, word_file), now=now())


@app.command()
def show(repository: RepositoryArgument, district: DistrictArgument, *, as_json: JsonOption = False) -> None:
    """Show which document each kiosk of a district is sent, by its name.

    Example: luutru config show /srv/luutru-config ward-01
    """
    with refusing():
        published = repository_of(repository).published(district)
    print_answer(dict(sorted(_names(published).items())), as_json=as_json)


def _documents(folder: Path, release: str) -> dict[str, bytes]:
    from firmware_config.profiles import parse_profile
    from firmware_config.signed.document import CHOICES, PROFILE, rule_files, write_document
    from residence.choices import parse_choices
    from residence.errors import Malformed

    documents = {}
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = {file.name: file.read_bytes() for file in sorted(each.iterdir())}
        documents[each.name] = write_document(files, release=release)
        parse_choices(files.get(CHOICES, b""), extra=rule_files(files))
        profile = parse_profile(files[PROFILE].decode("utf-8", "replace"), folder=each)
        if profile.kiosk.id != each.name:
            raise Malformed("configuration.another_kiosk", "/kiosk/id", f"{each.name}/{PROFILE} is for {profile.kiosk.id}")
    return documents


def _names(documents: dict[str, bytes]) -> dict[str, str]:
    return {each: _name(data) for each, data in documents.items()}


def _name(document: bytes) -> str:
    """Return what a kiosk calls the document it works by."""
    from firmware_config.signed.document import read_document

    return f"{read_document(document).release}-{hashlib.sha256(document).hexdigest()[:12]}"
