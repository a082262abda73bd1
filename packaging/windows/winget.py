#!/usr/bin/env python3
"""Writes the winget manifest of an installer, and checks what can be checked here.

    winget.py --version 1.2.3 --installer Setup.exe --out DIR [--url URL] [--date 2026-11-21]

Three files as the community repository wants them (Microsoft, "Create your package manifest", schema 1.6.0): version,
installer and default locale. The URL is where the installer will be downloaded from; without one the manifest names a host
that cannot exist and must not be submitted.
"""

import argparse
import datetime
import hashlib
import re
import sys
from pathlib import Path

IDENTIFIER = "Genlock.Genlock"
SCHEMA = "1.6.0"
LOCALE = "en-US"

# Patterns and lengths of the schemas.
RULES = {
    "PackageIdentifier": r'[^\.\s\\/:\*\?"<>\|\x01-\x1f]{1,32}(\.[^\.\s\\/:\*\?"<>\|\x01-\x1f]{1,32}){1,7}',
    "PackageVersion": r'[^\\/:\*\?"<>\|\x01-\x1f]{1,128}',
    "InstallerSha256": r"[A-F0-9]{64}",
    "InstallerUrl": r"https://[^\s]{1,2040}",
    "ReleaseDate": r"\d{4}-\d{2}-\d{2}",
    "PackageLocale": r"[a-z]{2}-[A-Z]{2}",
    "DefaultLocale": r"[a-z]{2}-[A-Z]{2}",
    "Publisher": r".{2,256}",
    "PackageName": r".{2,256}",
    "License": r".{3,512}",
    "ShortDescription": r".{3,256}",
    "ManifestVersion": r"\d+\.\d+\.\d+",
}


def die(sentence):
    sys.exit(f"winget.py: {sentence}")


def manifests(version, sha256, url, date):
    def head(kind):
        return (
            f"# yaml-language-server: $schema=https://aka.ms/winget-manifest.{kind}.{SCHEMA}.schema.json\n\n"
            f"PackageIdentifier: {IDENTIFIER}\nPackageVersion: {version}\n"
        )

    def tail(kind):
        return f"ManifestType: {kind}\nManifestVersion: {SCHEMA}\n"

    yield f"{IDENTIFIER}.yaml", head("version") + f"DefaultLocale: {LOCALE}\n" + tail("version")
    yield f"{IDENTIFIER}.installer.yaml", head("installer") + (
        "Platform:\n- Windows.Desktop\n"
        "MinimumOSVersion: 10.0.19041.0\n"
        "InstallerType: nullsoft\n"
        "Scope: user\n"
        "InstallModes:\n- interactive\n- silent\n- silentWithProgress\n"
        "UpgradeBehavior: install\n"
        "InstallerReturnCodes:\n- InstallerReturnCode: 3\n  ReturnResponse: packageInUse\n"
        f"ReleaseDate: {date}\n"
        f"AppsAndFeaturesEntries:\n- DisplayName: Genlock\n  DisplayVersion: {version}\n"
        "  Publisher: The Genlock authors\n  ProductCode: Genlock\n"
        "Installers:\n- Architecture: x64\n"
        f"  InstallerUrl: {url}\n  InstallerSha256: {sha256}\n"
    ) + tail("installer")
    yield f"{IDENTIFIER}.locale.{LOCALE}.yaml", head("defaultLocale") + (
        f"PackageLocale: {LOCALE}\n"
        "Publisher: The Genlock authors\n"
        "PackageName: Genlock\n"
        "License: MIT OR Apache-2.0\n"
        "ShortDescription: Go live on Amazon IVS from a Windows PC, every rendition locked to one clock\n"
        "Moniker: genlock\n"
        "Tags:\n- amazon-ivs\n- broadcasting\n- live-streaming\n- multitrack\n- rtmps\n"
    ) + tail("defaultLocale")


def check(folder, installer):
    """Reads the files back: every value keeps its rule, the three agree, and the hash is the file's."""
    files = sorted(folder.glob("*.yaml"))
    if len(files) != 3:
        die(f"{folder} holds {len(files)} manifests, not three")
    shared = {}
    for path in files:
        text = path.read_text(encoding="utf-8")
        if "\t" in text:
            die(f"{path.name}: YAML takes no tabs")
        for key, value in re.findall(r"^\s*(?:- )?([A-Za-z0-9]+): (.+)$", text, re.MULTILINE):
            if key in RULES and not re.fullmatch(RULES[key], value):
                die(f"{path.name}: {key} cannot be “{value}”")
            # A value that YAML would read as something else than text.
            if re.search(r": |\s#|^[\[{&*!|>'\"%@`]", value):
                die(f"{path.name}: {key} must be quoted")
            if key in ("PackageIdentifier", "PackageVersion", "ManifestVersion"):
                if shared.setdefault(key, value) != value:
                    die(f"{path.name}: another {key} than the others")
        for key in ("PackageIdentifier", "PackageVersion", "ManifestType", "ManifestVersion"):
            if len(re.findall(rf"^{key}: ", text, re.MULTILINE)) != 1:
                die(f"{path.name}: {key} must stand there once")
    wanted = hashlib.sha256(installer.read_bytes()).hexdigest().upper()
    if wanted not in (folder / f"{IDENTIFIER}.installer.yaml").read_text(encoding="utf-8"):
        die("the hash is not the installer's")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--installer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    arguments = parser.parse_args()
    url = arguments.url or f"https://not-published.invalid/{arguments.installer.name}"
    arguments.out.mkdir(parents=True, exist_ok=True)
    for old in arguments.out.glob("*.yaml"):
        old.unlink()
    sha256 = hashlib.sha256(arguments.installer.read_bytes()).hexdigest().upper()
    for name, text in manifests(arguments.version, sha256, url, arguments.date):
        (arguments.out / name).write_text(text, encoding="utf-8", newline="\r\n")
    check(arguments.out, arguments.installer)


main()
