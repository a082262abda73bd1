#!/usr/bin/env python3
"""Writes what the installer copies and what the uninstaller deletes: files.py FOLDER OUT.nsh

Every file is named, so that an uninstaller never deletes one that it did not bring.
"""

import sys
from pathlib import Path


def quoted(path):
    text = str(path).replace("/", "\\")
    if "$" in text or '"' in text:
        sys.exit(f"files.py: {path} cannot be written in an installer script")
    return text


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    parents = {parent for path in files for parent in path.parents if parent != Path(".")}
    deepest_first = sorted(parents, key=lambda path: (-len(path.parts), str(path)))
    lines = ["!ifdef INSTALL"]
    current = None
    for path in files:
        if path.parent != current:
            current = path.parent
            inside = "" if current == Path(".") else "\\" + quoted(current)
            lines.append(f'SetOutPath "$INSTDIR{inside}"')
        # makensis runs here: it reads paths of this system.
        lines.append(f'File "{(folder / path).resolve()}"')
    lines += ["!endif", "!ifdef UNINSTALL"]
    lines += [f'Delete "$INSTDIR\\{quoted(path)}"' for path in files]
    lines += [f'RMDir "$INSTDIR\\{quoted(path)}"' for path in deepest_first]
    lines.append("!endif")
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
