"""Takes one SRT stream with libsrt itself, and says what libsrt saw of it, a line of JSON for each event.

usage: srt_listener.py FILE [--passphrase P] [--key-bytes N] [--refuse CODE] [--latency MS] [--close-after BYTES]

FILE gets the payload. Events: listening (port), asked (streamid), accepted (km, key_bytes, latency), end (bytes,
packets, lost, dropped, undecrypted, odd: packets that are not seven whole transport packets).
"""
import argparse
import ctypes
import json
import socket
import struct
import sys

# Numbers of options and states: libsrt's srt.h, SRT_SOCKOPT and SRT_KM_STATE.
LATENCY, PASSPHRASE, PBKEYLEN, KM_STATE, RECEIVE_LATENCY, STREAM_ID = 23, 26, 27, 28, 43, 46
STATES = {0: "unsecured", 1: "securing", 2: "secured", 3: "no secret", 4: "bad secret"}
REASON_OF_USERS = 1000
ASKED = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
)


def library():
    for name in ("libsrt-gnutls.so.1.5", "libsrt.so.1.5"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    sys.exit("libsrt is not installed; GStreamer's bad plugins bring it")


def tell(event, **what):
    print(json.dumps({"event": event, **what}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--passphrase")
    parser.add_argument("--key-bytes", type=int)
    parser.add_argument("--refuse", type=int)
    parser.add_argument("--latency", type=int)
    parser.add_argument("--close-after", type=int)
    wanted = parser.parse_args()

    srt = library()
    srt.srt_startup()
    listener = srt.srt_create_socket()

    def set_number(option, value):
        number = ctypes.c_int(value)
        assert srt.srt_setsockflag(listener, option, ctypes.byref(number), 4) == 0, option

    def get_number(sock, option):
        number, size = ctypes.c_int(0), ctypes.c_int(4)
        srt.srt_getsockflag(sock, option, ctypes.byref(number), ctypes.byref(size))
        return number.value

    if wanted.passphrase:
        text = wanted.passphrase.encode()
        assert srt.srt_setsockflag(listener, PASSPHRASE, text, len(text)) == 0
    if wanted.key_bytes:
        set_number(PBKEYLEN, wanted.key_bytes)
    if wanted.latency:
        set_number(LATENCY, wanted.latency)

    @ASKED
    def asked(_, caller, version, address, stream_id):
        tell("asked", streamid=(stream_id or b"").decode())
        if wanted.refuse is None:
            return 0
        srt.srt_setrejectreason(caller, wanted.refuse)
        return -1

    def address(port):
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton("127.0.0.1") + bytes(8)

    assert srt.srt_bind(listener, address(0), 16) == 0
    found, size = ctypes.create_string_buffer(16), ctypes.c_int(16)
    srt.srt_getsockname(listener, found, ctypes.byref(size))
    srt.srt_listen_callback(listener, asked, None)
    assert srt.srt_listen(listener, 8) == 0
    tell("listening", port=struct.unpack_from("!H", found.raw, 2)[0])

    stream = srt.srt_accept(listener, None, None)
    tell(
        "accepted",
        km=STATES.get(get_number(stream, KM_STATE)),
        key_bytes=get_number(stream, PBKEYLEN),
        latency=get_number(stream, RECEIVE_LATENCY),
    )
    figures = {}

    def look():
        # SRT_TRACEBSTATS: packets received at 16, lost at 28, dropped and undecrypted at 68. A broken socket answers zeros.
        stats = ctypes.create_string_buffer(1024)
        if srt.srt_bstats(stream, stats, 0) == 0:
            packets = struct.unpack_from("=q", stats.raw, 16)[0]
            if packets >= figures.get("packets", 0):
                lost = struct.unpack_from("=i", stats.raw, 28)[0]
                dropped, undecrypted = struct.unpack_from("=ii", stats.raw, 68)
                figures.update(packets=packets, lost=lost, dropped=dropped, undecrypted=undecrypted)

    received, odd = 0, 0
    buffer = ctypes.create_string_buffer(2048)
    with open(wanted.file, "wb") as file:
        while True:
            got = srt.srt_recvmsg(stream, buffer, 2048)
            if got <= 0:
                break
            file.write(buffer.raw[:got])
            received += got
            odd += got != 1316 or buffer.raw[0] != 0x47
            look()
            if wanted.close_after and received >= wanted.close_after:
                srt.srt_close(stream)
                break
    tell("end", bytes=received, odd=odd, **figures)
    srt.srt_close(listener)
    srt.srt_cleanup()


main()
