"""A card side of PACE that is not ours: Debian's libeac3 through ctypes. Loaded by tests only, never by the product."""

from __future__ import annotations

import ctypes

from residence.credentials.chip import tlv

CAN = 2


class _Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("data", ctypes.c_void_p), ("max", ctypes.c_size_t), ("flags", ctypes.c_ulong)]


_Pointer = ctypes.POINTER(_Buffer)
_FUNCTIONS = {
    "EAC_init": (None, []),
    "EAC_CTX_new": (ctypes.c_void_p, []),
    "EAC_CTX_clear_free": (None, [ctypes.c_void_p]),
    "EAC_CTX_init_pace": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
    "PACE_SEC_new": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]),
    "PACE_SEC_clear_free": (None, [ctypes.c_void_p]),
    "PACE_STEP1_enc_nonce": (_Pointer, [ctypes.c_void_p, ctypes.c_void_p]),
    "PACE_STEP2_dec_nonce": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p, _Pointer]),
    "PACE_STEP3A_generate_mapping_data": (_Pointer, [ctypes.c_void_p]),
    "PACE_STEP3A_map_generator": (ctypes.c_int, [ctypes.c_void_p, _Pointer]),
    "PACE_STEP3B_generate_ephemeral_key": (_Pointer, [ctypes.c_void_p]),
    "PACE_STEP3B_compute_shared_secret": (ctypes.c_int, [ctypes.c_void_p, _Pointer]),
    "PACE_STEP3C_derive_keys": (ctypes.c_int, [ctypes.c_void_p]),
    "PACE_STEP3D_compute_authentication_token": (_Pointer, [ctypes.c_void_p, _Pointer]),
    "PACE_STEP3D_verify_authentication_token": (ctypes.c_int, [ctypes.c_void_p, _Pointer]),
}


def load():
    """Return both libraries, or raise OSError where they are not installed."""
    crypto, eac = ctypes.CDLL("libcrypto.so.3"), ctypes.CDLL("libeac.so.3")
    crypto.OBJ_txt2nid.restype, crypto.OBJ_txt2nid.argtypes = ctypes.c_int, [ctypes.c_char_p]
    crypto.BUF_MEM_new.restype, crypto.BUF_MEM_new.argtypes = _Pointer, []
    crypto.BUF_MEM_grow.restype, crypto.BUF_MEM_grow.argtypes = ctypes.c_size_t, [_Pointer, ctypes.c_size_t]
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(eac, name)
        function.restype, function.argtypes = result, arguments
    eac.EAC_init()
    return crypto, eac


class LibeacCard:
    """Answers the commands of one PACE run with what libeac computes."""

    def __init__(self, libraries, info, can):
        self.crypto, self.eac = libraries
        self.context = self.eac.EAC_CTX_new()
        nid = self.crypto.OBJ_txt2nid(info.oid.encode())
        assert self.eac.EAC_CTX_init_pace(self.context, nid, info.parameter) == 1
        self.secret = self.eac.PACE_SEC_new(can.encode(), len(can), CAN)
        self.mine = None

    def close(self):
        self.eac.PACE_SEC_clear_free(self.secret)
        self.eac.EAC_CTX_clear_free(self.context)

    def _in(self, data):
        buffer = self.crypto.BUF_MEM_new()
        self.crypto.BUF_MEM_grow(buffer, len(data))
        ctypes.memmove(buffer.contents.data, data, len(data))
        return buffer

    @staticmethod
    def _out(buffer):
        return ctypes.string_at(buffer.contents.data, buffer.contents.length)

    def transceive(self, raw):
        if raw[1] == 0x22:
            return b"\x90\x00"
        parts = tlv.read_node(raw[5:-1]).children()
        tag, value = (parts[0].tag, parts[0].value) if parts else (0, b"")
        answer = {0: self._nonce, 0x81: self._map, 0x83: self._agree, 0x85: self._confirm}[tag](value)
        return b"\x63\x00" if answer is None else tlv.encode(0x7C, answer) + b"\x90\x00"

    def _nonce(self, _):
        sealed = self.eac.PACE_STEP1_enc_nonce(self.context, self.secret)
        assert self.eac.PACE_STEP2_dec_nonce(self.context, self.secret, sealed) == 1
        return tlv.encode(0x80, self._out(sealed))

    def _map(self, theirs):
        mine = self.eac.PACE_STEP3A_generate_mapping_data(self.context)
        assert self.eac.PACE_STEP3A_map_generator(self.context, self._in(theirs)) == 1
        return tlv.encode(0x82, self._out(mine))

    def _agree(self, theirs):
        self.theirs = self._in(theirs)
        mine = self.eac.PACE_STEP3B_generate_ephemeral_key(self.context)
        assert self.eac.PACE_STEP3B_compute_shared_secret(self.context, self.theirs) == 1
        assert self.eac.PACE_STEP3C_derive_keys(self.context) == 1
        return tlv.encode(0x84, self._out(mine))

    def _confirm(self, token):
        if self.eac.PACE_STEP3D_verify_authentication_token(self.context, self._in(token)) != 1:
            return None
        return tlv.encode(0x86, self._out(self.eac.PACE_STEP3D_compute_authentication_token(self.context, self.theirs)))
