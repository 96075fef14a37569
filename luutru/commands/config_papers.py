"""``luutru config words`` and ``luutru config doors``: what kiosks follow beside their settings (docs/configuration.md).

- Words come as translators keep them: a folder with one ``LANGUAGE.po`` for each language that is to be sent. What a kiosk would refuse is
  refused here, and a language that is not whole is, too: a kiosk of this version would say the rest in the words of its image.
- Door lists come as the gateway signed them (``luutru door sign-lists``); the district's key says only that they are published.

Example: ``luutru config words /srv/luutru-config ward-01 words/ --key ward-01.key --online online.key --release 2026-12 --share 5``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
)
from luutru.commands.refusals import refusing


def publish_words(  # noqa: PLR0913 - the options of one public command
    repository: RepositoryArgument,
    district: DistrictArgument,
    words: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="A folder with vi.po, en.po, zh.po, ko.po, ja.po, ru.po, or some of them."
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
    """Publish the words of a district's screens. An empty folder: the kiosks go back to the words of their image.

    Example: luutru config words /srv/luutru-config ward-01 words/ --key ward-01.key --online o.key --release 2026-12 --share 5
    """
    from firmware_config.signed.paths import WORDS, place_of, words_path
    from firmware_config.signed.words import read_words, write_words
    from luutru.commands.config_rollout import chosen, go_on
    from residence.wire.state import WORDS as PAPER

    with refusing():
        document = write_words(_words_in(words), release=release, share=share)
        ours, name = repository_of(repository), read_words(document).name
        kiosks = ours.published(district)
        who = chosen(kiosks, share)
        if registry:
            before = [read_words(each) for each in ours.published(district, kind=WORDS).values()]
            sent = {kiosk: each.name for each in before for kiosk in kiosks if place_of(kiosk) < each.share}
            go_on(registry, paper=PAPER, wanted=dict.fromkeys(kiosks, name), sent=sent, errors=errors)
        changed = ours.put(district, {words_path(district): document}, **_keys(key, online, word_file))
    print_answer({"name": name, "kiosks": len(kiosks), "chosen": len(who), "changed": changed}, as_json=as_json)


def publish_doors(
    repository: RepositoryArgument,
    district: DistrictArgument,
    lists: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder of SITE.json, as luutru door sign-lists writes them.")
    ],
    *,
    key: KeyOption,
    online: OnlineOption,
    word_file: WordOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the lists of a district's doors; kiosks take a list that is newer than the one they have, whichever way that came.

    Example: luutru config doors /srv/luutru-config ward-01 lists/ --key ward-01.key --online o.key
    """
    from firmware_config.signed.door_list import read_door_list
    from firmware_config.signed.paths import door_list_path
    from residence.errors import Malformed

    with refusing():
        papers = {}
        for each in sorted(lists.glob("*.json")):
            data = each.read_bytes()
            if read_door_list(data).site != each.stem:
                raise Malformed("door.list_elsewhere", "/site", each.name)
            papers[door_list_path(district, each.stem)] = data
        changed = repository_of(repository).put(district, papers, **_keys(key, online, word_file))
    print_answer({"sites": len(papers), "changed": changed}, as_json=as_json)


def _keys(key: Path, online: Path, word_file: Path | None) -> dict[str, Any]:
    return {"signer": signer_of(key, word_file), "online": signer_of(online, word_file), "now": now()}


def _words_in(folder: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    from edge_agent.kiosk.texts import forms_in, forms_of
    from edge_agent.kiosk.words import LANGUAGES, check_words
    from residence.errors import Malformed, Refused

    words: dict[str, dict[str, tuple[str, ...]]] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix != ".po" or file.stem not in LANGUAGES or not file.is_file():
            raise Malformed("words.malformed", f"/{file.name}", f"not one of {', '.join(f'{each}.po' for each in LANGUAGES)}")
        words[file.stem] = forms_in(file.read_bytes())
        if missing := sorted(forms_of(file.stem).keys() - words[file.stem].keys()):
            raise Refused("words.missing", f"/words/{file.stem}", ", ".join(missing[:20]))
        if unknown := sorted(words[file.stem].keys() - forms_of(file.stem).keys()):
            raise Malformed("words.refused", f"/words/{file.stem}/{unknown[0]}", "no screen says this")
    check_words(words)
    return words
