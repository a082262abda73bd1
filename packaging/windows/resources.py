#!/usr/bin/env python3
"""Checks that executables carry what Windows reads before it starts them: resources.py PROGRAM.exe... --version 1.2.3

Reads the resource section of the PE file itself ("PE Format", Microsoft: the .rsrc section): icon, version and manifest with
the settings that the program relies on, and the subsystem: a console for genlock.exe, none for the launcher.
"""

import struct
import sys
from pathlib import Path

ICON_GROUP, VERSION, MANIFEST = 14, 16, 24
WINDOW, CONSOLE = 2, 3
DECLARED = ("PerMonitorV2", "longPathAware", "UTF-8", "asInvoker", "Microsoft.Windows.Common-Controls", "8e0f7a12-bfb3-4fe8",
            "consoleAllocationPolicy")


def die(sentence):
    sys.exit(f"resources.py: {sentence}")


def read(path):
    """(subsystem, {kind: [bytes of each resource]})"""
    data = path.read_bytes()
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    if data[pe:pe + 4] != b"PE\0\0":
        die(f"{path.name} is no executable")
    sections, optional_size = struct.unpack_from("<H", data, pe + 6)[0], struct.unpack_from("<H", data, pe + 20)[0]
    subsystem = struct.unpack_from("<H", data, pe + 24 + 68)[0]
    # Data directory 2 of PE32+.
    address = struct.unpack_from("<I", data, pe + 24 + 112 + 2 * 8)[0]
    if not address:
        return subsystem, {}
    for index in range(sections):
        size, start, _, raw = struct.unpack_from("<IIII", data, pe + 24 + optional_size + index * 40 + 8)
        if start <= address < start + size:
            base, shift = raw + address - start, raw - start
            break
    else:
        die(f"{path.name}: its resources are in no section")
    found = {}

    def walk(offset, kind):
        named, numbered = struct.unpack_from("<HH", data, base + offset + 12)
        for entry in range(named + numbered):
            identity, target = struct.unpack_from("<II", data, base + offset + 16 + entry * 8)
            if target & 0x80000000:
                walk(target & 0x7FFFFFFF, identity if kind is None else kind)
            else:
                where, length = struct.unpack_from("<II", data, base + target)
                found.setdefault(kind, []).append(data[where + shift:where + shift + length])

    walk(0, None)
    return subsystem, found


def main():
    arguments = sys.argv[1:]
    at = arguments.index("--version")
    version, programs = arguments[at + 1], [Path(name) for name in arguments[:at]]
    for program in programs:
        subsystem, found = read(program)
        wanted = CONSOLE if program.name == "genlock.exe" else WINDOW
        if subsystem != wanted:
            die(f"{program.name} is of subsystem {subsystem}, not {wanted}")
        if ICON_GROUP not in found:
            die(f"{program.name} has no icon")
        if len(found.get(MANIFEST, [])) != 1:
            die(f"{program.name} has {len(found.get(MANIFEST, []))} manifests, not one")
        manifest = found[MANIFEST][0].decode("utf-8")
        for word in DECLARED:
            if word not in manifest:
                die(f"{program.name}: its manifest does not say {word}")
        if not any(version.encode("utf-16-le") in text for text in found.get(VERSION, [])):
            die(f"{program.name} does not say that it is version {version}")


main()
