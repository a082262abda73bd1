#!/usr/bin/env python3
"""Draws Genlock's mark and writes genlock.ico and genlock.png beside this file: python3 assets/icon/draw.py [--preview FILE.png]

The mark is three renditions, each narrower than the one above, that all begin at one line: the clock. Its colours are
those of the dark theme (assets/theme/dark.ron). Red is not among them, since red means on air.

Standard library only. Each size is drawn by itself from the same shapes, with edges set to whole pixels where the size
is small, so that 16 pixels are as sharp as 256.
"""

import struct
import sys
import zlib
from pathlib import Path

SIZES = (16, 20, 24, 32, 40, 48, 64, 256)
# Windows reads PNG inside an .ico from Vista on, but some shells and tools want the smaller sizes as bitmaps.
PNG_FROM = 256
SAMPLES = 4

TILE = (0x1B, 0x21, 0x29)
EDGE = (0x2B, 0x34, 0x40)
LINE = (0x4C, 0xC2, 0xFF)
BARS = ((0xE8, 0xED, 0xF3), (0xB8, 0xC4, 0xD2), (0x98, 0xA5, 0xB5))


def inside(x, y, left, top, right, bottom, radius):
    """Whether a point lies in a rectangle with round corners."""
    if not (left <= x < right and top <= y < bottom):
        return False
    dx = max(left + radius - x, x - (right - radius), 0.0)
    dy = max(top + radius - y, y - (bottom - radius), 0.0)
    return dx * dx + dy * dy <= radius * radius


def shapes(size):
    """What is drawn at `size`, from back to front: colour, rectangle and radius in pixels."""
    snap = (lambda v: float(round(v * size))) if size <= 64 else (lambda v: v * size)
    at_least_one = lambda v: max(1.0, snap(v))
    yield EDGE, (0.0, 0.0, float(size), float(size)), size * 0.20
    rim = max(size * 0.02, 0.6)
    yield TILE, (rim, rim, size - rim, size - rim), size * 0.20 - rim
    bar, gap = at_least_one(0.14), at_least_one(0.08)
    height = bar * 3 + gap * 2
    top = float(round((size - height) / 2)) if size <= 64 else (size - height) / 2
    line_left, line_width = snap(0.20), at_least_one(0.085)
    over = at_least_one(0.07)
    start = line_left + line_width + at_least_one(0.06)
    for index, (colour, end) in enumerate(zip(BARS, (0.82, 0.68, 0.54))):
        y = top + index * (bar + gap)
        yield colour, (start, y, snap(end), y + bar), bar * 0.25
    yield LINE, (line_left, top - over, line_left + line_width, top + height + over), line_width * 0.4


def draw(size):
    """RGBA rows of the mark."""
    layers = list(shapes(size))
    rows = []
    for y in range(size):
        row = bytearray()
        for x in range(size):
            red = green = blue = alpha = 0
            for sy in range(SAMPLES):
                for sx in range(SAMPLES):
                    px, py = x + (sx + 0.5) / SAMPLES, y + (sy + 0.5) / SAMPLES
                    colour = None
                    for paint, (left, top, right, bottom), radius in layers:
                        if inside(px, py, left, top, right, bottom, radius):
                            colour = paint
                    if colour:
                        red, green, blue, alpha = red + colour[0], green + colour[1], blue + colour[2], alpha + 1
            count = max(alpha, 1)
            row += bytes((red // count, green // count, blue // count, alpha * 255 // (SAMPLES * SAMPLES)))
        rows.append(bytes(row))
    return rows


def png(rows):
    """PNG (ISO/IEC 15948), 8 bits a channel with alpha."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    side = len(rows)
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def bitmap(rows):
    """BITMAPINFOHEADER, pixels from the bottom up as BGRA, and an empty mask: the alpha channel decides."""
    side = len(rows)
    header = struct.pack("<IiiHHIIiiII", 40, side, side * 2, 1, 32, 0, 0, 0, 0, 0, 0)
    pixels = b"".join(
        bytes(v for x in range(side) for v in (row[x * 4 + 2], row[x * 4 + 1], row[x * 4], row[x * 4 + 3]))
        for row in reversed(rows)
    )
    return header + pixels + bytes((side + 31) // 32 * 4 * side)


def icon():
    images = [(png if size >= PNG_FROM else bitmap)(draw(size)) for size in SIZES]
    offset = 6 + 16 * len(images)
    out = struct.pack("<HHH", 0, 1, len(images))
    for size, image in zip(SIZES, images):
        side = size % 256
        out += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(image), offset)
        offset += len(image)
    return out + b"".join(images)


def main():
    if sys.argv[1:2] == ["--preview"]:
        # All sizes in a row, to look at.
        strip = [bytearray() for _ in range(256)]
        for size in SIZES:
            rows = draw(size)
            for y in range(256):
                strip[y] += rows[y] if y < size else bytes(4 * size)
                strip[y] += bytes(4 * 8)
        width = len(strip[0]) // 4
        square = max(width, 256)
        rows = [bytes(row) + bytes(4 * (square - width)) for row in strip]
        rows += [bytes(4 * square)] * (square - len(rows))
        Path(sys.argv[2]).write_bytes(png(rows))
    else:
        Path(__file__).with_name("genlock.ico").write_bytes(icon())
        # For the window, which asks for one picture and scales it.
        Path(__file__).with_name("genlock.png").write_bytes(png(draw(128)))


main()
