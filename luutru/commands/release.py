"""``luutru release``: a release built, listed and signed from a commit, and checked by whoever gets it.

- ``key`` makes the key of releases once; its public half is given to every operator, by another way than the release.
- ``build`` in a checkout: the wheel, the bill of materials, the lock files with hashes, and the signed list. Built twice it is the same.
- ``images`` looks whether every image is named by a whole version and a digest, and fills digests in where a registry of images is reachable.
- ``verify`` needs nothing but the folder and the public key; ``audit`` asks OSV about what is pinned, and says so when nobody could be asked.

Example: ``luutru release build out --key-file keys/release.key && luutru release verify out --key keys/release.pub``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luutru.commands.registry_answers import answering

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Build, sign and check a release.")
KeyFileOption = Annotated[Path, typer.Option("--key-file", dir_okay=False, help="The private key of releases.")]
RootOption = Annotated[Path, typer.Option("--root", exists=True, file_okay=False, help="A checkout.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT_KEY = Path("keys/release.key")


@app.callback()
def release() -> None:
    """Build, sign and check a release."""


@app.command()
def key(
    *,
    name: Annotated[str, typer.Option(help="The key's name, as operators will see it.")],
    key_file: KeyFileOption = DEFAULT_KEY,
    json: JsonOption = False,
) -> None:
    """Make the key of releases, and print its public half: the line everybody checks with.

    Example: luutru release key --name luutru.example/releases --key-file keys/release.key
    """
    from luutru.system import random_bytes
    from luutru.transparency.key_files import make_signer_file
    from residence.transparency.notes import LOG

    with answering(json=json) as answer:
        answer["key"] = make_signer_file(key_file, name=name, kind=LOG, random_bytes=random_bytes).key.line


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="An empty folder for the release.")],
    *,
    root: RootOption = Path(),
    key_file: KeyFileOption = DEFAULT_KEY,
    json: JsonOption = False,
) -> None:
    """Build the commit a checkout stands at: wheel, bill of materials (CycloneDX 1.6), lock files, signed list.

    Example: luutru release build out --key-file keys/release.key
    """
    from luutru.releases.building import build as make
    from luutru.transparency.key_files import read_signer_file

    with answering(json=json) as answer:
        made = make(root, folder, signer=read_signer_file(key_file))
        answer |= {"version": made.version, "commit": made.commit, "files": sorted(made.files)}


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder of a release.")],
    *,
    key: Annotated[str, typer.Option(help="The public key of releases, its line or its file; not the one beside the release.")],
    json: JsonOption = False,
) -> None:
    """See that a release is what was built, all of it and nothing else: signature of the list, size and hash of every file.

    Example: luutru release verify out --key keys/release.pub --json
    """
    from luutru.releases.building import found
    from luutru.releases.manifest import NAME, compare, read
    from luutru.transparency.key_files import key_of
    from residence.errors import Malformed

    with answering(json=json) as answer:
        try:
            note = (folder / NAME).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Malformed("release.manifest", "", NAME) from error
        told = read(note, key_of(key))
        problems = compare(told, dict(found(folder)))
        answer |= {"ok": not problems, "version": told.version, "commit": told.commit, "problems": problems}


@app.command()
def images(
    *,
    root: RootOption = Path(),
    fill: Annotated[
        bool, typer.Option("--fill", help="Ask for each digest, and write lock, Dockerfile and compose file.")
    ] = False,
    mirror: Annotated[str, typer.Option(help="Where all images are asked for instead: https://mirror.example.")] = "",
    json: JsonOption = False,
) -> None:
    """See that a build takes exactly the images that were looked at; status 1 while one floats, has no digest, or another than the lock's.

    Example: luutru release images --fill
    """
    from luutru.releases import images as known
    from luutru.releases.image_registry import digest_of

    with answering(json=json) as answer:
        texts = {name: (root / name).read_text("utf-8") for name in known.FILES}
        found = sorted({each for text in texts.values() for each in known.named(text)})
        lock = known.read_lock((root / known.LOCK).read_text("utf-8"))
        if fill:
            lock = {each.key: digest_of(each, mirror=mirror) for each in found if not each.floats}
            texts = {name: known.pinned(text, lock) for name, text in texts.items()}
            found = sorted({each for text in texts.values() for each in known.named(text)})
            for name, text in (*texts.items(), (known.LOCK, known.write_lock(lock))):
                (root / name).write_text(text, "utf-8")
        problems = known.problems(found, lock)
        answer |= {"ok": not problems, "images": [each.key for each in found], "problems": problems}


@app.command()
def audit(
    *,
    root: RootOption = Path(),
    address: Annotated[str, typer.Option(help="Where OSV, or a copy of it, is asked.")] = "https://api.osv.dev",
    json: JsonOption = False,
) -> None:
    """Ask OSV whether anything is known of the pinned packages; status 1 when something is. Out of reach is said, with status 0.

    Example: luutru release audit --json
    """
    from luutru.releases.auditing import asking
    from luutru.releases.auditing import audit as look
    from luutru.releases.building import locked

    with answering(json=json) as answer:
        answer.update(look(locked(root), asking(address)))
        answer["ok"] = not answer["vulnerable"]
