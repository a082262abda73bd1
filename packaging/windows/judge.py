#!/usr/bin/env python3
"""What smoke.sh judges with. Each verdict ends with 0, or with a sentence and 1.

    judge.py doctor FILE.json [--with-x264]     the encoders of the package pass their self-tests, and only they exist
    judge.py scenes                             a collection to rehearse with, on stdout
    judge.py rehearsal FILE.json --encoder E --seconds N
    judge.py colours VIDEO --only RRGGBB        from the first picture of this colour on all are, for two seconds and more
    judge.py colours VIDEO --sequence A,B,C     plain pictures of these colours follow each other, others may lie between
    judge.py differ A.png B.png                 a window's pictures differ by more than a cursor
    judge.py memory NAME                        resident memory of the process of that name, in KiB, on stdout
    judge.py best-of N COMMAND...               the shortest of N runs, in milliseconds, on stdout
"""

import json
import subprocess
import sys
import time
from pathlib import Path

# Codes of 4:2:0 video and an encoder that saves bits: a plain colour comes back within so much per channel.
TOLERANCE = 24


def fail(sentence):
    print(f"judge: {sentence}", file=sys.stderr)
    sys.exit(1)


def option(arguments, name, default=None):
    if name not in arguments:
        return default
    return arguments[arguments.index(name) + 1]


def doctor(arguments):
    report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    encoders = {entry["element"]: entry for entry in report["encoders"]}
    if "Ok" not in report["gpu"] and "name" not in report["gpu"]:
        fail(f"no adapter: {report['gpu']}")

    def passed(element):
        entry = encoders.get(element)
        if not entry or not entry["passed"]:
            fail(f"{element} did not pass: {entry}")

    passed("openh264enc")
    has_x264 = encoders.get("x264enc", {}).get("available", False)
    if "--with-x264" in arguments:
        passed("x264enc")
    elif has_x264:
        fail("x264enc is there, which is in no package of ours: another GStreamer leaked in")
    if encoders.get("x265enc", {}).get("available", False):
        fail("x265enc is there: another GStreamer leaked in")
    if not report["displays"]:
        fail("no display was found")


def scenes(_):
    def colour(number, name, red, green, blue):
        shade = {"r": red / 255, "g": green / 255, "b": blue / 255, "a": 1.0}
        return {"id": number, "name": name, "kind": "color", "color": shade}

    sources = [
        colour(1, "Red", 0xC0, 0x20, 0x20),
        colour(2, "Green", 0x20, 0xC0, 0x20),
        colour(3, "Blue", 0x20, 0x20, 0xC0),
        {"id": 4, "name": "Screen", "kind": "display", "show_cursor": False},
    ]
    shown = [
        {
            "id": source["id"],
            "name": source["name"],
            "items": [{"id": source["id"], "source": source["id"], "slot": {"aspect": "none"}}],
        }
        for source in sources
    ]
    print(json.dumps({"genlock_scenes": 1, "name": "Smoke", "sources": sources, "scenes": shown}, indent=1))


def rehearsal(arguments):
    report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    seconds = float(option(arguments, "--seconds"))
    if report["exit"] != 0 or not report["ingest"]["accepted"]:
        fail(f"it was not accepted: exit {report['exit']}")
    if report["renditions"][0]["encoder"] != option(arguments, "--encoder"):
        fail(f"encoded by {report['renditions'][0]['encoder']}: {report['renditions'][0]['encoder_reason']}")
    session = report["ingest"]["sessions"][0]
    if session["protocol"] != "rtmps" or not session["said_goodbye"]:
        fail(f"the session was {session['protocol']}, and its goodbye: {session['said_goodbye']}")
    if not report["recording"]["complete"] or report["recording"]["seconds"] < seconds:
        fail(f"the recording: {report['recording']}")
    frames = report["renditions"][0]["output_frames"]
    if frames < seconds * 10:
        fail(f"{frames} pictures were encoded in {report['seconds']:.1f} s")
    print(f"judge: {frames} pictures in {report['recording']['seconds']:.1f} s of recording", file=sys.stderr)


def shades(video):
    """The picture four times a second, as a grid of 8 by 8 colours."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", video, "-vf", "fps=4,scale=8:8:flags=area", "-pix_fmt", "rgb24",
               "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    size = 8 * 8 * 3
    for at in range(0, len(raw) - size + 1, size):
        yield [tuple(raw[at + i:at + i + 3]) for i in range(0, size, 3)]


def is_like(shade, wanted):
    return all(abs(a - b) <= TOLERANCE for a, b in zip(shade, wanted))


def parse(text):
    return tuple(bytes.fromhex(text))


def colours(arguments):
    pictures = list(shades(arguments[0]))
    if len(pictures) < 8:
        fail(f"{arguments[0]} has only {len(pictures) / 4} s")
    only, sequence = option(arguments, "--only"), option(arguments, "--sequence")
    if only:
        wanted = parse(only)
        like = [all(is_like(shade, wanted) for shade in picture) for picture in pictures]
        # Until the capture runs there is a placeholder; from then on nothing else may be seen.
        begin = like.index(True) if True in like else len(like)
        if not all(like[begin:]) or len(like) - begin < 8:
            fail(f"{sum(like)} of {len(like)} pictures are {only}, from {begin / 4} s on; the last: {pictures[-1][27]}")
        return
    names = sequence.split(",")
    seen = []
    for picture in pictures:
        for name in names:
            if all(is_like(shade, parse(name)) for shade in picture) and (not seen or seen[-1] != name):
                seen.append(name)
    if seen != names:
        fail(f"the colours were {seen}, not {names}")


def differ(arguments):
    def pixels(path):
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-pix_fmt", "gray", "-f", "rawvideo", "-"]
        return subprocess.run(command, capture_output=True, check=True).stdout

    first, second = pixels(arguments[0]), pixels(arguments[1])
    if len(first) != len(second):
        fail("the pictures are of different sizes")
    changed = sum(abs(a - b) > 16 for a, b in zip(first, second))
    if changed * 50 < len(first):
        fail(f"only {changed} of {len(first)} pixels differ")


def memory(arguments):
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        # By its command line, as Wine writes it: the name of the process becomes that of its first thread, which Rust
        # calls main. Other programs of this name may run on the machine; this is one that was installed or unpacked.
        program = command.split(b"\0")[0]
        if program.endswith(b"\\" + arguments[0].encode()) and b"Genlock" in program and "VmRSS" in fields:
            print(fields["VmRSS"].split()[0])
            return
    fail(f"no process is called {arguments[0]}")


def best_of(arguments):
    took = []
    for _ in range(int(arguments[0])):
        began = time.monotonic()
        subprocess.run(arguments[1:], check=True, stdout=subprocess.DEVNULL)
        took.append(time.monotonic() - began)
    print(round(min(took) * 1000))


VERDICTS = {
    "doctor": doctor, "scenes": scenes, "rehearsal": rehearsal, "colours": colours, "differ": differ, "memory": memory,
    "best-of": best_of,
}
VERDICTS[sys.argv[1]](sys.argv[2:])
