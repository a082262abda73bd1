#!/usr/bin/env bash
# Tries what package.sh made as a person would: installs it in a Wine prefix of its own where no other GStreamer is in
# reach, asks the doctor, rehearses without a window and with one, clicks it through, uninstalls it; then the same short
# rehearsal from the portable zip. Everything that goes wrong ends it with a sentence.
#
# Run in a display: packaging/windows/display-run packaging/windows/smoke.sh. Leaves pictures, reports and smoke.json in
# out/windows/smoke.
#
#   GENLOCK_SMOKE_SLOW  a factor for all waiting, for a machine that does much else (1)
set -euo pipefail
# shellcheck source=env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$WINDOWS_CHECKOUT"
[ -n "${WINE_IN_DISPLAY:-}${GENLOCK_SMOKE_DISPLAY:-}" ] || exec "$WINDOWS_SCRIPTS/display-run" "$WINDOWS_SCRIPTS/smoke.sh" "$@"

say() { printf '%s\n' "smoke: $*" >&2; }
die() { say "FAILED: $*"; exit 1; }
slow=${GENLOCK_SMOKE_SLOW:-1}

for tool in ffmpeg xdotool import xlogo python3; do
    command -v "$tool" >/dev/null || die "$tool is missing: ./x windows setup"
done
package=$WINDOWS_CHECKOUT/out/windows
[ -f "$package/sizes.json" ] || die "nothing is packed: ./x windows package"
version=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' "$package/sizes.json")
installer=$package/Genlock-$version-setup.exe
results=$package/smoke
rm -rf "$results"
mkdir -p "$results"
work=$(mktemp -d /tmp/genlock-smoke.XXXXXX)

# A prefix of its own, so that nothing that ran before is in it and nothing that this leaves is found by others.
cp -a --reflink=auto "$WINEPREFIX" "$work/prefix"
export WINEPREFIX=$work/prefix
# wine-run points programs at the GStreamer they are built with. Here there must be none: instead a folder that does not
# exist, which a program that does not look after itself would use.
nowhere='Z:\nowhere'
export WINE_COMMAND="env -u WINEPATH -u GIO_MODULE_DIR GST_PLUGIN_SYSTEM_PATH_1_0=$nowhere GST_PLUGIN_PATH=$nowhere GST_REGISTRY_1_0=$nowhere\\registry.bin wine"
wine() { "$WINDOWS_SCRIPTS/wine-run" "$@"; }
finish() {
    local status=$?
    trap - EXIT
    WINE_COMMAND=/usr/lib/wine/wineserver64 "$WINDOWS_SCRIPTS/wine-run" --kill 2>/dev/null || true
    rm -rf "$work"
    exit $status
}
trap finish EXIT
WINE_COMMAND=/usr/lib/wine/wineserver64 "$WINDOWS_SCRIPTS/wine-run" --persistent </dev/null >/dev/null 2>&1

user=$(find "$WINEPREFIX/drive_c/users" -maxdepth 1 -mindepth 1 -type d ! -name Public | head -1)
home=$user/AppData/Local/Programs/Genlock
uninstall_key='HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Genlock'
registered() { wine reg query "$uninstall_key" /v "$1" 2>/dev/null | tr -d '\r' | sed -n "s/^ *$1 *REG_[A-Z]* *//p"; }
# until SECONDS COMMAND...: tries until it succeeds.
until_true() {
    local left=$(($1 * slow * 4))
    shift
    until "$@"; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.25
    done
}
judge_quietly() { python3 "$WINDOWS_SCRIPTS/judge.py" "$@" 2>/dev/null; }
judge() { python3 "$WINDOWS_SCRIPTS/judge.py" "$@" || die "$*"; }

say "installing"
[ ! -e "$home" ] || die "the prefix is not fresh: $home is there"
began=$(date +%s%N)
wine "$installer" /S || die "the installer ended with $?"
install_ms=$((($(date +%s%N) - began) / 1000000))
[ -f "$home/genlock.exe" ] || die "nothing was installed in $home"
diff -rq "$package/Genlock" "$home" | grep -v ': Uninstall.exe$' >"$work/differences" || true
[ ! -s "$work/differences" ] || { cat "$work/differences" >&2; die "what is installed is not what was packed"; }
[ "$(registered DisplayVersion)" = "$version" ] || die "the uninstall entry says version “$(registered DisplayVersion)”"
[ -n "$(registered EstimatedSize)" ] || die "the uninstall entry names no size"
[ -n "$(find "$user/AppData/Roaming/Microsoft/Windows/Start Menu" -name 'Genlock.lnk')" ] || die "there is nothing in the Start menu"

# Somewhere else, so that nothing is found by the current folder.
cd "$work"
mkdir recordings
start_ms=$(python3 "$WINDOWS_SCRIPTS/judge.py" best-of 3 "$WINDOWS_SCRIPTS/wine-run" "$home/genlock.exe" --version)
say "the version, and so the start of the process with all its DLLs, took $start_ms ms"

say "what the doctor says"
wine "$home/genlock.exe" doctor --json >"$results/doctor.json" 2>"$results/doctor.err" || die "the doctor ended with $?: $(cat "$results/doctor.err")"
judge doctor "$results/doctor.json"
[ -n "$(find "$user/AppData/Local/Genlock" -name 'gstreamer-registry.bin' 2>/dev/null)" ] || die "GStreamer's list of plugins is not in the program's own folder"

say "an added plugin: x264"
mkdir "$home/plugins-extra"
cp "$WINDOWS_GST/lib/gstreamer-1.0/gstx264.dll" "$WINDOWS_GST/bin/x264-164.dll" "$home/plugins-extra/"
wine "$home/genlock.exe" doctor --json >"$results/doctor-x264.json" 2>/dev/null || die "the doctor ended with $?"
judge doctor "$results/doctor-x264.json" --with-x264
rm -r "$home/plugins-extra"

# rehearse FOLDER-OF-THE-PROGRAM NAME: captures the screen, encodes, sends to a rehearsal ingest, records, judges all of it.
python3 "$WINDOWS_SCRIPTS/judge.py" scenes >scenes.json
rehearse() {
    local program=$1 name=$2 status=0
    # A screen of one colour: a window of a program of this system, which Wine's display shows too.
    xlogo -geometry 1440x900+0+0 -bg '#00c040' -fg '#00c040' 2>/dev/null &
    local screen=$!
    # The length counts from the start of the program: a machine that does much else may need most of the first attempt to
    # connect. What counts is that five seconds arrive, however long that takes.
    local length
    for length in 15 90; do
        rm -rf "recordings/$name" "received/$name"
        mkdir -p "recordings/$name" "received/$name"
        status=0
        wine "$program/genlock.exe" rehearse --headless --for "$((length * slow))s" --scenes scenes.json --scene Screen \
            --canvas 640x360 --fps 30 --encoder openh264enc --tracks 1 --record "recordings/$name" \
            --ingest-out "received/$name" --report "$name.json" >"$results/$name.out" 2>"$results/$name.err" || status=$?
        cp "$name.json" "$results/" 2>/dev/null || true
        [ $status = 0 ] && judge_quietly rehearsal "$name.json" --encoder openh264enc --seconds 5 && break
        say "$length s were not enough, or went wrong"
    done
    kill "$screen"
    [ $status = 0 ] || die "the rehearsal ended with $status: $(tail -5 "$results/$name.err")"
    judge rehearsal "$name.json" --encoder openh264enc --seconds 5
    local recording received
    # The largest: a machine that is too busy for the rendition gets a smaller one, and that begins another file.
    recording=$(find "recordings/$name" -name '*.mp4' -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2-)
    received=$(find "received/$name" -name 'received-1.flv')
    [ -f "$recording" ] || die "there is no recording"
    [ -f "$received" ] || die "the ingest kept nothing"
    wine "$program/genlock.exe" check "$recording" >"$results/$name.check" || die "genlock check on the recording: $(cat "$results/$name.check")"
    wine "$program/genlock.exe" check "$received" >/dev/null || die "genlock check does not accept what was received"
    local file
    for file in "$recording" "$received"; do
        ffmpeg -v error -nostdin -i "$file" -f null - 2>"$work/ffmpeg.err" || die "ffmpeg cannot decode $file"
        [ ! -s "$work/ffmpeg.err" ] || die "ffmpeg about $file: $(head -3 "$work/ffmpeg.err")"
    done
    # The whole picture is the display's colour: it came from the screen through gdiscreencapsrc, and back out right.
    judge colours "$recording" --only 00c040
}

say "a rehearsal without a window"
rehearse "$home" installed

# libsrt once kept the program from ending, after its last word.
say "a show over SRT"
mkdir -p received/srt
printf 'sk_us-west-2_SmokeTest1234' >key.txt
printf 'a passphrase of the smoke test' >passphrase.txt
wine "$home/genlock.exe" ingest --key-file key.txt --srt-port 0 --srt-passphrase-file passphrase.txt --out received/srt \
    --for $((90 * slow))s </dev/null >ingest.json 2>"$results/srt-ingest.err" &
ingest=$!
listens() { [ -s ingest.json ]; }
until_true 60 listens || die "the ingest did not start: $(cat "$results/srt-ingest.err")"
address=$(python3 -c 'import json; print(json.loads(open("ingest.json").readline())["srt"])')
status=0
timeout $((80 * slow)) "$WINDOWS_SCRIPTS/wine-run" "$home/genlock.exe" live --headless --for $((20 * slow))s --scenes scenes.json --scene Red \
    --canvas 640x360 --fps 30 --encoder openh264enc --no-record --to "$address" --key-file key.txt \
    --srt-passphrase-file passphrase.txt </dev/null >"$results/srt.out" 2>"$results/srt.err" || status=$?
[ $status = 0 ] || die "the show over SRT ended with $status (124: not at all): $(tail -5 "$results/srt.err")"
wait $ingest || die "the ingest ended with $?: $(tail -5 "$results/srt-ingest.err")"
ffmpeg -v error -nostdin -i received/srt/received-1.ts -f null - || die "ffmpeg cannot decode what came over SRT"
judge colours received/srt/received-1.ts --only c02020

say "the studio window"
mkdir -p recordings/window received/window
began=$(date +%s%N)
wine "$home/Genlock Studio.exe" rehearse --scenes scenes.json --scene Red --canvas 640x360 --fps 30 --encoder openh264enc \
    --tracks 1 --record recordings/window --ingest-out received/window --report window.json </dev/null >"$results/window.out" 2>&1 ||
    die "the launcher ended with $?"
find_window() { window=$(xdotool search --onlyvisible --name '^Genlock$' 2>/dev/null | tail -1); [ -n "$window" ]; }
until_true 150 find_window || die "no window came"
window_ms=$((($(date +%s%N) - began) / 1000000))
say "the window was there after $window_ms ms"
# On air and recorded before anything is pressed.
recorded() { [ -n "$(find recordings/window -name '*.mp4' -size +60k)" ]; }
until_true 120 recorded || die "the window records nothing"
memory_kb=$(python3 "$WINDOWS_SCRIPTS/judge.py" memory genlock.exe)
press() { xdotool windowfocus "$window" 2>/dev/null || true; xdotool key --clearmodifiers "$@"; sleep $((3 * slow)); }
picture() { import -window "$window" "$results/$1.png" || die "no picture of the window"; }
xdotool mousemove --window "$window" 720 700
sleep $((2 * slow))
picture studio
press ctrl+2
picture scene-2
press ctrl+k
picture palette
judge differ "$results/scene-2.png" "$results/palette.png"
xdotool type --delay 60 "Blue"
sleep $((1 * slow))
picture palette-blue
press Return
# The first scene's button: its place in a window of this size. A click into nothing would leave the picture blue.
xdotool mousemove --window "$window" 118 117 click 1
sleep $((4 * slow))
picture clicked

say "closing it, and refusing to be replaced meanwhile"
status=0
wine "$installer" /S || status=$?
[ $status = 3 ] || die "the installer ended with $status while Genlock was running, not with 3"
# Asked twice, since the first time it warns that it is on air.
close_window() { wine cmd /c "taskkill /IM genlock.exe & taskkill /IM genlock.exe" >/dev/null 2>&1; [ -f window.json ]; }
until_true 60 close_window || die "the window did not close"
gone() { ! python3 "$WINDOWS_SCRIPTS/judge.py" memory genlock.exe >/dev/null 2>&1; }
until_true 30 gone || die "the program still runs after its window closed"
cp window.json "$results/"
judge rehearsal window.json --encoder openh264enc --seconds 10
recording=$(find recordings/window -name '*.mp4')
wine "$home/genlock.exe" check "$recording" >/dev/null || die "genlock check does not accept the window's recording"
# Every press had its effect: it is in the recording.
judge colours "$recording" --sequence c02020,20c020,2020c0,c02020

say "the window as a graphics card draws it"
# Through Direct3D 12, on the queue on which the show is composed: what a PC with a card does. A software adapter can not
# keep up with it, so the show is not judged here; that the window lives is.
mkdir -p recordings/adapter
GENLOCK_WINDOW=adapter GENLOCK_LOG=warn wine "$home/genlock.exe" rehearse --scenes scenes.json --scene Red --canvas 640x360 --fps 30 \
    --encoder openh264enc --tracks 1 --record recordings/adapter --report adapter.json </dev/null >"$results/adapter.out" 2>"$results/adapter.err" &
studio=$!
until_true 150 find_window || die "no window came that the adapter draws: $(tail -5 "$results/adapter.err")"
sleep $((4 * slow))
xdotool mousemove --window "$window" 720 700
sleep $((2 * slow))
picture adapter
# A slow window hears a key late.
switched() {
    xdotool windowfocus "$window" 2>/dev/null || true
    xdotool key --clearmodifiers ctrl+2
    sleep $((3 * slow))
    picture adapter-2
    judge_quietly differ "$results/adapter.png" "$results/adapter-2.png"
}
until_true 10 switched || die "the window that the adapter draws stands still"
ended() { wine cmd /c "taskkill /IM genlock.exe & taskkill /IM genlock.exe" >/dev/null 2>&1; ! kill -0 $studio 2>/dev/null; }
until_true 60 ended || die "the window that the adapter draws did not close"
wait $studio || die "the studio ended with $?: $(tail -5 "$results/adapter.err")"
! grep -q 'again and again' "$results/adapter.err" || die "the graphics library refuses the window: $(tail -5 "$results/adapter.err")"

say "installing over it"
wine "$installer" /S || die "the installer ended with $? over its own version"
[ -f "$home/genlock.exe" ] || die "the second installation left nothing"

say "uninstalling"
mkdir -p "$user/AppData/Roaming/Genlock" "$home/plugins-extra"
touch "$user/AppData/Roaming/Genlock/preferences.json" "$home/plugins-extra/mine.dll"
recordings_before=$(find recordings -name '*.mp4' -print0 | sort -z | xargs -0 md5sum)
wine "$home/Uninstall.exe" /S || die "the uninstaller ended with $?"
# It goes on in a copy of itself, so that it can delete itself.
uninstalled() { [ -z "$(registered DisplayName)" ] && [ ! -e "$home/Uninstall.exe" ]; }
until_true 60 uninstalled || die "the uninstaller did not come to its end"
[ -f "$user/AppData/Roaming/Genlock/preferences.json" ] || die "a silent uninstaller took the settings away"
[ "$(find "$home" -type f 2>/dev/null)" = "$home/plugins-extra/mine.dll" ] || die "left behind, or too much taken: $(find "$home" -type f)"
[ -z "$(find "$user/AppData/Roaming/Microsoft/Windows/Start Menu" -name 'Genlock.lnk')" ] || die "the Start menu still names it"
! wine reg query 'HKCU\Software\Microsoft\Windows\CurrentVersion\App Paths\genlock.exe' >/dev/null 2>&1 || die "the registry still names it"
[ "$(find recordings -name '*.mp4' -print0 | sort -z | xargs -0 md5sum)" = "$recordings_before" ] || die "the recordings are not what they were"
rm -r "$home/plugins-extra" && rmdir "$home"
rm -r "$user/AppData/Roaming/Genlock" "$user/AppData/Local/Genlock" 2>/dev/null || true

say "the portable zip"
python3 -m zipfile -e "$package/Genlock-$version-portable.zip" "$work/stick"
rehearse "$work/stick/Genlock-$version" portable
[ ! -e "$user/AppData/Roaming/Genlock" ] || die "the portable program wrote to AppData"
[ -z "$(find "$user/AppData/Local/Genlock" -type f 2>/dev/null)" ] || die "the portable program wrote to the local AppData: $(find "$user/AppData/Local/Genlock" -type f)"
[ -n "$(find "$work/stick" -name 'gstreamer-registry.bin')" ] || die "the portable program's cache is not beside it"

python3 - "$results" "$install_ms" "$start_ms" "$window_ms" "$memory_kb" <<'PYTHON'
import json
import sys
from pathlib import Path

results, install_ms, start_ms, window_ms, memory_kb = Path(sys.argv[1]), *map(int, sys.argv[2:])
figures = {
    "on": "Wine 10, one virtual display, software adapter",
    "install_ms": install_ms,
    "start_ms": start_ms,
    "window_ms": window_ms,
    "resident_memory_of_the_studio_kb": memory_kb,
}
text = json.dumps(figures, indent=1)
(results / "smoke.json").write_text(text + "\n")
print(text)
PYTHON
say "all is well"
