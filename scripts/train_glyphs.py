"""Make the networks that read OCR-B signs, learned from Debian's fonts-ocr-b and nothing else: ``glyphs``, ``worn_glyphs*``, ``marked_glyphs*``.

- Every cell it learns from is drawn: a sign between two others, bolder or thinner, turned, shifted, seen from near or far, blurred,
  shaken, in noise and uneven light. The measuring set (``luutru/benchmarks/mrz_set.py``) is drawn by other code and never seen here.
- The pair ``worn`` learns from print most of which is rubbed, ``marked`` from rubbed and dirty print, and both are told what stood there before:
  they know what a sign may be the rest of. The second of a pair sees other drawings, with a seventh of its first layer left out at a time.
- "No sign": empty ground, half-way between two signs, letters of an ordinary font, lines and noise.
- Plain gradient descent (Adam) in numpy from fixed seeds; a few minutes for the first, a quarter of an hour each other. Kept as 16-bit floats.

Example: ``.venv/bin/python scripts/train_glyphs.py marked_glyphs``
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from edge_agent.mrz_reading.glyphs import NO_SIGN, PITCH, SIGNS, TALL, WIDE, evened, network, weigh  # noqa: E402

TARGETS = ROOT / "edge_agent/mrz_reading"
FACES = [Path("/usr/share/fonts/opentype/ocr-b") / name for name in ("OCRB.otf", "OCRBS.otf")]
FINE = 48  # pixels from sign to sign in the drawings
EM = 1.3833
BATCH = 256
CAP = 0.70  # of the em; a cell's middle is half a capital above the foot


class Course(NamedTuple):
    """What one network is taught: ``wear`` is the share of cells with rubbed print, ``marks`` how many places of each at most.

    ``largest``: how large such a place may be, in signs; ``dirty``: the share of them that are dark marks on the card; ``packed``: the share of cells that went through a JPEG; ``screened``: the share
    shown on a screen whose grid the camera sees as waves. ``hidden`` layers; ``unsure``: how much of the answer is spread over all signs,
    so that the network is not surer than it should be; ``left_out``: the share of the first hidden layer that each step leaves out.
    """

    wear: float
    marks: int
    largest: float
    per_sign: int
    no_signs: int
    epochs: int
    hidden: tuple[int, int]
    unsure: float
    seeds: tuple[int, ...] = (1,)
    left_out: float = 0.0
    dirty: float = 0.0
    packed: float = 0.0
    screened: float = 0.0


CLEAN = Course(wear=0.12, marks=1, largest=0.22, per_sign=4000, no_signs=14_000, epochs=18, hidden=(224, 64), unsure=0.01)
RUBBED = Course(
    wear=0.7,
    marks=3,
    largest=0.34,
    per_sign=16_000,
    no_signs=40_000,
    epochs=14,
    hidden=(512, 128),
    unsure=0.003,
    packed=0.5,
    screened=0.2,
)
AGAIN = {"seeds": (21, 22), "epochs": 9, "left_out": 0.15}
MARKED = RUBBED._replace(dirty=0.35)
COURSES = {
    "glyphs": CLEAN,
    "worn_glyphs": RUBBED,
    "worn_glyphs_again": RUBBED._replace(**AGAIN),
    "marked_glyphs": MARKED,
    "marked_glyphs_again": MARKED._replace(**AGAIN),
}


def drawing(text: str, face: Path, weight: float) -> np.ndarray:
    """Return ``text`` as ink (0 to 1), one sign per ``FINE`` pixels, the middle of capitals at half height."""
    high = FINE * 3
    mask = Image.new("L", (FINE * len(text), high), 0)
    font = ImageFont.truetype(str(face), round(FINE * EM))
    draw = ImageDraw.Draw(mask)
    for place, sign in enumerate(text):
        draw.text((place * FINE, high / 2 + CAP * EM * FINE / 2), sign, font=font, fill=255, anchor="ls")
    size = 2 * round(abs(weight)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return (cv2.dilate if weight > 0 else cv2.erode)(np.asarray(mask), kernel).astype(np.float32) / 255


def bank() -> dict[str, list[np.ndarray]]:
    """Return drawings of every sign alone, in both faces and five weights."""
    return {sign: [drawing(sign, face, weight) for face in FACES for weight in (-2, -1, 0, 1.5, 2.6)] for sign in SIGNS}


def seen(rng: np.random.Generator, ink: np.ndarray, shift: float, course: Course) -> np.ndarray:
    """Return one cell as a camera would have seen it, cut at the reader's scale; ``ink`` is three signs wide."""
    near = float(np.exp(rng.uniform(np.log(7), np.log(30))))  # camera pixels from sign to sign
    scale = near / FINE
    turn, lean = np.radians(rng.normal(0, 1.3)), rng.normal(0, 0.04)
    sx, sy = scale * np.exp(rng.normal(0, 0.025)), scale * np.exp(rng.normal(0, 0.04))
    matrix = np.array([[sx * np.cos(turn), -sy * np.sin(turn) + lean * sy], [sx * np.sin(turn), sy * np.cos(turn)]])
    wide, tall = int(near * 2) + 8, int(near * 2.2) + 8
    middle = np.array([ink.shape[1] / 2, ink.shape[0] / 2])
    at = np.array([wide / 2, tall / 2])
    off = np.array([shift + rng.uniform(-0.13, 0.13), rng.uniform(-0.12, 0.12)]) * near
    move = np.column_stack([matrix, at + off - matrix @ middle])
    if rng.random() < course.wear:
        for _ in range(1 if course.marks == 1 else int(rng.integers(1, course.marks + 1))):
            ink = worn(rng, ink, course)
    calm = cv2.GaussianBlur(ink, (0, 0), max(0.3, 0.42 / scale)) if scale < 1 else ink
    light = cv2.warpAffine(calm, move, (wide, tall), flags=cv2.INTER_LINEAR)
    stroke = near * 0.155
    blur = abs(rng.normal(0, 0.42)) * stroke
    if blur > 0.25:
        light = cv2.GaussianBlur(light, (0, 0), blur)
    if rng.random() < 0.4:
        light = shaken(light, rng.uniform(0.3, 1.5) * stroke, rng.uniform(0, 180))
    ground = rng.uniform(0.3, 1.0) if rng.random() < 0.8 else rng.uniform(0.03, 0.3)
    contrast = rng.uniform(0.35, 0.97)
    yy, xx = np.mgrid[-1 : 1 : tall * 1j, -1 : 1 : wide * 1j]
    ramp = 1 + rng.normal(0, 0.12) * xx + rng.normal(0, 0.12) * yy
    light = ground * ramp * (1 - contrast * light)
    if course.screened and rng.random() < course.screened:
        light = light * waves(rng, light.shape)
    light = light + rng.normal(0, abs(rng.normal(0, 0.018)), light.shape) * np.sqrt(ground)
    grey = np.clip(light, 0, 1) ** (1 / 2.2) * 255
    if rng.random() < 0.5:
        grey = grey + rng.uniform(0, 0.6) * (grey - cv2.GaussianBlur(grey, (0, 0), 1.1))
    grey = np.clip(grey, 0, 255).astype(np.float32)
    if course.packed and rng.random() < course.packed:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(np.exp(rng.uniform(np.log(8), np.log(95))))]
        grey = cv2.imdecode(cv2.imencode(".jpg", grey.astype(np.uint8), quality)[1], cv2.IMREAD_GRAYSCALE).astype(np.float32)
    back = PITCH / near
    cut = np.array([[back, 0, (WIDE - 1) / 2 - back * (at[0] - 0.5)], [0, back, (TALL - 1) / 2 - back * (at[1] - 0.5)]])
    if back < 1:
        grey = cv2.GaussianBlur(grey, (0, 0), max(0.1, 0.35 / back))
    return cv2.warpAffine(grey, cut, (WIDE, TALL), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def waves(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return what is left of the light behind a screen's grid: two crossed waves of any length the sensor can show."""
    turn, strength = rng.uniform(0, np.pi), rng.uniform(0.03, 0.35)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    crossed = [1 + strength * np.cos(2 * np.pi * (rng.uniform(0, 0.5) * each + rng.random())) for each in (along, across)]
    return crossed[0] * crossed[1] / (1 + strength) ** 2


def worn(rng: np.random.Generator, ink: np.ndarray, course: Course) -> np.ndarray:
    """Return the drawing with a speck or a scratch of its ink rubbed off, or with one of dirt on it."""
    mark = np.zeros(ink.shape, np.uint8)
    dirty = rng.random() < course.dirty
    at = (FINE * (1.5 + rng.normal(0, 0.35, 2))).astype(int)
    if rng.random() < 0.6:
        axes = (rng.uniform(0.04, course.largest, 2) * FINE).astype(int) + 1
        cv2.ellipse(mark, at.tolist(), axes.tolist(), rng.uniform(0, 180), 0, 360, 1, -1)
    else:
        away = (rng.normal(0, 2, 2) * FINE).astype(int)
        cv2.line(mark, (at - away).tolist(), (at + away).tolist(), 1, int(rng.integers(1, 6)))
    soft = cv2.GaussianBlur(mark.astype(np.float32), (0, 0), 1.0)
    return np.maximum(ink, soft * rng.uniform(0.3, 1)) if dirty else ink * (1 - soft)


def shaken(light: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Return the picture smeared along a line."""
    size = 2 * int(np.ceil(length)) + 3
    big = np.zeros((size * 8, size * 8), np.float32)
    middle, reach = size * 4, length * 4
    dx, dy = reach * np.cos(np.radians(angle)), reach * np.sin(np.radians(angle))
    cv2.line(big, (round(middle - dx), round(middle - dy)), (round(middle + dx), round(middle + dy)), 1.0, 8)
    kernel = cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA)
    return cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def around(rng: np.random.Generator, signs: dict[str, list[np.ndarray]], middle: str) -> np.ndarray:
    """Return a sign with neighbours; at the ends of a line there is none."""
    empty = np.zeros((FINE * 3, FINE), np.float32)
    form = int(rng.integers(10))

    def beside() -> np.ndarray:
        roll = rng.random()
        return empty if roll < 0.06 else signs["<" if roll < 0.3 else SIGNS[int(rng.integers(37))]][form]

    return np.hstack([beside(), signs[middle][form], beside()])


def no_sign(rng: np.random.Generator, signs: dict[str, list[np.ndarray]], course: Course) -> np.ndarray:
    """Return a cell that holds no sign."""
    kind = rng.integers(5)
    if kind == 0:
        return seen(rng, np.zeros((FINE * 3, FINE * 3), np.float32), 0, course)
    if kind == 1:
        side = 1 if rng.random() < 0.5 else -1
        return seen(rng, around(rng, signs, SIGNS[int(rng.integers(37))]), side * rng.uniform(0.38, 0.5), course)
    if kind == 2:
        mask = Image.new("L", (FINE * 3, FINE * 3), 0)
        text = "".join(chr(int(rng.integers(97, 123))) for _ in range(8))
        font = ImageFont.load_default(size=FINE * rng.uniform(0.8, 1.9))
        ImageDraw.Draw(mask).text((rng.uniform(-60, 0), FINE * rng.uniform(0.3, 1.2)), text, font=font, fill=255)
        return seen(rng, np.asarray(mask, np.float32) / 255, 0, course)
    if kind == 3:
        # two lines half seen: between the rows of a zone
        ink = around(rng, signs, SIGNS[int(rng.integers(37))])
        return seen(
            rng, np.roll(ink, int(rng.choice([-1, 1]) * rng.uniform(0.45, 0.8) * FINE), 0), rng.uniform(-0.5, 0.5), course
        )
    ink = np.zeros((FINE * 3, FINE * 3), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        ends = (rng.random((2, 2)) * FINE * 3).astype(int)
        cv2.line(ink, ends[0].tolist(), ends[1].tolist(), 1.0, int(rng.integers(3, 40)))
    return seen(rng, ink, 0, course)


def lessons(seed: int, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Return cells and what each holds."""
    rng = np.random.default_rng(seed)
    signs = bank()
    cells, answers = [], []
    for label, sign in enumerate(SIGNS):
        for _ in range(course.per_sign):
            cells.append(seen(rng, around(rng, signs, sign), 0, course))
            answers.append(label)
    for _ in range(course.no_signs):
        cells.append(no_sign(rng, signs, course))
        answers.append(NO_SIGN)
    return evened(np.array(cells, np.float32)), np.array(answers)


def learn(cells: np.ndarray, answers: np.ndarray, course: Course) -> list[np.ndarray]:
    """Return weights and offsets, layer by layer."""
    rng, drops = np.random.default_rng(7), np.random.default_rng(9)
    values = []
    for inputs, outputs in pairwise((WIDE * TALL, *course.hidden, len(SIGNS) + 1)):
        values += [rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(np.float32), np.zeros(outputs, np.float32)]
    first, second = [np.zeros_like(each) for each in values], [np.zeros_like(each) for each in values]
    step = 0
    for epoch in range(course.epochs):
        rate = 1.5e-3 * 0.5 * (1 + np.cos(np.pi * epoch / course.epochs))
        loss = []
        for chosen in np.array_split(rng.permutation(len(cells)), len(cells) // BATCH):
            step += 1
            kept = drops.random((len(chosen), course.hidden[0]), dtype=np.float32) >= course.left_out
            kept = kept / np.float32(1 - course.left_out)
            wrong, slopes = descend(values, (cells[chosen], answers[chosen]), kept, course.unsure)
            loss.append(wrong)
            for number, slope in enumerate(slopes):
                first[number] = 0.9 * first[number] + 0.1 * slope
                second[number] = 0.999 * second[number] + 0.001 * slope * slope
                mean, spread = first[number] / (1 - 0.9**step), np.sqrt(second[number] / (1 - 0.999**step)) + 1e-8
                values[number] = (values[number] - rate * (mean / spread + 1e-2 * values[number])).astype(np.float32)
        print(f"epoch {epoch + 1}: loss {np.mean(loss):.4f}", flush=True)
    return values


def descend(
    values: list[np.ndarray], lesson: tuple[np.ndarray, np.ndarray], kept: np.ndarray, unsure: float
) -> tuple[float, list[np.ndarray]]:
    """Return the loss on one batch and the slope of every value; ``kept``: what the first hidden layer is multiplied with."""
    cells, answers = lesson
    layers, hidden = len(values) // 2, [cells]
    for number in range(layers - 1):
        hidden.append(np.maximum(hidden[-1] @ values[2 * number] + values[2 * number + 1], 0) * (kept if number == 0 else 1))
    scores = hidden[-1] @ values[-2] + values[-1]
    chances = np.exp(scores - scores.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    loss = -np.log(chances[np.arange(len(answers)), answers] + 1e-9).mean()
    slope = chances
    slope -= unsure / chances.shape[1]
    slope[np.arange(len(answers)), answers] -= 1 - unsure
    slope /= len(answers)
    slopes: list[np.ndarray] = []
    for number in reversed(range(layers)):
        slopes = [hidden[number].T @ slope, slope.sum(0), *slopes]
        slope = (slope @ values[2 * number].T) * (hidden[number] > 0) * (kept if number == 1 else 1)
    return float(loss), slopes


def main() -> None:
    """Learn the networks named (all when none is), say how well each went on drawings not learned from, and write its file."""
    for name in sys.argv[1:] or COURSES:
        course, target = COURSES[name], TARGETS / f"{name}.npz"
        cells, answers = (np.concatenate(each) for each in zip(*(lessons(seed, course) for seed in course.seeds), strict=True))
        print(f"{name}: {len(cells)} cells", flush=True)
        values = [each.astype(np.float16) for each in learn(cells, answers, course)]
        names = [f"{kind}{number}" for number in range(len(values) // 2) for kind in ("weights", "offsets")]
        np.savez_compressed(target, **dict(zip(names, values, strict=True)))
        network.cache_clear()
        fresh, right = lessons(2, course._replace(per_sign=100, no_signs=500))
        told = weigh(fresh.reshape(-1, TALL, WIDE), name).argmax(1)
        print(f"{name}: on fresh drawings {np.mean(told == right):.4f} right; {target.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main()
