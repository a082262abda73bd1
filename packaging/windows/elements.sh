#!/usr/bin/env bash
# Writes elements.txt anew: which plugin of GStreamer for Windows has which element, as gst-inspect tells under Wine. To be
# run when WINDOWS_GSTREAMER in env.sh changes; package.sh fails while the two differ.
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[ -n "${WINE_IN_DISPLAY:-}" ] || exec "$WINDOWS_SCRIPTS/display-run" "$WINDOWS_SCRIPTS/elements.sh"
# Each line is `plugin:  element: what it is`; typefinders and device providers are written otherwise.
lines=$("$WINDOWS_SCRIPTS/wine-run" "$WINDOWS_GST/bin/gst-inspect-1.0.exe" 2>/dev/null | tr -d '\r' |
    sed -nE 's/^([A-Za-z0-9_-]+): +([A-Za-z0-9_-]+): .*/\1 \2/p' | grep -vE '^typefindfunctions |_typefind$' | LC_ALL=C sort -u)
[ "$(printf '%s\n' "$lines" | wc -l)" -gt 1000 ] || { echo "gst-inspect named only: $lines" >&2; exit 4; }
{
    echo "# Every element that GStreamer $WINDOWS_GSTREAMER for Windows registers where there is no special hardware: plugin, element."
    echo "# Written by elements.sh; package.sh fails when it is of another version than what is packed."
    printf '%s\n' "$lines"
} >"$WINDOWS_SCRIPTS/elements.txt"
