"""Cameras are set up as the profile says, read back, and what they refuse is told; a stand-in device plays the hardware's part."""

from __future__ import annotations

import json
import queue
import sys
import threading
import types
import urllib.request

import cv2
import numpy as np
import pytest
from kiosk_page_parts import LOBBY, make_profile, running_kiosk, served

from edge_agent.readers.camera import MANUAL_EXPOSURE, Camera, leave_packed, set_up
from edge_agent.readers.picamera import PiCamera, controls_for, open_picamera2
from edge_agent.readers.port import Adjustable, CameraSettings, ReaderHealth, Restful, Setting
from edge_agent.readers.watching import FrameReader
from luutru.processes.kiosk_readers import readers_of
from luutru.system import SystemClock
from residence.errors import Malformed, Refused

PATIENCE = 10
NEAR = CameraSettings(width=1920, height=1080, autofocus=False, focus=120, exposure_ms=4)


class Webcam:
    """A V4L2 camera with some controls, as cv2.VideoCapture shows it: frames for ever, until it is released."""

    def __init__(self, *, controls, rounded_to=1.0, size=(1920, 1080)):
        self.values = {cv2.CAP_PROP_FRAME_WIDTH: size[0], cv2.CAP_PROP_FRAME_HEIGHT: size[1]}
        self.controls, self.rounded_to = controls, rounded_to
        self.order = []
        self.released = threading.Event()

    def isOpened(self):  # noqa: N802 -- OpenCV's name
        return True

    def set(self, name, value):
        if name not in self.controls:
            return False
        self.order.append(name)
        self.values[name] = round(value / self.rounded_to) * self.rounded_to
        return True

    def get(self, name):
        return self.values.get(name, -1.0)

    def grab(self):
        return not self.released.wait(0.005)

    def retrieve(self):
        return True, np.zeros((8, 8), np.uint8)

    def release(self):
        self.released.set()


ALL = (cv2.CAP_PROP_AUTOFOCUS, cv2.CAP_PROP_FOCUS, cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE)


def test_focus_and_exposure_are_set_automatic_off_before_the_value_and_read_back():
    camera = Webcam(controls=ALL)

    told = {each.name: each for each in set_up(camera, NEAR)}

    assert camera.order == list(ALL)
    assert camera.values[cv2.CAP_PROP_AUTO_EXPOSURE] == MANUAL_EXPOSURE
    assert camera.values[cv2.CAP_PROP_EXPOSURE] == 40, "V4L2 counts tenths of a millisecond"
    assert {name: each.got for name, each in told.items()} == {
        "width": 1920,
        "height": 1080,
        "autofocus": 0,
        "focus": 120,
        "exposure_ms": 4,
    }
    assert all(each.taken for each in told.values())


def test_what_is_not_asked_is_left_as_the_camera_has_it():
    camera = Webcam(controls=ALL, size=(1280, 720))

    assert [each.name for each in set_up(camera, CameraSettings())] == ["width", "height"]
    assert camera.order == []


@pytest.mark.parametrize(
    ("camera", "refused"),
    [
        (Webcam(controls=()), {"autofocus", "focus", "exposure_ms"}),
        (Webcam(controls=ALL, rounded_to=50), {"focus", "exposure_ms"}),
        (Webcam(controls=ALL, size=(640, 480)), {"width", "height"}),
        (Webcam(controls=ALL, rounded_to=5), set()),
    ],
    ids=["no controls", "steps too coarse", "another size", "steps fine enough"],
)
def test_what_a_camera_does_not_take_is_told(camera, refused):
    assert {each.name for each in set_up(camera, NEAR) if not each.taken} == refused


@pytest.mark.parametrize(("sends", "left"), [("MJPG", [cv2.CAP_PROP_CONVERT_RGB]), ("YUYV", [])])
def test_a_camera_that_sends_jpegs_is_left_to_send_them_and_any_other_is_decoded(sends, left):
    camera = Webcam(controls=(cv2.CAP_PROP_CONVERT_RGB,))
    camera.values[cv2.CAP_PROP_FOURCC] = float(cv2.VideoWriter.fourcc(*sends))

    leave_packed(camera)

    assert camera.order == left
    assert camera.values.get(cv2.CAP_PROP_CONVERT_RGB, 0) == 0


@pytest.mark.parametrize(("controls", "state"), [(ALL, "ok"), ((), "degraded")], ids=["taken", "refused"])
def test_health_tells_once_whether_the_settings_were_taken(controls, state):
    health = queue.Queue()
    camera = Camera(0, clock=SystemClock(), settings=NEAR, open_device=lambda *_: Webcam(controls=controls))
    reader = FrameReader(camera, clock=SystemClock())
    reader.start(lambda _: None, health.put)

    first, second = (health.get(timeout=PATIENCE) for _ in range(2))
    reader.stop()

    assert (first.state, first.settings) == ("ok", ())
    assert (second.state, second.code) == (state, "" if state == "ok" else "reader.setting_refused")
    assert [each.name for each in second.settings] == ["width", "height", "autofocus", "focus", "exposure_ms"]
    assert health.empty()


class Request:
    """One completed request of libcamera: padded planes, metadata, and that it must be given back."""

    def __init__(self, camera, number):
        self.camera, self.number = camera, number

    def make_array(self, name):
        assert name == "main"
        self.camera.copied += 1
        width, height = self.camera.config["main"]["size"]
        planes = np.full((height * 3 // 2, width + 64), 200, np.uint8)  # rows padded at their end
        planes[:height, :width] = self.number % 100
        return planes

    def get_metadata(self):
        controls = self.camera.config["controls"]
        return {"LensPosition": controls.get("LensPosition", 1.0), "ExposureTime": controls.get("ExposureTime", 20_000) - 4}

    def release(self):
        self.camera.held -= 1


class Libcamera:
    """A stand-in for picamera2.Picamera2."""

    def __init__(self, *, controls=("AfMode", "LensPosition", "AeEnable", "ExposureTime"), breaks_after=None):
        self.camera_controls = dict.fromkeys(controls)
        self.breaks_after = breaks_after
        self.taken = self.copied = self.held = self.most_held = 0
        self.running, self.closed = threading.Event(), threading.Event()

    def create_video_configuration(self, *, main, buffer_count, controls):
        assert main["format"] == "YUV420"
        return {"main": main, "buffer_count": buffer_count, "controls": controls}

    def configure(self, config):
        self.config = config

    def start(self):
        self.running.set()

    def capture_request(self):
        self.closed.wait(0.002)
        if self.taken == self.breaks_after:
            raise RuntimeError("the cable")
        self.taken += 1
        self.held += 1
        self.most_held = max(self.held, self.most_held)
        return Request(self, self.taken)

    def stop(self):
        self.running.clear()

    def close(self):
        self.closed.set()


def opened(device, settings=None):
    camera = PiCamera(0, clock=SystemClock(), settings=settings, open_device=lambda _: device)
    camera.open()
    return camera


def test_a_raspberry_pis_camera_gives_the_newest_grey_plane_without_its_padding():
    device = Libcamera()
    camera = opened(device, CameraSettings(width=320, height=240))

    frames = [camera.newest(PATIENCE) for _ in range(3)]
    camera.close()

    assert [frame.number for frame in frames] == sorted({frame.number for frame in frames})
    for frame in frames:
        assert frame.grey.shape == (240, 320)
        assert frame.grey.flags.c_contiguous
        assert set(np.unique(frame.grey)) == {(frame.number + 1) % 100}
    assert device.config["buffer_count"] == 2
    assert (device.held, device.most_held) == (0, 1), "every request is given back, one is held at a time"
    assert device.closed.is_set()


def test_while_the_reader_rests_no_frame_of_a_pi_is_copied():
    device = Libcamera()
    camera = opened(device)
    camera.newest(PATIENCE)
    camera.rest(60)
    taken, copied = device.taken, device.copied
    while device.taken < taken + 20:
        device.closed.wait(0.001)

    assert device.copied <= copied + 1
    assert camera.newest(PATIENCE) is not None
    camera.close()


ASKED = [
    (CameraSettings(), {}),
    (CameraSettings(focus=8), {"AfMode": 0, "LensPosition": 8}),
    (CameraSettings(autofocus=False), {"AfMode": 0}),
    (CameraSettings(autofocus=True), {"AfMode": 2}),
    (CameraSettings(autofocus=True, focus=8), {"AfMode": 0, "LensPosition": 8}),
    (CameraSettings(exposure_ms=4), {"AeEnable": False, "ExposureTime": 4000}),
]


@pytest.mark.parametrize(("asked", "controls"), ASKED)
def test_settings_become_libcameras_controls(asked, controls):
    assert controls_for(asked) == controls


def test_a_pi_reads_its_settings_back_from_a_frame_and_a_lens_without_a_motor_refuses_focus():
    asked = CameraSettings(focus=8, exposure_ms=4)
    camera, fixed = opened(Libcamera(), asked), opened(Libcamera(controls=("AeEnable", "ExposureTime")), asked)
    before = camera.settings
    for each in (camera, fixed):
        each.newest(PATIENCE)
        each.close()

    assert before in ((), camera.settings)
    assert {each.name: (each.got, each.taken) for each in camera.settings} == {"focus": (8, True), "exposure_ms": (3.996, True)}
    assert {each.name: each.taken for each in fixed.settings} == {"focus": False, "exposure_ms": True}


def test_a_pi_camera_that_breaks_is_lost():
    camera = opened(Libcamera(breaks_after=0))
    with pytest.raises(Refused) as lost:
        camera.newest(PATIENCE)
    camera.close()

    assert lost.value.code == "reader.device_lost"


def picamera2_that(raises):
    def make(_number):
        raise raises

    return types.SimpleNamespace(Picamera2=make)


TROUBLE = [
    (None, "reader.library_missing"),
    (picamera2_that(IndexError("list index out of range")), "reader.device_missing"),
    (picamera2_that(RuntimeError("Camera __init__ sequence did not complete.")), "reader.device_busy"),
]


@pytest.mark.parametrize(("module", "code"), TROUBLE, ids=[each[1] for each in TROUBLE])
def test_what_keeps_a_pi_camera_from_opening_is_named(monkeypatch, module, code):
    monkeypatch.setitem(sys.modules, "picamera2", module)
    with pytest.raises(Refused) as refused:
        open_picamera2(0)
    assert refused.value.code == code


PROFILE = (
    LOBBY
    + """
[[readers]]
kind = "{kind}"
source = "{source}"
width = 1920
height = 1080
autofocus = false
focus = 120.0
exposure_ms = 4.0
"""
)


@pytest.mark.parametrize(("kind", "source", "of"), [("camera", "0", Camera), ("picamera", "1", PiCamera)])
def test_the_profile_sets_a_camera_up(kind, source, of):
    (reader,) = readers_of(make_profile(PROFILE.format(kind=kind, source=source)), clock=SystemClock()).readers

    assert isinstance(reader._source, of)
    assert reader._source._asked == NEAR
    assert isinstance(reader._source, Adjustable)
    assert isinstance(reader._source, Restful)


def test_a_pi_camera_is_named_by_number():
    with pytest.raises(Malformed):
        readers_of(make_profile(PROFILE.format(kind="picamera", source="/dev/video0")), clock=SystemClock())


def test_the_pages_health_shows_what_the_camera_made_of_its_settings():
    told = (Setting(name="focus", asked=120, got=None), Setting(name="exposure_ms", asked=4, got=4.1))
    with running_kiosk(LOBBY) as kiosk, served(kiosk) as url:
        kiosk.agent.report(ReaderHealth(reader="camera", state="degraded", code="reader.setting_refused", settings=told))
        kiosk.wait_for(lambda: kiosk.agent.view().health.readers)
        shown = json.load(urllib.request.urlopen(f"{url}/health", timeout=5))["readers"]["camera"]

    assert shown["code"] == "reader.setting_refused"
    assert shown["settings"] == {"focus": {"asked": 120, "got": None}, "exposure_ms": {"asked": 4, "got": 4.1}}
