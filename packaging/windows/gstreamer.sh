#!/usr/bin/env bash
# GStreamer for Windows: its wheels unpacked into one folder, with the names a linker and pkg-config ask for.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

stamp=$WINDOWS_STAMPS/gstreamer
wanted="$WINDOWS_GSTREAMER glib $WINDOWS_GLIB layout 1"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -d "$WINDOWS_GST/bin" ] && exit 0

echo "fetching GStreamer $WINDOWS_GSTREAMER for Windows" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
# Plugins whose licence asks more than the LGPL are here for the tests; what is packed is packaging's own list.
wheels=()
for part in libs plugins plugins-libs plugins-gpl plugins-gpl-restricted plugins-restricted ext-runtime cli; do
    wheels+=("gstreamer-$part==$WINDOWS_GSTREAMER")
done
"$work/venv/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary=:all: --platform win_amd64 \
    --python-version 3.12 -d "$work/wheels" "${wheels[@]}"

mkdir -p "$work/unpacked" "$work/gst" "$WINDOWS_STAMPS"
for wheel in "$work"/wheels/*.whl; do unzip -qo "$wheel" -d "$work/unpacked"; done
for part in "$work"/unpacked/*.data/purelib/*/; do cp -a "$part." "$work/gst/"; done
rm -f "$work/gst/__init__.py" "$work/gst/entrypoints.py"

# The linker takes a DLL called lib<NAME>.dll as if it were an import library and writes the DLL's own name into the program.
link=$work/gst/link
mkdir -p "$link/pkgconfig"
for library in "$work"/gst/bin/*.dll; do
    name=$(basename "$library" .dll)
    ln -sf "../bin/$name.dll" "$link/lib${name%-[0-9]*}.dll"
done

# describe NAME VERSION LIBRARY [REQUIRES]: a .pc file, wherever the folder lies.
describe() {
    [ -e "$link/lib$3.dll" ] || return 0
    # shellcheck disable=SC2016  # pkg-config expands pcfiledir
    printf 'libdir=${pcfiledir}/..\nName: %s\nDescription: %s for Windows\nVersion: %s\nRequires: %s\nLibs: -L${libdir} -l%s\nCflags:\n' \
        "$1" "$1" "$2" "${4:-}" "$3" >"$link/pkgconfig/$1.pc"
}
describe glib-2.0 "$WINDOWS_GLIB" glib-2.0
for library in gobject gmodule gthread; do describe "$library-2.0" "$WINDOWS_GLIB" "$library-2.0" glib-2.0; done
describe gio-2.0 "$WINDOWS_GLIB" gio-2.0 gobject-2.0
describe gstreamer-1.0 "$WINDOWS_GSTREAMER" gstreamer-1.0 gobject-2.0
for library in base app video audio pbutils tag net codecparsers mpegts d3d11 d3d12 allocators; do
    describe "gstreamer-$library-1.0" "$WINDOWS_GSTREAMER" "gst$library-1.0" gstreamer-1.0
done

rm -rf "$WINDOWS_GST" "$stamp"
mkdir -p "$WINDOWS_TOOLS"
mv "$work/gst" "$WINDOWS_GST"
printf '%s' "$wanted" >"$stamp"
