#!/usr/bin/env bash
# Packs what `./x windows build` built: installer, portable zip, winget manifest, symbols and sizes, into out/windows.
#
#   GENLOCK_WINDOWS_PROFILE  which build: release (default), or debug, for which there is no budget
#   GENLOCK_SIGN_COMMAND     a program that signs the file it is given; called for each of our executables, the
#                            uninstaller and the installer (docs/packaging.md)
#   GENLOCK_RELEASE_URL      where the installer will be downloaded from, for the winget manifest
#   GENLOCK_PACKAGE_QUICK    packs fast instead of small, and keeps no budget; for trying out
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$WINDOWS_CHECKOUT"

# The budget in bytes (docs/packaging.md says why).
BUDGET_PROGRAM=60000000
BUDGET_INSTALLED=140000000
BUDGET_INSTALLER=45000000
BUDGET_ZIP=60000000

say() { printf '%s\n' "package: $*" >&2; }
die() { say "$*"; exit 4; }

for tool in makensis python3 x86_64-w64-mingw32-objcopy x86_64-w64-mingw32-strip; do
    command -v "$tool" >/dev/null || die "$tool is missing: ./x windows setup"
done
grep -q "GStreamer $WINDOWS_GSTREAMER " packaging/windows/elements.txt ||
    die "elements.txt is of another GStreamer than $WINDOWS_GSTREAMER: packaging/windows/elements.sh writes it anew"
built=$GENLOCK_WINDOWS_TARGET/$WINDOWS_TARGET/${GENLOCK_WINDOWS_PROFILE:-release}
out=$WINDOWS_CHECKOUT/out/windows
folder=$out/Genlock
[ -f "$built/genlock.exe" ] || die "$built/genlock.exe is not there: ./x windows build"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[ -n "$version" ] || die "Cargo.toml names no version"
numbers=${version%%[-+]*}.0
rm -rf "$out"
mkdir -p "$out/symbols"

sign() {
    [ -n "${GENLOCK_SIGN_COMMAND:-}" ] || return 0
    "$GENLOCK_SIGN_COMMAND" "$1" || die "$1 could not be signed"
}

# What people run has no symbols; what a crash report's addresses are read with is kept apart.
strip_program() {
    x86_64-w64-mingw32-objcopy --only-keep-debug "$built/$1.exe" "$out/symbols/$1.debug"
    x86_64-w64-mingw32-strip --strip-all -o "$out/$2" "$built/$1.exe"
    x86_64-w64-mingw32-objcopy --add-gnu-debuglink="$out/symbols/$1.debug" "$out/$2"
    sign "$out/$2"
}

say "programs of version $version from $built"
strip_program genlock genlock.exe
strip_program genlock-studio "Genlock Studio.exe"
python3 packaging/windows/resources.py "$out/genlock.exe" "$out/Genlock Studio.exe" --version "$version"

say "GStreamer: the plugins of plugins.list and the DLLs they need"
python3 packaging/windows/bundle.py --gstreamer "$WINDOWS_GST" --out "$folder" "$out/genlock.exe" "$out/Genlock Studio.exe"
rm "$out/genlock.exe" "$out/Genlock Studio.exe"

say "licences"
python3 packaging/windows/licences.py --out "$folder/licences" --target "$WINDOWS_TARGET"

say "installer"
installed=$(find "$folder" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }')
python3 packaging/windows/files.py "$folder" "$out/files.nsh"
installer=$out/Genlock-$version-setup.exe
definitions=("-DVERSION=$version" "-DNUMBERS=$numbers" "-DFILES=$out/files.nsh" "-DOUTPUT=$installer"
    "-DSIZE_KB=$((installed / 1024))" "-DICON=$WINDOWS_CHECKOUT/assets/icon/genlock.ico")
[ -z "${GENLOCK_SIGN_COMMAND:-}" ] || definitions+=("-DSIGN_COMMAND=$GENLOCK_SIGN_COMMAND")
[ -z "${GENLOCK_PACKAGE_QUICK:-}" ] || definitions+=("-DQUICK")
makensis -V2 -WX "${definitions[@]}" packaging/windows/installer.nsi >"$out/makensis.log" 2>&1 ||
    { cat "$out/makensis.log" >&2; die "the installer could not be made"; }
rm "$out/files.nsh" "$out/makensis.log"

say "portable zip"
zip=$out/Genlock-$version-portable.zip
python3 - "$folder" "$zip" "Genlock-$version" packaging/windows/portable.txt <<'PYTHON'
import sys
import zipfile
from pathlib import Path

folder, target, top, marker = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
# One date for all, so that the same files give the same zip.
STAMP = (1980, 1, 1, 0, 0, 0)
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
    entries = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    entries.append((marker.name, marker.read_bytes().replace(b"\n", b"\r\n")))
    for name, content in entries:
        entry = zipfile.ZipInfo(f"{top}/{name}", STAMP)
        entry.compress_type = zipfile.ZIP_DEFLATED
        packed.writestr(entry, content)
PYTHON

say "winget manifest"
python3 packaging/windows/winget.py --version "$version" --installer "$installer" --out "$out/winget" \
    ${GENLOCK_RELEASE_URL:+--url "$GENLOCK_RELEASE_URL"}

size() { stat -c %s "$1"; }
program=$(size "$folder/genlock.exe")
cat >"$out/sizes.json" <<JSON
{
  "version": "$version",
  "profile": "${GENLOCK_WINDOWS_PROFILE:-release}",
  "program_bytes": $program, "program_budget": $BUDGET_PROGRAM,
  "installed_bytes": $installed, "installed_budget": $BUDGET_INSTALLED,
  "installer_bytes": $(size "$installer"), "installer_budget": $BUDGET_INSTALLER,
  "zip_bytes": $(size "$zip"), "zip_budget": $BUDGET_ZIP,
  "files": $(find "$folder" -type f | wc -l)
}
JSON
cat "$out/sizes.json"
[ -n "${GENLOCK_PACKAGE_QUICK:-}" ] && { say "packed quickly: no budget was checked"; exit 0; }
[ "${GENLOCK_WINDOWS_PROFILE:-release}" = release ] || { say "not a release: no budget was checked"; exit 0; }
within() { [ "$2" -le "$3" ] || die "$1 takes $2 bytes, and may take $3 (docs/packaging.md)"; }
within "the program" "$program" $BUDGET_PROGRAM
within "what is installed" "$installed" $BUDGET_INSTALLED
within "the installer" "$(size "$installer")" $BUDGET_INSTALLER
within "the zip" "$(size "$zip")" $BUDGET_ZIP
