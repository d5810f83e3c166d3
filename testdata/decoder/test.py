"""Checks the decoder on the golden archives, on damaged ones, and on what the program writes.

    python3 test.py [PATH OF llmz]

Without the program, only what is in the repository is looked at.
"""
import contextlib
import glob
import io
import os
import random
import subprocess
import sys
import tempfile

import llmz
import rnn

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
failures = 0


def expect(ok, what):
    global failures
    if not ok:
        failures += 1
        print("FAIL:", what)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def refused(data, model=None):
    try:
        for _ in llmz.members(data, model):
            pass
    except llmz.Refused as e:
        return e.kind
    return None


def content(data, model):
    return b"".join(c for _, _, contents in llmz.members(data, model) for c in contents)


def golden():
    """What the archives hold is written down in golden.txt."""
    os.chdir(root)
    paths = sorted(glob.glob("engine/archive/testdata/*.llmz") + glob.glob("engine/testdata/*.llmz"))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        expect(llmz.main(["list"] + paths) == 0, "a golden archive is refused")
    want = read(os.path.join(here, "golden.txt")).decode()
    expect(out.getvalue() == want, "the golden archives are described differently:\n" + out.getvalue())
    small = read("testdata/canterbury_small.bin")[:1500]
    counted = ("bare", "bare-digests", "part", "whole", "mixed", "mixed-2", "mixed-2-digests")
    for name in counted + ("alone", "alone-2", "alone-lanes-2"):
        c = content(read(f"engine/testdata/{name}.llmz"), llmz.Counting() if name in counted else llmz.Alone())
        expect(len(c) == 3000 and c[:1000] == small[:1000] and c[2000:] == small[1000:] + small[:500], name + " decodes to something else")
    return paths


def damage(paths):
    """No flipped bit, cut or lengthened file passes."""
    n = 0
    for path in paths:
        data = read(path)
        for i in range(len(data)):
            bad = bytearray(data)
            bad[i] ^= 1 << (i % 8)
            expect(refused(bytes(bad)), f"{path}: byte {i} changed")
            expect(refused(data[:i]), f"{path}: cut after {i} bytes")
            n += 2
        expect(refused(data + b"x") == "corrupt", path + ": a byte more")
        expect(refused(data + data) is None, path + ": two members")
    print(n, "damaged archives refused")


def written(program):
    """What the program writes is read: stored and coded blocks, several members."""
    text = b"The quick brown fox jumps over the lazy dog, and the dog sleeps on in the sun.\n"
    noise = random.Random(1).randbytes(20000)
    with tempfile.TemporaryDirectory() as tmp:
        def made(name, data, *args):
            path = os.path.join(tmp, name)
            with open(path, "wb") as f:
                f.write(data)
            subprocess.run([program, "-q", *args, "-o", path + ".llmz", path], check=True)
            return read(path + ".llmz")
        for model in ("lstm", "gru"):
            m = rnn.Model(os.path.join(root, "models/weights", model + ".gguf"))
            expect(content(made(model, text, "--no-mix", "-m", model), m) == text, model + " decodes to something else")
        archive = made("noise", noise, "-m", "none", "--block-size", "4KiB") + made("empty", b"", "-m", "none") + made("one", b"x", "-m", "none")
        expect(content(archive, None) == noise + b"x", "stored blocks decode to something else")
        mixed = made("mixed", read(os.path.join(root, "testdata/canterbury_small.bin")), "-m", "none", "--block-size", "4KiB")
        expect(refused(mixed) is None and len(mixed) < 10000, "an archive of the mixer is refused")
        expect(content(mixed, llmz.Alone()) == read(os.path.join(root, "testdata/canterbury_small.bin")), "the mixer alone decodes to something else")


program = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
paths = golden()
damage(paths)
if program:
    written(program)
print("FAILED" if failures else "ok")
sys.exit(failures > 0)
