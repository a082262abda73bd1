#!/usr/bin/env python3
"""Puts the licence texts of everything in the package into one folder.

    licences.py --out DIR [--target TRIPLE]

THIRD-PARTY.txt holds, for every component of components.list, every Rust crate that is compiled into the program for
the target, and every font: its name, version, licence, copyright and text. Crates and their texts are read from cargo's own
metadata and the sources in its registry folder; a text that many share stands there once. Ends with an error for a crate
without a licence, one that only the GPL allows to use, or a text that is missing.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TEXTS = HERE / "licences"
RULE = "=" * 100
# What deny.toml allows; of a choice ("A OR B") one side must be among them.
ALLOWED = {
    "MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "0BSD",
    "CC0-1.0", "BSL-1.0", "Unicode-3.0", "MPL-2.0", "CDLA-Permissive-2.0", "OFL-1.1", "Unlicense", "bzip2-1.0.6",
    "LGPL-2.1-or-later", "IJG", "AOM-Patent-License-1.0", "WebM-Patent-Grant",
    "LicenseRef-Microsoft-Visual-C-Runtime", "Ubuntu-font-1.0",
}


def die(sentence):
    sys.exit(f"licences.py: {sentence}")


def is_allowed(expression):
    """Whether an SPDX expression can be kept with what is allowed; `/` is how old crates write OR."""
    tokens = re.findall(r"\(|\)|[^\s()/]+|/", expression.replace(" WITH ", "_WITH_"))

    def either():
        value = both()
        while tokens and tokens[0] in ("OR", "/"):
            tokens.pop(0)
            value = both() or value
        return value

    def both():
        value = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            value = one() and value
        return value

    def one():
        token = tokens.pop(0)
        if token == "(":
            value = either()
            tokens.pop(0)
            return value
        return token.replace("_WITH_", " WITH ") in ALLOWED

    return either()


def crates(target):
    """Packages that are compiled into the program: reached from `genlock` by normal dependencies for the target."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [i for i, package in packages.items() if package["name"] == "genlock" and package["source"] is None]
    if not waiting:
        die("cargo metadata names no package genlock")
    reached = set()
    while waiting:
        identity = waiting.pop()
        if identity in reached:
            continue
        reached.add(identity)
        for dependency in nodes[identity]["deps"]:
            # A kind of None is a normal dependency; build scripts and tests do not end up in the program.
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    found = [packages[identity] for identity in reached if packages[identity]["source"] is not None]
    return sorted(found, key=lambda package: (package["name"].lower(), package["version"]))


def texts_of(package):
    """The licence files in a crate's folder, without the README."""
    folder = Path(package["manifest_path"]).parent
    names = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense|ofl|authors\b.*licen)", re.IGNORECASE)
    files = [path for path in folder.iterdir() if names.match(path.name)]
    for path in list(files):
        if path.is_dir():
            files.remove(path)
            files += [inner for inner in path.iterdir() if inner.is_file()]
    named = package.get("license_file")
    if named and (folder / named).is_file() and (folder / named) not in files:
        files.append(folder / named)
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in sorted(files)]


def standard(expression, whose):
    """Our copies of the standard texts for an expression, for a component that brings none."""
    found = []
    for name in re.findall(r"[A-Za-z0-9.-]+", expression):
        path = TEXTS / f"{name}.txt"
        if name == "Apache-2.0":
            path = ROOT / "LICENSE-APACHE"
        if path.is_file():
            found.append(path.read_text(encoding="utf-8").strip())
    if not found:
        die(f"no text of {expression} for {whose}: add one to packaging/windows/licences")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--target", default="x86_64-pc-windows-gnu")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    entries, numbers, order = [], {}, []

    def number(text):
        key = re.sub(r"\s+", " ", text)
        if key not in numbers:
            numbers[key] = len(order) + 1
            order.append(text)
        return numbers[key]

    def add(section, title, licence, copyright_line, address, texts):
        if not is_allowed(licence):
            die(f"{title} is under {licence}, which deny.toml does not allow")
        where = ", ".join(str(n) for n in sorted({number(text) for text in texts}))
        notice = f"    Copyright: {copyright_line}\n" if copyright_line else ""
        entries.append((section, f"{title}\n    {licence}\n{notice}    {address}\n    text {where}\n"))

    for line in (HERE / "components.list").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            _, component, licence, owner, address = (part.strip() for part in line.split("|"))
            # Zlib, the MIT licence and their like are short; the LGPL and MPL stand there once like all others.
            add("Libraries", component, licence, owner, address, standard(licence, component))
    for package in crates(arguments.target):
        title = f"{package['name']} {package['version']}"
        licence = package["license"]
        texts = texts_of(package)
        if not licence:
            die(f"{title} names no licence")
        owner = ", ".join(re.sub(r"\s*<[^>]*>", "", author) for author in package["authors"])
        address = package["repository"] or package["homepage"] or f"https://crates.io/crates/{package['name']}"
        add("Rust crates", title, licence, owner if not texts else "", address, texts or standard(licence, title))
    for title, path in (("Inter", "fonts/Inter-OFL.txt"), ("JetBrains Mono", "fonts/JetBrainsMono-OFL.txt")):
        add("Fonts", title, "OFL-1.1", "", f"assets/{path}", [(ROOT / "assets" / path).read_text(encoding="utf-8").strip()])
    phosphor = (ROOT / "assets/icons/Phosphor-LICENSE.txt").read_text(encoding="utf-8").strip()
    add("Fonts", "Phosphor icons", "MIT", "", "https://phosphoricons.com", [phosphor])

    with (arguments.out / "THIRD-PARTY.txt").open("w", encoding="utf-8", newline="\r\n") as out:
        out.write("What Genlock is made of besides its own sources, and the texts of its licences.\n")
        for section in ("Libraries", "Rust crates", "Fonts"):
            out.write(f"\n{RULE}\n{section}\n{RULE}\n\n")
            out.write("\n".join(text for name, text in entries if name == section))
        for index, text in enumerate(order, 1):
            out.write(f"\n{RULE}\nText {index}\n{RULE}\n\n{text}\n")
    for source, name in (
        (ROOT / "LICENSE-MIT", "LICENSE-MIT.txt"),
        (ROOT / "LICENSE-APACHE", "LICENSE-APACHE.txt"),
        (TEXTS / "LGPL-2.1-or-later.txt", "LGPL-2.1-or-later.txt"),
        (TEXTS / "README.txt", "README.txt"),
    ):
        text = source.read_text(encoding="utf-8")
        (arguments.out / name).write_text(text, encoding="utf-8", newline="\r\n")
    print(f"{len(entries)} components, {len(order)} texts", file=sys.stderr)


main()
