# Sourced by x: `./x windows`. Builds, lints, tests, packs and tries the Windows program on Linux; see docs/windows.md.

# What building for Windows and running Windows programs needs from the distribution. The compiler is Debian's, since its
# sources of std are at hand as a package; /usr/bin/rustc does not stand in the way of rustup's.
APT_WINDOWS=(rustc-web rust-web-src rust-web-clippy gcc-mingw-w64-x86-64-posix g++-mingw-w64-x86-64-posix pkg-config
    unzip python3-venv)
APT_WINE=(mmdebstrap xvfb xauth xdotool x11-apps imagemagick pulseaudio pulseaudio-utils nsis ffmpeg)

# What is built to be tested: all but examples, which are figures for Linux. The same everywhere, since libraries are
# compiled anew for another selection.
TESTED=(--workspace --locked --lib --bins --tests)

# step NAME COMMAND: runs it and tells what it took.
step() {
    local name=$1 began=$SECONDS
    shift
    say "Windows: $name"
    "$@"
    say "Windows: $name took $((SECONDS - began)) s"
}

windows_setup() {
    step "packages" apt_install "${APT_WINDOWS[@]}" "${APT_WINE[@]}"
    step "std" packaging/windows/toolchain.sh
    step "GStreamer" packaging/windows/gstreamer.sh
    step "receivers" packaging/windows/receivers.sh
    step "Wine" packaging/windows/wine.sh
}

windows_lint() {
    # rustup's clippy can not read a sysroot that Debian's compiler wrote.
    /usr/bin/cargo-clippy clippy --workspace --all-targets --locked -- -D warnings
}

windows_test() {
    need_nextest
    cargo test "${TESTED[@]}" --no-run
    # GStreamer's list of plugins is made once, before many processes want it at the same time.
    packaging/windows/display-run bash -euo pipefail -c '
        packaging/windows/wine-run "$WINDOWS_GST/bin/gst-inspect-1.0.exe" --version
        packaging/windows/wine-run "$WINDOWS_GST/bin/gst-inspect-1.0.exe" fakesink >/dev/null
        export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$PWD/packaging/windows/wine-test
        cargo nextest run --profile wine --no-fail-fast "$@"
    ' _ "${TESTED[@]}" "$@"
}

windows_build() {
    case ${GENLOCK_WINDOWS_PROFILE:-release} in
        release) cargo build --release --locked -p genlock ;;
        debug) cargo test "${TESTED[@]}" --no-run ;;
        *) die "GENLOCK_WINDOWS_PROFILE is release or debug, not $GENLOCK_WINDOWS_PROFILE" ;;
    esac
}
windows_package() { packaging/windows/package.sh; }
windows_smoke() { packaging/windows/display-run packaging/windows/smoke.sh; }

windows() {
    local what=${1:-all}
    [ $# -gt 0 ] && shift
    need_rust
    # shellcheck source=packaging/windows/env.sh
    . packaging/windows/env.sh
    case $what in
        setup) windows_setup ;;
        lint) windows_setup; step lints windows_lint ;;
        test) windows_setup; step tests windows_test "$@" ;;
        build) windows_setup; step build windows_build ;;
        package) windows_setup; step build windows_build; step package windows_package ;;
        smoke) windows_setup; step build windows_build; step package windows_package; step "smoke test" windows_smoke ;;
        all)
            windows_setup
            step lints windows_lint
            step tests windows_test
            step build windows_build
            step package windows_package
            step "smoke test" windows_smoke
            ;;
        *)
            printf 'setup, lint, test, build, package, smoke or all; not %s\n' "$what" >&2
            exit 2
            ;;
    esac
}
