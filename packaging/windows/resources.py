#!/usr/bin/env python3
"""Checks that executables carry what Windows reads before it starts them: resources.py PROGRAM.exe... --version 1.2.3

Icon, version, and the manifest with the settings that the program relies on; and the subsystem: a console for genlock.exe,
none for the launcher (app/src/console.rs says why).
"""

import sys
from pathlib import Path

import pe

ICON_GROUP, VERSION, MANIFEST = 14, 16, 24
WINDOW, CONSOLE = 2, 3
DECLARED = ("PerMonitorV2", "longPathAware", "UTF-8", "asInvoker", "Microsoft.Windows.Common-Controls", "8e0f7a12-bfb3-4fe8",
            "consoleAllocationPolicy")


def die(sentence):
    sys.exit(f"resources.py: {sentence}")


def main():
    arguments = sys.argv[1:]
    at = arguments.index("--version")
    version, programs = arguments[at + 1], [Path(name) for name in arguments[:at]]
    for program in programs:
        image = pe.Image(program)
        found = image.resources()
        wanted = CONSOLE if program.name == "genlock.exe" else WINDOW
        if image.subsystem() != wanted:
            die(f"{program.name} is of subsystem {image.subsystem()}, not {wanted}")
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
