"""Frame sources under the frame reader: newest frame only, lost and found again, and no picture ever kept."""

from __future__ import annotations

import queue
import threading

import cv2
import numpy as np
import pytest
import segno
from factories import StandingClock
from PIL import Image

from edge_agent.readers.camera import Camera, _Webcam, open_v4l2
from edge_agent.readers.frames import PictureFolder, VideoFile, read_grey
from edge_agent.readers.grabbing import SILENT_SECONDS, Grabber
from edge_agent.readers.packed import frame_of
from edge_agent.readers.port import Capture, Frame
from edge_agent.readers.watching import FrameReader, Guide
from edge_agent.scanning.cascade import Stage
from edge_agent.sim.frames import DIFFICULTIES
from edge_agent.sim.video import SampleCards
from luutru.system import SystemClock
from residence.errors import Malformed, Refused, catalogue

PATIENCE = 10
CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
OTHER = "079188004321|023456789|Lê Ngọc Bảo Trân|09091988|Nữ|123/45 Lê Văn Sỹ, Quận 3, TP.Hồ Chí Minh|20102021"


def picture_of(payload: str) -> np.ndarray:
    modules = np.array([list(row) for row in segno.make(payload.encode(), micro=False).matrix], np.uint8)
    grey = np.kron(np.where(modules == 1, 20, 235).astype(np.uint8), np.ones((4, 4), np.uint8))
    return np.pad(grey, 80, constant_values=235)


class Webcam:
    """A stand-in for cv2.VideoCapture: plays what it is given, then fails, or blocks until it is released."""

    def __init__(self, pictures, *, after="fail", opened=True):
        self.pictures = list(pictures)
        self.after = after
        self.opened = opened
        self.grabbed = None
        self.decoded = 0
        self.released = threading.Event()
        self.taken = threading.Event()

    def isOpened(self):  # noqa: N802 -- OpenCV's name
        return self.opened

    def grab(self):
        if self.pictures:
            self.grabbed = self.pictures.pop(0)
            return True
        self.taken.set()
        if self.after == "hang":
            self.released.wait(PATIENCE)
        return False

    def retrieve(self):
        self.decoded += 1
        return True, self.grabbed

    def set(self, name, value):
        return False

    def get(self, name):
        return {cv2.CAP_PROP_FRAME_WIDTH: 1280, cv2.CAP_PROP_FRAME_HEIGHT: 720}.get(name, 0)

    def release(self):
        self.released.set()


def colour(grey):
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)


def test_the_camera_hands_over_the_newest_frame_only():
    device = Webcam([colour(np.full((4, 4), shade, np.uint8)) for shade in range(10)])
    camera = Camera(0, clock=SystemClock(), open_device=lambda *_: device)
    camera.open()
    assert device.taken.wait(PATIENCE)

    frame = camera.newest(1.0)

    assert frame.number == 9
    assert frame.grey[0, 0] == 9
    assert frame.grey.shape == (4, 4)
    with pytest.raises(Refused) as lost:
        camera.newest(PATIENCE)
    assert lost.value.code == "reader.device_lost"
    camera.close()
    assert device.released.is_set()


def test_a_camera_that_opens_but_sends_nothing_is_said_to_send_nothing():
    clock, device = StandingClock(), Webcam([], after="hang")

    camera = Camera(0, clock=clock, open_device=lambda *_: device)
    camera.open()
    assert camera.newest(0.01) is None
    clock.pass_time(seconds=SILENT_SECONDS + 0.1)
    with pytest.raises(Refused) as silent:
        camera.newest(0.01)
    assert silent.value.code == "reader.no_frames"
    device.released.set()
    camera.close()


def test_while_its_reader_rests_a_camera_is_emptied_but_decodes_nothing():
    clock, device = StandingClock(), Webcam([np.zeros((4, 4, 3), np.uint8)] * 10, after="hang")
    grabber = Grabber(_Webcam(device), clock=clock, label="camera 0")
    grabber.rest(1.0)
    grabber.start()
    assert device.taken.wait(PATIENCE)

    assert device.decoded == 0
    assert grabber.newest(0.01) is None
    device.released.set()
    grabber.close()


@pytest.mark.parametrize(
    ("device", "code"), [("/dev/no-such-camera", "reader.device_missing"), (99, "reader.device_missing")], ids=["path", "number"]
)
def test_a_camera_that_is_not_there_is_named_missing(device, code):
    with pytest.raises(Refused) as refused:
        open_v4l2(device, (640, 480))
    assert refused.value.code == code


def test_a_camera_that_does_not_open_is_named_busy():
    camera = Camera(0, clock=SystemClock(), open_device=lambda *_: Webcam([], opened=False))
    with pytest.raises(Refused) as refused:
        camera.open()
    assert refused.value.code == "reader.device_busy"


def test_unplugged_and_plugged_in_again_the_camera_is_found_and_health_tells_each_change_once():
    captures, health = queue.Queue(), queue.Queue()
    devices = [Webcam([colour(picture_of(CARD))] * 3), Webcam([colour(picture_of(OTHER))] * 3, after="hang")]
    plugged = list(devices)
    camera = Camera(0, clock=SystemClock(), open_device=lambda *_: plugged.pop(0))
    reader = FrameReader(camera, clock=SystemClock())
    reader.start(captures.put, health.put)

    assert [captures.get(timeout=PATIENCE).payload.decode() for _ in range(2)] == [CARD, OTHER]
    devices[1].released.set()
    reader.stop()
    assert [health.get(timeout=PATIENCE).state for _ in range(3)] == ["ok", "lost", "ok"]


class Broken:
    """A source whose library raises something of its own."""

    name = "broken"

    def open(self):
        raise MemoryError

    def newest(self, wait_seconds):
        return None

    def close(self):
        pass


def test_whatever_a_device_raises_the_reader_lives_and_says_so():
    health = queue.Queue()
    reader = FrameReader(Broken(), clock=SystemClock())
    reader.start(lambda _: None, health.put)

    told = health.get(timeout=PATIENCE)

    assert (told.state, told.code) == ("lost", "reader.failed")
    assert told.code in catalogue()
    assert reader._supervisor._thread.is_alive()
    reader.stop()


class Scripted:
    """A source that plays frames as fast as they are taken, then ends."""

    name = "scripted"

    def __init__(self, greys):
        self.greys = list(greys)

    def open(self):
        self.number = 0

    def newest(self, wait_seconds):
        if self.number == len(self.greys):
            raise Refused("reader.finished")
        self.number += 1
        return Frame(grey=self.greys[self.number - 1], number=self.number, taken_ns=self.number * 100_000_000)

    def close(self):
        pass


def test_a_card_held_for_two_seconds_is_one_capture_and_carries_no_picture():
    captures, ended = [], threading.Event()
    reader = FrameReader(Scripted([picture_of(CARD)] * 20), clock=SystemClock())
    reader.start(captures.append, lambda health: ended.set() if health.state == "lost" else None)
    assert ended.wait(PATIENCE)
    reader.stop()

    (capture,) = captures
    assert capture.payload == CARD.encode()
    assert capture.reader == "scripted:zxing-global"
    assert capture.symbology == "QRCode"
    assert set(Capture.__struct_fields__) == {"payload", "symbology", "reader", "seen_at_ns", "kind"}


def fresh_video(tmp_path, greys, rate=10):
    path = tmp_path / "clip.avi"
    height, width = greys[0].shape
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    for grey in greys:
        out.write(colour(grey))
    out.release()
    return path


def even(grey):
    return grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]


def test_a_video_plays_at_its_own_rate_and_skips_what_passed(tmp_path):
    clock = StandingClock()
    video = VideoFile(
        fresh_video(tmp_path, [np.full((64, 64), 10 * shade, np.uint8) for shade in range(20)]),
        clock=clock,
        sleep=lambda seconds: clock.pass_time(seconds=seconds),
    )
    video.open()
    numbers = []
    for _ in range(3):
        frame = video.newest(1.0)
        numbers.append((frame.number, round(int(frame.grey.mean()), -1)))
        clock.pass_time(seconds=0.35)
    assert numbers == [(0, 0), (3, 30), (7, 70)]
    clock.pass_time(seconds=5)
    with pytest.raises(Refused) as finished:
        video.newest(1.0)
    assert finished.value.code == "reader.finished"
    video.close()


def test_every_frame_of_an_empty_lobby_is_looked_at_few_are_decoded_whole_and_a_card_is_read_in_the_frame_it_comes_in(
    tmp_path, monkeypatch
):
    clock, frames, captures = StandingClock(), [], []
    lobby, shown = np.full((360, 640), 90, np.uint8), np.full((360, 640), 90, np.uint8)
    card = even(picture_of(CARD))[:360, :640]
    shown[: card.shape[0], : card.shape[1]] = card
    film = fresh_video(tmp_path, [lobby] * 40 + [shown] + [lobby] * 2)
    video = VideoFile(film, clock=clock, sleep=lambda seconds: clock.pass_time(seconds=seconds))
    reader, given = FrameReader(video, clock=clock), video.newest
    monkeypatch.setattr(
        reader._supervisor.stopping, "wait", lambda seconds: clock.pass_time(seconds=seconds + 0.005)
    )  # a little late
    monkeypatch.setattr(video, "newest", lambda wait: frames.append(given(wait)) or frames[-1])
    with pytest.raises(Refused, match=r"reader\.finished"):
        reader._session(captures.append)

    assert [frame.number for frame in frames if frame] == list(range(43))
    whole = [frame.number for frame in frames if frame and not callable(frame._picture)]
    assert len([number for number in whole if 11 <= number < 40]) <= 7, "nothing moved for three seconds: two a second"
    assert [(each.payload.decode(), each.seen_at_ns) for each in captures] == [(CARD, frames[40].taken_ns)]


@pytest.mark.parametrize("size", [(720, 1280), (120, 160)], ids=["glimpsed first", "too small for that"])
def test_a_cameras_jpegs_become_the_pictures_they_are_and_broken_ones_no_frames(size):
    still = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, size, np.uint8), (0, 0), 9)
    sent = cv2.imencode(".jpg", colour(still), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].reshape(1, -1)
    rubbish = np.arange(200, dtype=np.uint8).reshape(1, -1)
    grabbed = [frame_of(each, number=0, taken_ns=0) for each in (sent, sent[:, :40], sent[:, :-99], sent[:, :0], rubbish, None)]

    assert grabbed[1:] == [None] * 5
    assert np.abs(grabbed[0].grey.astype(int) - still).max() <= 4
    back = cv2.resize(grabbed[0].glimpse, (64, 36), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(back - cv2.resize(still, (64, 36), interpolation=cv2.INTER_AREA)).max() <= 4


@pytest.mark.parametrize("claimed", [(20_000, 30_000), (65_000, 65_000)], ids=["600 million pixels", "more than OpenCV takes"])
def test_a_jpeg_that_claims_to_be_huge_is_no_frame(claimed):
    sent = cv2.imencode(".jpg", np.full((64, 64), 90, np.uint8))[1].reshape(1, -1).copy()
    begins = bytes(sent).index(b"\xff\xc0") + 5  # of the frame header: its height and width
    sent[0, begins : begins + 4] = np.frombuffer(b"".join(each.to_bytes(2, "big") for each in claimed), np.uint8)
    assert frame_of(sent, number=0, taken_ns=0) is None


def test_a_camera_that_sends_nothing_but_broken_pictures_is_said_to_send_nothing():
    clock = StandingClock()
    grabber = Grabber(_Webcam(Webcam([])), clock=clock, label="camera 0")
    good = cv2.imencode(".jpg", np.full((64, 64), 90, np.uint8))[1].reshape(1, -1)

    def takes(picture):
        clock.pass_time(seconds=SILENT_SECONDS * 0.6)
        grabber._newest = (picture, 0, clock.monotonic_ns())
        return grabber.newest(0)

    assert [takes(each) is None for each in (good[:, :40], good[:, :40], good, good[:, :40], good[:, :40])] == [
        True,
        True,
        False,
        True,
        True,
    ]
    with pytest.raises(Refused, match=r"reader\.no_frames"):
        takes(good[:, :40])


def test_a_looping_video_starts_over(tmp_path):
    clock = StandingClock()
    path = fresh_video(tmp_path, [np.full((64, 64), 100, np.uint8)] * 3)
    video = VideoFile(path, clock=clock, looping=True, sleep=lambda seconds: clock.pass_time(seconds=seconds))
    video.open()
    clock.pass_time(seconds=1)

    assert video.newest(1.0) is None
    assert video.newest(1.0).number == 0
    video.close()


def test_photos_of_a_folder_are_read_in_turn_and_rubbish_between_them_is_skipped(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture_of(CARD))
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("nothing")
    cv2.imwrite(str(tmp_path / "c.png"), picture_of(OTHER))
    captures = queue.Queue()
    reader = FrameReader(PictureFolder(tmp_path, clock=SystemClock(), hold_seconds=0.05), clock=SystemClock())
    reader.start(captures.put, lambda _: None)

    assert [captures.get(timeout=PATIENCE).payload.decode() for _ in range(2)] == [CARD, OTHER]
    reader.stop()


def test_an_empty_folder_is_a_missing_device(tmp_path):
    with pytest.raises(Refused) as refused:
        PictureFolder(tmp_path, clock=SystemClock()).open()
    assert refused.value.code == "reader.device_missing"


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "I;16", "I", "F", "CMYK", "1"])
def test_every_kind_of_picture_becomes_the_same_grey(tmp_path, mode):
    path = tmp_path / ("card.tif" if mode in {"CMYK", "I;16", "I", "F"} else "card.png")
    grey = picture_of(CARD)
    deep = {"I;16": grey.astype(np.uint16) * 257, "I": grey.astype(np.int32) * 70_000, "F": grey.astype(np.float32) / 255}
    picture = Image.fromarray(deep[mode]) if mode in deep else Image.fromarray(grey).convert(mode)
    picture.save(path)

    read = read_grey(path)

    assert read.dtype == np.uint8
    assert read.shape == grey.shape
    assert np.abs(read.astype(int) - grey).mean() < 40


def test_a_file_that_is_no_picture_names_its_problem(tmp_path):
    path = tmp_path / "x.jpg"
    path.write_text("hello")
    with pytest.raises(Malformed) as refused:
        read_grey(path)
    assert refused.value.code == "scan.not_a_picture"


def test_no_picture_is_ever_written_to_disk(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a picture was about to be written")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for owner, name in ((cv2, "imwrite"), (cv2, "VideoWriter"), (np, "save"), (Image.Image, "save")):
        monkeypatch.setattr(owner, name, refuse)
    captures, health = queue.Queue(), []
    source = SampleCards([CARD], clock=SystemClock(), difficulty=DIFFICULTIES[0])
    reader = FrameReader(source, clock=SystemClock())
    reader.start(captures.put, health.append)
    captures.get(timeout=PATIENCE)
    reader.stop()

    assert list(tmp_path.rglob("*")) == []
    assert [each.state for each in health] == ["ok"]


@pytest.mark.parametrize(("asked", "least", "most"), [(False, 4, 18), (True, 40, 40)], ids=["nobody asked", "asked for a card"])
def test_a_scene_in_which_nothing_moves_is_searched_twice_a_second_unless_somebody_is_asked_for_a_card(asked, least, most):
    searched, shown = [], picture_of(CARD)
    guide = Guide(wanted=lambda: asked, show=lambda _hint: None)
    source = SampleCards([CARD], clock=StandingClock())
    stage = Stage("counted", lambda view: searched.append(view) or [])
    reader = FrameReader(source, clock=StandingClock(), stages=[stage], guide=guide)
    for number in range(40):
        reader._look(Frame(grey=np.full((72, 128), 90, np.uint8), number=number, taken_ns=number * 100_000_000), lambda _: None)
    assert least <= len(searched) <= most
    before = len(searched)
    reader._look(Frame(grey=shown, number=40, taken_ns=4_000_000_000), lambda _: None)
    assert len(searched) == before + 1  # whatever comes in wakes it at once
