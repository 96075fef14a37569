"""The second opinion: zbar in binary mode, through the library that pyzbar has already loaded.

- zbar guesses a charset for byte segments without ECI and turns one Vietnamese name in twenty into half-width katakana,
  silently (zbar issue 212). pyzbar cannot switch that off; ``ZBAR_CFG_BINARY`` (zbar 0.23.1 and later) can.
- So we make our own image scanner, disable every symbology, enable QR, set binary, and take pointer *and* length.
- zbar takes parts of a structured append together, and one alone for a whole: such a symbol is told apart, for no card is one.
- One scanner per object, one object per thread. The memory is freed with the object.

Example: ``BinaryZbar().read(grey)``
"""

from __future__ import annotations

import ctypes
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.codes import Code, Corners
from edge_agent.scanning.views import View

_QR_CODE: Final = 64  # ZBAR_QRCODE
_ALL: Final = 0
_ENABLE: Final = 0  # ZBAR_CFG_ENABLE
_BINARY: Final = 4  # ZBAR_CFG_BINARY
_GREY: Final = int.from_bytes(b"Y800", "little")
_POINTER: Final = ctypes.c_void_p
_UNSIGNED: Final = ctypes.c_uint

# function -> (result, arguments): everything we call, nothing else
_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "zbar_image_scanner_create": (_POINTER, []),
    "zbar_image_scanner_destroy": (None, [_POINTER]),
    "zbar_image_scanner_set_config": (ctypes.c_int, [_POINTER, ctypes.c_int, ctypes.c_int, ctypes.c_int]),
    "zbar_image_create": (_POINTER, []),
    "zbar_image_destroy": (None, [_POINTER]),
    "zbar_image_set_format": (None, [_POINTER, ctypes.c_ulong]),
    "zbar_image_set_size": (None, [_POINTER, _UNSIGNED, _UNSIGNED]),
    "zbar_image_set_data": (None, [_POINTER, ctypes.c_char_p, ctypes.c_ulong, _POINTER]),
    "zbar_scan_image": (ctypes.c_int, [_POINTER, _POINTER]),
    "zbar_image_first_symbol": (_POINTER, [_POINTER]),
    "zbar_symbol_next": (_POINTER, [_POINTER]),
    "zbar_symbol_first_component": (_POINTER, [_POINTER]),
    "zbar_symbol_get_data": (_POINTER, [_POINTER]),
    "zbar_symbol_get_data_length": (_UNSIGNED, [_POINTER]),
    "zbar_symbol_get_loc_size": (_UNSIGNED, [_POINTER]),
    "zbar_symbol_get_loc_x": (ctypes.c_int, [_POINTER, _UNSIGNED]),
    "zbar_symbol_get_loc_y": (ctypes.c_int, [_POINTER, _UNSIGNED]),
}


class Symbol(NamedTuple):
    """A code, and whether zbar took it or them for parts of one message."""

    code: Code
    in_parts: bool


class BinaryZbar:
    """One zbar image scanner that reads QR codes and returns their exact bytes."""

    def __init__(self) -> None:
        from pyzbar.zbar_library import load

        library, dependencies = load()  # the dependencies must stay referenced while the library is used
        self._dependencies = dependencies
        # Own function objects: pyzbar sets its own argument types on the shared ones.
        self._call = {
            name: ctypes.CFUNCTYPE(result, *arguments)((name, library)) for name, (result, arguments) in _SIGNATURES.items()
        }
        self._scanner = self._call["zbar_image_scanner_create"]()
        for symbology, setting, value in ((_ALL, _ENABLE, 0), (_QR_CODE, _ENABLE, 1), (_QR_CODE, _BINARY, 1)):
            self._call["zbar_image_scanner_set_config"](self._scanner, symbology, setting, value)

    def read(self, grey: NDArray[np.uint8]) -> list[Code]:
        """Return the whole codes of one grey picture (uint8, height by width)."""
        return [symbol.code for symbol in self.symbols(grey) if not symbol.in_parts]

    def look(self, view: View) -> list[Code]:
        """Return the whole codes of a view's picture; the others are refused there."""
        symbols = self.symbols(view.grey)
        view.refusals += ["qr.structured_append" for symbol in symbols if symbol.in_parts]
        return [symbol.code for symbol in symbols if not symbol.in_parts]

    def symbols(self, grey: NDArray[np.uint8]) -> list[Symbol]:
        """Return the codes of one grey picture (uint8, height by width), and which of them are parts."""
        height, width = grey.shape
        data = np.ascontiguousarray(grey).tobytes()
        image = self._call["zbar_image_create"]()
        try:
            self._call["zbar_image_set_format"](image, _GREY)
            self._call["zbar_image_set_size"](image, width, height)
            self._call["zbar_image_set_data"](image, data, len(data), None)
            self._call["zbar_scan_image"](self._scanner, image)
            return self._symbols(image)
        finally:
            self._call["zbar_image_destroy"](image)

    def _symbols(self, image: int) -> list[Symbol]:
        found, symbol = [], self._call["zbar_image_first_symbol"](image)
        while symbol:
            length = self._call["zbar_symbol_get_data_length"](symbol)
            payload = ctypes.string_at(self._call["zbar_symbol_get_data"](symbol), length)
            code = Code(payload=payload, format="QRCode", reader="zbar-binary", corners=self._corners(symbol))
            found.append(Symbol(code, in_parts=bool(self._call["zbar_symbol_first_component"](symbol))))
            symbol = self._call["zbar_symbol_next"](symbol)
        return found

    def _corners(self, symbol: int) -> Corners:
        count = self._call["zbar_symbol_get_loc_size"](symbol)
        x, y = self._call["zbar_symbol_get_loc_x"], self._call["zbar_symbol_get_loc_y"]
        points = [(float(x(symbol, each)), float(y(symbol, each))) for each in range(count)]
        points = [*points, *[(0.0, 0.0)] * 4][:4]
        # zbar goes round the other way: top left, bottom left, bottom right, top right
        return points[0], points[3], points[2], points[1]

    def __del__(self) -> None:
        """Free zbar's scanner with the object."""
        if getattr(self, "_scanner", None):
            self._call["zbar_image_scanner_destroy"](self._scanner)
            self._scanner = None
