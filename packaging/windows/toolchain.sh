#!/usr/bin/env bash
# Rust's std for Windows, built once from Debian's sources into a sysroot: afterwards ordinary stable cargo commands work.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

libraries=$WINDOWS_SYSROOT/lib/rustlib/$WINDOWS_TARGET/lib
stamp=$WINDOWS_STAMPS/toolchain
wanted="$(/usr/bin/rustc --version --verbose | tr '\n' ' ')"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -d "$libraries" ] && exit 0

echo "building Rust's std for $WINDOWS_TARGET" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
echo 'fn main() {}' >"$work/src/main.rs"
printf '[package]\nname = "sysroot-seed"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[profile.release]\ndebug = 0\n' >"$work/Cargo.toml"
# The crate panic_abort must itself be compiled to abort, or no program with that profile links.
cat >"$work/compiler" <<'W'
#!/bin/sh
case " $* " in
    *" --crate-name panic_abort "*) exec "$@" -Cpanic=abort ;;
esac
exec "$@"
W
chmod +x "$work/compiler"
(
    cd "$work"
    # std's own crates ask for features that a stable compiler keeps to itself; bitcode lets profiles with LTO use them.
    RUSTC_BOOTSTRAP=1 RUSTC_WRAPPER=$work/compiler CARGO_TARGET_DIR=$work/target \
        CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS=-Cembed-bitcode=yes \
        cargo build -q --release --target "$WINDOWS_TARGET" -Zbuild-std=std,panic_unwind,panic_abort,proc_macro,test
)
rm -rf "$WINDOWS_SYSROOT" "$stamp"
mkdir -p "$libraries" "$WINDOWS_STAMPS"
find "$work/target/$WINDOWS_TARGET/release/deps" -name '*.rlib' ! -name '*sysroot_seed*' -exec cp -t "$libraries" {} +
# What was compiled against another std can not be linked with this one (E0460).
rm -rf "${GENLOCK_WINDOWS_TARGET:?}"
printf '%s' "$wanted" >"$stamp"
