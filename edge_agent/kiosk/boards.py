"""What stands on the keys with which a person writes on the screen: one table of boards, and which of them a screen offers.

- Names are Latin letters as in a passport, codes are letters and digits. What is said in own words may be said in the language of the visit: its own
  letters first, then Latin ones, then digits and signs; a key of the board leads to the others.
- Korean letters become syllables, Japanese ones get their marks and Vietnamese vowels their tones in the browser (``static/writing.js``).
- There are no Chinese characters: choosing among thousands needs a program of its own. The screen says that Latin letters (pinyin) will do
  and that a companion may write (``board.hint``).
- A keypad writes the same signs: ``phone`` says which, for the digits 0 to 9, pressed once, twice, ... Latin and Russian letters lie as on a
  telephone, Japanese ones by their rows; the Korean arrangement is our own. The screen shows it where there is a keypad.

Example: ``boards_for("words", "ko")[0].name == "hangul"``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from firmware_config.profiles import Language

SPACE: Final = " "
ERASE: Final = "⌫"
OTHERS: Final = "⇄"  # one key for each of the other boards; on a keypad the next one
TONES: Final = {"\u0300": "grave", "\u0301": "acute", "\u0309": "hook", "\u0303": "tilde", "\u0323": "dot"}
VOICED: Final = "゛"  # か becomes が, は ば ぱ, つ っ づ
_MARKS: Final = "".join(TONES)
_LATIN_PHONE: Final = ("ABCĂÂ", "DEFĐÊ", "GHI", "JKL", "MNOÔƠ", "PQRS", "TUVƯ", "WXYZ")
_CODE_PHONE: Final = ("2ABC", "3DEF", "4GHI", "5JKL", "6MNO", "7PQRS", "8TUV", "9WXYZ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """The keys of one alphabet."""

    tones: ClassVar = TONES
    name: str  # ``board.<name>`` in the catalogues says what it is
    face: str  # what stands on the key that leads to it
    rows: tuple[str, ...]  # a key for each sign
    phone: tuple[str, ...]  # for each of a keypad's digits 0 to 9, what it writes
    apart: str = ""  # signs whose keys have another ground


LATIN_NAME: Final = Board(
    name="latin",
    face="ABC",
    rows=("QWERTYUIOP", "ASDFGHJKL", f"ZXCVBNM{SPACE}-'{ERASE}", f"ĂÂĐÊÔƠƯ{_MARKS}"),
    phone=(f"{SPACE}-'", _MARKS, *_LATIN_PHONE),
    apart="ĂÂĐÊÔƠƯ",
)
LATIN: Final = Board(
    name="latin",
    face="ABC",
    rows=("QWERTYUIOP", "ASDFGHJKL", f"{OTHERS}ZXCVBNM{SPACE},.{ERASE}", f"ĂÂĐÊÔƠƯ{_MARKS}"),
    phone=(f"{SPACE},.{OTHERS}", _MARKS, *_LATIN_PHONE),
    apart="ĂÂĐÊÔƠƯ",
)
CYRILLIC: Final = Board(
    name="cyrillic",
    face="АБВ",
    rows=("ЙЦУКЕНГШЩЗХЪ", "ФЫВАПРОЛДЖЭЁ", f"ЯЧСМИТЬБЮ{ERASE}", f"{OTHERS}{SPACE},.-"),
    phone=(f"{SPACE}{OTHERS}", ".,-", "АБВГ", "ДЕЁЖЗ", "ИЙКЛ", "МНОП", "РСТУ", "ФХЦЧ", "ШЩЪЫ", "ЬЭЮЯ"),
)
HANGUL: Final = Board(
    name="hangul",
    face="가나다",
    rows=("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", f"ㅋㅌㅊㅍㅠㅜㅡ{SPACE},.{ERASE}", f"{OTHERS}ㅃㅉㄸㄲㅆㅒㅖ"),
    phone=(
        f"{SPACE},.{OTHERS}",
        "ㅣㅡㅗㅛㅜㅠ",
        "ㄱㅋㄲ",
        "ㄴㄹ",
        "ㄷㅌㄸ",
        "ㅁㅂㅍㅃ",
        "ㅅㅎㅆ",
        "ㅇㅈㅊㅉ",
        "ㅏㅑㅐㅒ",
        "ㅓㅕㅔㅖ",
    ),
    apart="ㅃㅉㄸㄲㅆㅒㅖ",
)
KANA: Final = Board(
    name="kana",
    face="あいう",
    rows=(
        "あいうえおかきくけこさしすせそ",
        "たちつてとなにぬねのはひふへほ",
        "まみむめもやゆよらりるれろわを",
        f"{OTHERS}ん{VOICED}ー{SPACE}、。{ERASE}",
    ),
    phone=(
        f"{VOICED}わをんー{SPACE}、。{OTHERS}",
        *(
            "あいうえお",
            "かきくけこ",
            "さしすせそ",
            "たちつてと",
            "なにぬねの",
            "はひふへほ",
            "まみむめも",
            "やゆよ",
            "らりるれろ",
        ),
    ),
    apart=VOICED,
)
SIGNS: Final = Board(
    name="signs",
    face="123",
    rows=("1234567890", ".,?!:;()/+", f"-'\"@№%&=°{ERASE}", f"{OTHERS}{SPACE}"),
    phone=(f"0{SPACE}{OTHERS}", "1.,", "2?!", "3:;", "4()", "5/+", "6-'\"", "7@№", "8%&", "9=°"),
)
CODE: Final = Board(
    name="code",
    face="A1",
    rows=("1234567890", "QWERTYUIOP", "ASDFGHJKL", f"ZXCVBNM{ERASE}"),
    phone=("0", "1", *_CODE_PHONE),
)
COUNTRY_CODE: Final = Board(name="code", face="A", rows=CODE.rows[1:], phone=("", "", *(each[1:] for each in _CODE_PHONE)))
_OWN: Final[dict[Language, Board]] = {"ru": CYRILLIC, "ko": HANGUL, "ja": KANA}
_BY_QUESTION: Final = {
    "name": (LATIN_NAME,),
    "helper": (LATIN_NAME,),
    "code": (COUNTRY_CODE,),
    "passport": (CODE,),
    "receipt": (CODE,),
}


def boards_for(question: str, language: Language) -> tuple[Board, ...]:
    """Return the boards a question is answered with, the first one first; none where it is answered with digits or by choosing."""
    if question != "words":
        return _BY_QUESTION.get(question, ())
    own = (_OWN[language],) if language in _OWN else ()
    return (*own, LATIN, SIGNS)
