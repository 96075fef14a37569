"""Tag-length-value, as far as a chip's files and signatures need it: what is read here comes from the person who wants to get in.

- Definite lengths only, at most four length bytes, at most three tag bytes; nothing is allocated by a length that was only declared.
- Trees are walked at most ``DEEPEST`` levels down and have at most ``MOST_NODES`` nodes; more is ``Malformed("chip.tlv")``.
- ``raw`` is always the bytes as read: whatever is hashed or signed is taken from there, never encoded again.
- A length may be written longer than needed (BER); cards do that, and the signature is over those bytes.

>>> node = read_node(bytes.fromhex("5F1F03414243"))
>>> hex(node.tag), node.value
('0x5f1f', b'ABC')
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from residence.errors import Malformed

DEEPEST: Final = 24
MOST_NODES: Final = 20_000
_LONG_TAG: Final = 0x1F
_LONG_LENGTH: Final = 0x80
_MOST_LENGTH_BYTES: Final = 4
_MOST_TAG_BYTES: Final = 3

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_ID: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One element: its tag with all tag bytes, its value, and itself as read."""

    tag: int
    value: bytes
    raw: bytes

    @property
    def is_constructed(self) -> bool:
        """Tell whether the value is made of further elements."""
        first = self.tag
        while first > 0xFF:
            first >>= 8
        return bool(first & 0x20)

    def children(self, *, most: int = MOST_NODES) -> tuple[Node, ...]:
        """Return the elements inside; ``Malformed`` when they do not fill the value exactly."""
        return tuple(read_nodes(self.value, most=most))

    def only(self, tag: int) -> Node:
        """Return the one child, which must have this tag."""
        children = self.children(most=1)
        if len(children) != 1:
            raise Malformed("chip.tlv", "", "one element expected")
        return children[0].expect(tag)

    def expect(self, tag: int) -> Node:
        """Return this element when it has the tag."""
        if self.tag != tag:
            raise Malformed("chip.tlv", "", f"tag {tag:02X} expected, {self.tag:02X} found")
        return self


def _header(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return tag, declared length and where the value begins; ``Malformed`` when the header is not there or not allowed."""
    position, tag = offset, 0
    try:
        tag = data[position]
        position += 1
        if tag & _LONG_TAG == _LONG_TAG:
            for _ in range(_MOST_TAG_BYTES - 1):
                tag = tag << 8 | data[position]
                position += 1
                if not tag & 0x80:
                    break
            else:
                raise Malformed("chip.tlv", "", "tag too long")
        length = data[position]
        position += 1
        if length >= _LONG_LENGTH:
            count = length & 0x7F
            if not 1 <= count <= _MOST_LENGTH_BYTES:
                raise Malformed("chip.tlv", "", "length form not allowed")
            if position + count > len(data):
                raise Malformed("chip.tlv", "", "ends inside a length")
            length = int.from_bytes(data[position : position + count], "big")
            position += count
    except IndexError:
        raise Malformed("chip.tlv", "", "ends inside a header") from None
    return tag, length, position


def declared_size(head: bytes) -> int:
    """Return how many bytes the element that begins here says it has, header included."""
    _, length, start = _header(head, 0)
    return start + length


def _read_at(data: bytes, offset: int) -> tuple[Node, int]:
    tag, length, start = _header(data, offset)
    end = start + length
    if end > len(data):
        raise Malformed("chip.tlv", "", "longer than its file")
    return Node(tag=tag, value=data[start:end], raw=data[offset:end]), end


def read_node(data: bytes, *, trailing: bool = False) -> Node:
    """Read one element; bytes after it are an error unless ``trailing`` allows them."""
    node, end = _read_at(data, 0)
    if end != len(data) and not trailing:
        raise Malformed("chip.tlv", "", "bytes after the end")
    return node


def read_nodes(data: bytes, *, most: int = MOST_NODES) -> Iterator[Node]:
    """Read elements one after another until the bytes are used up."""
    offset = 0
    for _ in range(most):
        if offset == len(data):
            return
        node, offset = _read_at(data, offset)
        yield node
    if offset != len(data):
        raise Malformed("chip.tlv", "", "too many elements")


def encode(tag: int, value: bytes) -> bytes:
    """Write one element with the shortest length."""
    width = max(1, (tag.bit_length() + 7) // 8)
    size = len(value)
    if size < _LONG_LENGTH:
        length = bytes([size])
    else:
        count = (size.bit_length() + 7) // 8
        length = bytes([_LONG_LENGTH | count]) + size.to_bytes(count, "big")
    return tag.to_bytes(width, "big") + length + value


def object_id(node: Node) -> str:
    """Return the dotted form of an object identifier."""
    body = node.expect(OBJECT_ID).value
    if not body or len(body) > 64 or body[-1] & 0x80:
        raise Malformed("chip.tlv", "", "object identifier")
    numbers, value = [], 0
    for byte in body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def encode_object_id(dotted: str) -> bytes:
    """Return the value bytes of an object identifier, without its tag."""
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for number in (40 * first + second, *rest):
        group = [number & 0x7F]
        while number := number >> 7:
            group.append(0x80 | number & 0x7F)
        out += bytes(reversed(group))
    return bytes(out)


def integer(node: Node, *, most_bytes: int = 2048) -> int:
    """Return an INTEGER."""
    body = node.expect(INTEGER).value
    if not body or len(body) > most_bytes:
        raise Malformed("chip.tlv", "", "integer")
    return int.from_bytes(body, "big", signed=True)


def bit_string(node: Node) -> bytes:
    """Return the bytes of a BIT STRING that has no unused bits."""
    body = node.expect(BIT_STRING).value
    if not body or body[0]:
        raise Malformed("chip.tlv", "", "bit string")
    return body[1:]


def check_tree(data: bytes) -> int:
    """Walk everything below ``data`` and return how many elements there are; ``Malformed`` when it is too deep or too many."""
    count, levels = 0, [(data, 0)]
    while levels:
        body, depth = levels.pop()
        if depth > DEEPEST:
            raise Malformed("chip.tlv", "", "nested too deep")
        for node in read_nodes(body):
            count += 1
            if count > MOST_NODES:
                raise Malformed("chip.tlv", "", "too many elements")
            if node.is_constructed:
                levels.append((node.value, depth + 1))
    return count
