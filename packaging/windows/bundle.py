#!/usr/bin/env python3
"""Puts the programs, GStreamer's plugins and every DLL they need into one folder.

    bundle.py --gstreamer DIR --out DIR PROGRAM.exe[=NAME.exe]...

A program given with a name is called so in the folder.

The plugins are those of plugins.list. The DLLs are whatever the import tables of the programs, the plugins and those
DLLs themselves name, and nothing else; each must come from GStreamer's folder or be one that Windows has
(system-dlls.list). The result is then read again, as it lies there: a file that nothing refers to, a DLL that is
missing, or one without a line in components.list, ends this with an error. Writes OUT/../bundle.json: each file, its
size and why it is there.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import pe

HERE = Path(__file__).resolve().parent
PLUGINS = Path("lib/gstreamer-1.0")
SCANNER = "gst-plugin-scanner.exe"
# libsrt is loaded when it is needed, not linked (crates/ingest/src/srt/library.rs). It is a DLL of the srt plugin too.
LOADED = {"srt.dll": "loaded by the rehearsal ingest"}


def lines(name):
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def plugins():
    """Names of the plugins, each with the reasons of its lines."""
    found = {}
    for line in lines("plugins.list"):
        kind, rest = line.split(None, 1)
        name, _, elements = rest.partition(":")
        if kind in ("named", "hardware", "media"):
            found.setdefault(name.strip(), []).append(f"{kind}: {elements.strip()}")
    return found


def imports(path):
    """DLLs in the import tables of a file, normal and delayed, in lower case."""
    return pe.Image(path).imports()


def die(sentence):
    sys.exit(f"bundle.py: {sentence}")


def gather(arguments):
    """Copies everything; gives file (relative to the folder) → why it is there."""
    out, gstreamer = arguments.out, arguments.gstreamer
    shutil.rmtree(out, ignore_errors=True)
    (out / PLUGINS).mkdir(parents=True)
    available = {path.name.lower(): path for path in (gstreamer / "bin").glob("*.dll")}
    system = {line.strip().lower() for line in lines("system-dlls.list")}

    why, waiting = {}, []

    def take(source, target, reason):
        shutil.copyfile(source, out / target)
        why[str(target)] = reason
        waiting.append(out / target)

    for program in arguments.programs:
        source, _, name = program.partition("=")
        take(Path(source), Path(name or Path(source).name), "program")
    take(gstreamer / "libexec/gstreamer-1.0" / SCANNER, Path(SCANNER), "GStreamer looks at plugins with it")
    for name, reasons in sorted(plugins().items()):
        source = gstreamer / "lib/gstreamer-1.0" / f"gst{name}.dll"
        if not source.is_file():
            die(f"{source} is missing: is plugins.list made for this version of GStreamer?")
        take(source, PLUGINS / source.name, "; ".join(reasons))
    for name, reason in LOADED.items():
        take(available[name], Path(available[name].name), reason)
    while waiting:
        path = waiting.pop()
        for name in sorted(imports(path)):
            if name in system or name.startswith(("api-ms-win-", "ext-ms-win-")):
                continue
            if name not in available:
                die(f"{path.name} needs {name}, which is neither in GStreamer's folder nor in system-dlls.list")
            target = Path(available[name].name)
            if str(target) not in why:
                take(available[name], target, f"imported by {path.name}")
    return why


def verify(out, why):
    """Reads the folder back: everything is referred to, nothing is missing, everything has a licence we may pass on."""
    files = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
    if {str(path) for path in files} != set(why):
        die("the folder holds other files than were put there")
    at_the_top = {path.name.lower() for path in files if path.parent == Path(".")}
    used = set()
    for path in files.values():
        used |= imports(path)
    for relative in files:
        name = relative.name.lower()
        is_entrance = name.endswith(".exe") or relative.parent == PLUGINS or name in LOADED
        if not is_entrance and name not in used:
            die(f"nothing refers to {relative}")
    system = {line.strip().lower() for line in lines("system-dlls.list")}
    for name in used:
        if name not in at_the_top and name not in system and not name.startswith(("api-ms-win-", "ext-ms-win-")):
            die(f"{name} is missing")

    components = {}
    for line in lines("components.list"):
        names, component, licence, _, _ = (part.strip() for part in line.split("|"))
        if "GPL" in licence.replace("LGPL", ""):
            die(f"{component} is under {licence}, which this package must not hold")
        for name in names.split():
            components[name.lower()] = component
    for relative in files:
        name = relative.name.lower()
        if relative.parent == PLUGINS or why[str(relative)] == "program":
            continue
        if name not in components:
            die(f"{relative} has no line in components.list: whose is it, and under what licence?")
    for name in components:
        if name not in at_the_top and not name.endswith("/"):
            die(f"components.list names {name}, which is not in the package")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gstreamer", type=Path, required=True, help="GStreamer for Windows: bin, lib, libexec")
    parser.add_argument("--out", type=Path, required=True, help="folder to make; what it held is deleted")
    parser.add_argument("programs", nargs="+")
    arguments = parser.parse_args()
    why = gather(arguments)
    verify(arguments.out, why)
    described = [
        {"file": name, "bytes": (arguments.out / name).stat().st_size, "why": reason}
        for name, reason in sorted(why.items())
    ]
    total = sum(entry["bytes"] for entry in described)
    listing = {"bytes": total, "files": described}
    (arguments.out.parent / "bundle.json").write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
    print(f"{len(described)} files, {total / 1e6:.1f} MB", file=sys.stderr)


main()
