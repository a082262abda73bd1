# Source me: from here on `cargo` builds, checks, tests and runs for Windows. Nothing is fetched; `./x windows setup` does.
#
# What may be set before:
#   GENLOCK_WINDOWS_TOOLS   where everything fetched or built for Windows lies (.tools/windows)
#   GENLOCK_WINDOWS_TARGET  cargo's target folder for Windows (windows/ in the ordinary one)
#   WINEPREFIX              another Wine prefix than the one in the tools

# What is pinned. A change of any of these makes `./x windows setup` fetch or build that part again.
WINDOWS_TARGET=x86_64-pc-windows-gnu
WINDOWS_GSTREAMER=1.28.7   # the last version whose plugins are served as wheels for Windows
WINDOWS_GLIB=2.84.0        # what the .pc files of that version say
WINDOWS_IMAGEIO_FFMPEG=0.8.1 # carries ffmpeg 9.0.2
WINDOWS_ANGLE=0.5.0        # carries Microsoft's d3dcompiler_47.dll 10.0.26100
WINDOWS_DEBIAN=trixie      # Debian 13, for its Wine 10: Debian 12's Wine 8 lacks bcryptprimitives.dll, which Rust imports

WINDOWS_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
WINDOWS_CHECKOUT=$(cd "$WINDOWS_SCRIPTS/../.." && pwd -P)
# The real path: Wine's chroot sees mounted folders, not links that lead out of them.
WINDOWS_TOOLS=$(realpath -m "${GENLOCK_WINDOWS_TOOLS:-$WINDOWS_CHECKOUT/.tools/windows}")
WINDOWS_SYSROOT=$WINDOWS_TOOLS/sysroot
WINDOWS_GST=$WINDOWS_TOOLS/gst
WINDOWS_CHROOT=$WINDOWS_TOOLS/debian13
WINDOWS_STAMPS=$WINDOWS_TOOLS/stamps
export WINDOWS_TARGET WINDOWS_CHECKOUT WINDOWS_TOOLS WINDOWS_SYSROOT WINDOWS_GST WINDOWS_CHROOT
export WINEPREFIX=${WINEPREFIX:-$WINDOWS_TOOLS/prefix}

# A path as Windows programs under Wine see it.
windows_path() { printf 'Z:%s' "${1//\//\\}"; }

# What is built.
GENLOCK_WINDOWS_TARGET=${GENLOCK_WINDOWS_TARGET:-$(realpath -m "${CARGO_TARGET_DIR:-$WINDOWS_CHECKOUT/target}")/windows}
export GENLOCK_WINDOWS_TARGET CARGO_TARGET_DIR=$GENLOCK_WINDOWS_TARGET
export CARGO_BUILD_TARGET=$WINDOWS_TARGET
# Debian's compiler, since its sources for std are Debian's too: the sysroot below must be read by what wrote it.
# Cargo itself stays the one of rust-toolchain.toml.
export RUSTC=/usr/bin/rustc
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS="--sysroot $WINDOWS_SYSROOT"
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc-posix
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$WINDOWS_SCRIPTS/wine-run
export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc-posix
export CXX_x86_64_pc_windows_gnu=x86_64-w64-mingw32-g++-posix
export AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar
export PKG_CONFIG_ALLOW_CROSS=1
export PKG_CONFIG_LIBDIR_x86_64_pc_windows_gnu=$WINDOWS_GST/link/pkgconfig
export PKG_CONFIG_PATH_x86_64_pc_windows_gnu=$WINDOWS_GST/link/pkgconfig
# Line tables of a whole workspace cost minutes of linking, and Wine's traces do not read them.
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0

# What is run: GStreamer for Windows, for programs started from the target folder. A program that brings its own (the
# installed one) is started without these four.
WINEPATH="$(windows_path "$WINDOWS_GST/bin");$(windows_path "$WINDOWS_TOOLS/receivers")"
GST_PLUGIN_SYSTEM_PATH_1_0=$(windows_path "$WINDOWS_GST/lib/gstreamer-1.0")
GST_REGISTRY_1_0=$(windows_path "$WINEPREFIX/genlock-registry.bin")
GIO_MODULE_DIR=$(windows_path "$WINDOWS_GST/lib/gio/modules")
# Where snapshots lie: there is no cargo below Wine that insta could ask.
INSTA_WORKSPACE_ROOT=$(windows_path "$WINDOWS_CHECKOUT")
export INSTA_WORKSPACE_ROOT
# Where tests look for the program that judges our bytes.
GENLOCK_FFMPEG=$(windows_path "$WINDOWS_TOOLS/receivers/ffmpeg.exe")
export GENLOCK_FFMPEG WINEPATH GST_PLUGIN_SYSTEM_PATH_1_0 GST_REGISTRY_1_0 GIO_MODULE_DIR
