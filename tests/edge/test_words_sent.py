"""Words that are sent to a kiosk's screens: what may stand there, how they are tried, kept and given up, and who takes them in a rollout."""

from __future__ import annotations

import pytest
from configuration_parts import NOW, WARD, served
from factories import StandingClock

from edge_agent.configuration.following_words import FollowingWords, Screens
from edge_agent.configuration.slots import TRIES, Slots
from edge_agent.kiosk.texts import IN_FORCE, Texts, forms_of
from edge_agent.kiosk.words import check_words, fill_in, use_words
from firmware_config.signed.paths import words_path
from firmware_config.signed.words import read_words, write_words
from residence.errors import LuutruError, Malformed


@pytest.fixture(autouse=True)
def words_of_the_image():
    yield
    IN_FORCE.use({})


def document(release, *, share=100, language="ru", **changes):
    texts = forms_of(language) | {key: forms if isinstance(forms, tuple) else (forms,) for key, forms in changes.items()}
    return write_words({language: texts}, release=release, share=share)


REFUSED = {
    "mark-up": ("done", "<b>Xong</b>"),
    "an attribute of a value": ("clock", "{hour:02}:{minute:02} {day}/{month.__class__}"),
    "a value the screen does not give": ("done", "Xong {person}"),
    "a value left out": ("clock", "{hour:02}:{minute:02}, {day}"),
    "a conversion": ("clock", "{hour!r}:{minute:02} {day}/{month}"),
    "a width nobody uses": ("clock", "{hour:9999999}:{minute:02} {day}/{month}"),
    "a positional value": ("done", "Xong {}"),
    "a brace that does not close": ("done", "Xong {"),
    "a turned order of reading": ("done", "Xong\u202e"),
    "a character that hides": ("done", "Xo\u200bng"),
    "a new line": ("done", "Xong\nXong"),
    "nothing": ("done", ""),
    "only a space": ("done", " "),
    "decomposed letters": ("done", "Xo\u0302ng"),
    "a novel": ("done", "Xong" * 40),
    "two forms where there is one": ("done", ("Xong", "Xong")),
}


@pytest.mark.parametrize(("key", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_may_not_stand_on_a_screen_is_refused_by_its_place(key, text):
    forms = text if isinstance(text, tuple) else (text,)
    with pytest.raises(Malformed) as caught:
        check_words({"vi": forms_of("vi") | {key: forms}})
    assert (caught.value.code, caught.value.pointer) == ("words.refused", f"/words/vi/{key}")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"schema":2,"release":"1","share":5,"words":{}}', b'{"schema":1,"release":"1","share":0,"words":{}}', b'{"schema":1,"release":"1","share":5,"words":{"vi":{"a":[]}}}', b'{"schema":1,"release":"1","share":5,"words":{"../x":{}}}', b"[" * 100_000])  # fmt: skip
def test_a_document_of_words_that_is_not_quite_one_is_refused(data):
    with pytest.raises(Malformed, match=r"words\.malformed"):
        read_words(data)


def test_every_built_in_text_may_be_sent_and_each_language_counts_as_before():
    whole = {language: forms_of(language) for language in ("vi", "en", "zh", "ko", "ja", "ru")}
    assert check_words(whole) == 0
    use_words(whole)
    fill_in()
    assert [Texts("ru").many("nights.word", count) for count in (1, 3, 7)] == ["ночь", "ночи", "ночей"]


def test_what_is_missing_is_said_in_the_words_of_the_image_and_a_newer_images_keys_are_left_out():
    some = {"vi": {"done": ("Xong rồi",), "of.a.newer.image": ("{what}",)}, "th": {"done": ("เสร็จ",)}}
    assert check_words(some) == len(forms_of("vi")) - 1
    use_words(some)
    assert [Texts("vi")("done"), Texts("vi")("back"), Texts("en")("done")] == [
        "Xong rồi",
        forms_of("vi")["back"][0],
        forms_of("en")["done"][0],
    ]


class Kiosk:
    """A kiosk whose words are followed by hand, one look at a time; its screens are the real texts."""

    def __init__(self, folder, *, place=50, pin=""):
        self.folder, self.place, self.pin = folder, place, pin
        self.clock, self.idle, self.published, self.broken = StandingClock(NOW), True, None, False
        self.start()

    def start(self):
        IN_FORCE.use({})
        self.slots = Slots(self.folder)
        self.following = FollowingWords(
            self.slots,
            fetch=self._fetch,
            screens=Screens(check=check_words, use=use_words, draw=self._draw),
            idle=lambda: self.idle,
            clock=self.clock,
            steady=60,
            place=self.place,
            pin=self.pin,
        )
        self.following.start()

    def _fetch(self):
        if isinstance(self.published, LuutruError):
            raise self.published
        return self.published

    def _draw(self):
        fill_in()
        if self.broken:
            raise KeyError("a screen that cannot be drawn")

    def send(self, published):
        self.published = published
        self.following.ask()
        self.following.look()

    def pass_time(self, seconds):
        self.clock.pass_time(seconds=seconds)
        self.following.look()

    @property
    def says(self):
        return Texts("ru")("done")


@pytest.fixture
def kiosk(tmp_path):
    return Kiosk(tmp_path / "words")


def test_words_wait_for_an_idle_screen_and_are_kept_when_they_have_proved_themselves(kiosk):
    kiosk.idle = False
    kiosk.send(document("1", done="Всё"))
    kiosk.pass_time(600)
    assert kiosk.says == forms_of("ru")["done"][0], "somebody stands there"
    kiosk.start()
    kiosk.pass_time(1)
    assert (kiosk.says, kiosk.slots.state.tries) == (forms_of("ru")["done"][0], 0), "not after a power cut either"
    kiosk.idle = True
    kiosk.pass_time(1)
    assert (kiosk.says, kiosk.slots.state.good) == ("Всё", "")
    kiosk.pass_time(61)
    assert (kiosk.slots.state.good, kiosk.following.health()[:5]) == ("a", "ok:1-")
    kiosk.start()
    assert kiosk.says == "Всё"


def test_words_that_do_not_draw_are_taken_back_at_once_and_never_tried_again(kiosk):
    kiosk.send(document("1", done="Всё"))
    kiosk.pass_time(61)
    kiosk.send(document("2", done="Готово!"))
    assert kiosk.says == "Готово!"
    kiosk.broken, kiosk.idle = True, False
    kiosk.pass_time(30)
    assert (kiosk.says, kiosk.following.health()) == ("Всё", "degraded:words.taken_back")
    kiosk.broken, kiosk.idle = False, True
    kiosk.send(document("2", done="Готово!"))
    assert (kiosk.says, kiosk.following.health()) == ("Всё", "degraded:words.taken_back")
    kiosk.send(document("3", done="Конец"))
    kiosk.pass_time(61)
    assert (kiosk.says, kiosk.following.health()[:5]) == ("Конец", "ok:3-")


def test_words_that_crash_the_process_are_given_up_after_their_tries(kiosk):
    kiosk.send(document("1", done="Всё"))
    said = [kiosk.says]
    for _ in range(TRIES):
        kiosk.start()
        said.append(kiosk.says)
    assert said == ["Всё"] * TRIES + [forms_of("ru")["done"][0]]
    assert kiosk.following.health() == "degraded:words.taken_back"


def test_words_on_the_disk_that_a_new_image_cannot_show_are_given_up_and_said(kiosk, tmp_path):
    kiosk.send(document("1", done="Всё"))
    kiosk.pass_time(61)
    (file,) = (tmp_path / "words" / "a").iterdir()
    file.write_bytes(write_words({"ru": {"done": ("{of_an_older_image}",)}}, release="1", share=100))
    kiosk.start()
    assert kiosk.says == forms_of("ru")["done"][0]
    kiosk.send(file.read_bytes())
    assert kiosk.following.health() == "degraded:words.refused"


def test_a_rollout_takes_a_share_and_who_has_the_words_does_not_take_them_twice(tmp_path):
    first, later = Kiosk(tmp_path / "first", place=4), Kiosk(tmp_path / "later", place=5)
    for share, expected in ((5, ("Всё", forms_of("ru")["done"][0])), (100, ("Всё", "Всё"))):
        states = []
        for each in (first, later):
            each.send(document("1", share=share, done="Всё"))
            IN_FORCE.use({})
            each.start()
            states.append(each.says)
            each.pass_time(61)
        assert tuple(states) == expected
    assert first.slots.state.good == "a", "taken up once"


def test_a_pin_holds_words_too_and_none_at_all_are_those_of_the_image(tmp_path):
    pinned = Kiosk(tmp_path / "pinned", pin="1")
    pinned.send(document("2", done="Готово!"))
    assert not pinned.slots.state.trying
    pinned.send(document("1", done="Всё"))
    pinned.pass_time(61)
    pinned.send(write_words({}, release="1b", share=100))
    pinned.pass_time(61)
    assert (pinned.says, pinned.following.health()[:6]) == (forms_of("ru")["done"][0], "ok:1b-")


def test_a_second_paper_is_of_the_same_signatures_and_a_tampered_one_leaves_the_settings_alone(tmp_path, authority_of_words):
    authority, path = authority_of_words, words_path(WARD)
    with served(authority.repository.folder) as url:
        kiosk = authority.client(tmp_path / "kiosk", url)
        assert kiosk.also(path) is None, "nothing is believed before the authority was asked"
        kiosk.fetch(NOW)
        assert kiosk.also(path) == document("1")
        assert kiosk.also(words_path("ward-02")) is None
        authority.put(path, document("2"))
        (file,) = (
            each for each in (authority.repository.documents / path).parent.iterdir() if each.read_bytes() == document("2")
        )
        file.write_bytes(file.read_bytes()[:-1] + b" ")
        assert kiosk.fetch(NOW).files == {"kiosk.toml": b""}
        with pytest.raises(LuutruError, match=r"configuration\.tampered"):
            kiosk.also(path)


@pytest.fixture
def authority_of_words(tmp_path):
    from configuration_parts import Authority

    authority = Authority(tmp_path / "authority")
    authority.publish({"kiosk.toml": b""})
    authority.put(words_path(WARD), document("1"))
    return authority
