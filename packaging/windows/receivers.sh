#!/usr/bin/env bash
# ffmpeg 9 for Windows, with which tests judge our bytes there too.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

stamp=$WINDOWS_STAMPS/receivers
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$WINDOWS_IMAGEIO_FFMPEG" ] && [ -f "$WINDOWS_TOOLS/receivers/ffmpeg.exe" ] && exit 0

echo "fetching ffmpeg 9 for Windows" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary=:all: --platform win_amd64 \
    --python-version 3.12 -d "$work" "imageio-ffmpeg==$WINDOWS_IMAGEIO_FFMPEG"
rm -rf "$WINDOWS_TOOLS/receivers" "$stamp"
mkdir -p "$WINDOWS_TOOLS/receivers" "$WINDOWS_STAMPS"
unzip -qoj "$work"/imageio_ffmpeg-*.whl '*/ffmpeg-win-*.exe' -d "$work/found"
mv "$work"/found/ffmpeg-win-*.exe "$WINDOWS_TOOLS/receivers/ffmpeg.exe"
printf '%s' "$WINDOWS_IMAGEIO_FFMPEG" >"$stamp"
