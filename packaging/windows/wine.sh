#!/usr/bin/env bash
# Wine 10 in a folder with Debian 13, and a prefix with Microsoft's shader compiler. Nothing is installed on this machine.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

[ "$(id -u)" = 0 ] || { echo "Wine runs here in a Debian 13 folder of its own, which only root may enter: run this as root." >&2; exit 4; }
unshare --mount --propagation private true 2>/dev/null ||
    { echo "This machine does not allow private mounts (unshare --mount), and without them Wine can not see the checkout." >&2; exit 4; }
mkdir -p "$WINDOWS_TOOLS" "$WINDOWS_STAMPS"

PACKAGES=wine,wine64,libvulkan1,mesa-vulkan-drivers,libgl1,libegl1,libgl1-mesa-dri,libgnutls30t64,libxcomposite1,libxcursor1
PACKAGES=$PACKAGES,libxfixes3,libxi6,libxinerama1,libxrandr2,libxrender1,libxxf86vm1,fonts-liberation,fonts-wine,ca-certificates,dxvk,dxvk-wine64
stamp=$WINDOWS_STAMPS/wine
wanted="$WINDOWS_DEBIAN $PACKAGES"
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ] || [ ! -x "$WINDOWS_CHROOT/usr/lib/wine/wineserver64" ]; then
    echo "unpacking Debian 13 with Wine 10" >&2
    # From where this machine has its own packages.
    site=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(SITE)' | sed -n 's/^Debian Debian //p' | sort -u | head -1)
    rm -rf --one-file-system "$WINDOWS_CHROOT" "$WINEPREFIX" "$stamp"
    # umask: the root folder of a chroot must be open to all, whatever the umask here.
    (
        umask 022
        mmdebstrap --quiet --variant=apt --aptopt='APT::Install-Recommends "false"' \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
            --include="$PACKAGES" "$WINDOWS_DEBIAN" "$WINDOWS_CHROOT" ${site:+"deb $site $WINDOWS_DEBIAN main"}
    )
    printf '%s' "$wanted" >"$stamp"
fi

# Windows knows this name by itself.
printf '127.0.0.1 localhost\n::1 localhost\n' >"$WINDOWS_CHROOT/etc/hosts"

compiler=$WINDOWS_TOOLS/d3dcompiler/d3dcompiler_47.dll
stamp=$WINDOWS_STAMPS/d3dcompiler
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$WINDOWS_ANGLE" ] || [ ! -f "$compiler" ]; then
    # Every Windows has this file in System32; Wine's own shader compiler fails on wgpu's shaders.
    echo "fetching d3dcompiler_47.dll" >&2
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary=:all: --platform win_amd64 \
        --python-version 3.12 -d "$work" "kivy-deps.angle==$WINDOWS_ANGLE"
    mkdir -p "$(dirname "$compiler")"
    unzip -qoj "$work"/kivy_deps_angle-*.whl '*d3dcompiler_47.dll' -d "$(dirname "$compiler")"
    printf '%s' "$WINDOWS_ANGLE" >"$stamp"
fi

# Grows when a prefix is made differently.
PREFIX=2
if [ "$(cat "$WINEPREFIX/genlock-prefix" 2>/dev/null)" != $PREFIX ]; then
    echo "making the Wine prefix" >&2
    rm -rf "$WINEPREFIX"
    mkdir -p "$WINEPREFIX"
    # In a display from its first start on: see display-run.
    # Wine's Direct3D 11, which GStreamer's plugins look at, makes OpenGL contexts unless it is told to use Vulkan. Made
    # while a window shows pictures through Direct3D 12, one waits for the other in libX11 for ever.
    WINE_PREFIX_IS_NEW=1 "$WINDOWS_SCRIPTS/display-run" bash -euc '
        "$1" wineboot --init
        "$1" reg add "HKCU\Software\Wine\Direct3D" /v renderer /d vulkan /f >/dev/null
    ' _ "$WINDOWS_SCRIPTS/wine-run"
    cp "$compiler" "$WINEPREFIX/drive_c/windows/system32/"
    # Every Windows has fonts in this folder; Wine finds its own elsewhere.
    cp "$WINDOWS_CHROOT"/usr/share/fonts/truetype/liberation/*.ttf "$WINEPREFIX/drive_c/windows/Fonts/"
    echo $PREFIX >"$WINEPREFIX/genlock-prefix"
fi
