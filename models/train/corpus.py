"""Makes the parts of the bundled models' corpus that are no shard of it.

  corpus.py verse BOOKS -o DIR           splits a file of documents into verse.txt and prose.txt
  corpus.py code DIRECTORY... -o DIR     gathers program source and manuals in code.txt
  corpus.py binary DIRECTORY... -o DIR   gathers parts of programs, and made-up records,
                                         bitmaps, runs and noise, in binary.bin
  corpus.py kinds PART... --from DIRECTORY... -o DIR
                                         makes a text of each kind that is in no part: the ends of
                                         the parts, which training holds back, and files of the
                                         directories that no part has, for "llmz bench DIR"

Documents are separated by two blank lines. The same input gives the same files.
"""
import argparse
import gzip
import os
import random
import re
import struct

SEPARATOR = b"\n\n\n"
SOURCES = (".go", ".s", ".h", ".hpp", ".hh", ".py", ".js", ".ts", ".json", ".html", ".md", ".pm", ".pl", ".pod", ".txt", ".gz")
SKIPPED = {"testdata", "test", "tests", "vendor", "__pycache__", "lib2to3"}
EXCLUDED = {"xargs.1.gz"}  # editions of test files
LARGEST = 400_000  # bytes of a source file: beyond it are tables
EACH = 12_000_000  # bytes of a directory, so that none makes up most of the text
PIECE = 120_000    # bytes of a program
UPPER = re.compile(rb"""["'(\[\xe2\x80\x9c\x98 ]*[A-Z]""")


def is_verse(document):
    """Tells short lines that begin in upper case from paragraphs."""
    lines = [line.strip() for line in document.split(b"\n") if line.strip()]
    if not lines:
        return False
    lengths = sorted(map(len, lines))
    upper = sum(1 for line in lines if UPPER.match(line)) / len(lines)
    return upper > 0.75 and 18 <= lengths[len(lines) // 2] <= 60 and lengths[int(0.9 * len(lines))] < 75


def verse(paths, _):
    documents = []
    for path in paths:
        with open(path, "rb") as f:
            documents += [d for d in f.read().split(SEPARATOR) if d.strip()]
    kinds = [is_verse(d) for d in documents]
    return {"verse.txt": SEPARATOR.join(d for d, v in zip(documents, kinds) if v),
            "prose.txt": SEPARATOR.join(d for d, v in zip(documents, kinds) if not v)}


def walk(paths, wanted):
    """Returns the regular files below paths, in order."""
    found = []
    for path in paths:
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(f for f in folders if f not in SKIPPED)
            full = (os.path.join(folder, n) for n in sorted(names) if n not in EXCLUDED)
            found += [p for p in full if os.path.isfile(p) and not os.path.islink(p) and wanted(p)]
    return found


def code(paths, r):
    texts = []
    for directory in paths:
        files = walk([directory], lambda p: p.endswith(SOURCES) and os.path.getsize(p) < LARGEST)
        r.shuffle(files)
        left = EACH
        for path in files:
            if left <= 0:
                break
            with open(path, "rb") as f:
                text = f.read()
            if path.endswith(".gz"):
                text = gzip.decompress(text)
            if b"\0" not in text[:4096]:
                texts.append(text)
                left -= len(text)
    r.shuffle(texts)
    return {"code.txt": SEPARATOR.join(texts)}


def records(r):
    """Returns fixed-length records of counters, numbers, padding and names."""
    fields = [r.choice("cirfzs") for _ in range(r.randrange(2, 9))]
    counter, out = r.randrange(1000), []
    for _ in range(r.randrange(200, 1500)):
        for field in fields:
            if field == "c":
                counter += 1
                out.append(struct.pack("<I", counter))
            elif field == "i":
                out.append(struct.pack("<H", int(r.gammavariate(2, 60)) & 65535))
            elif field == "r":
                out.append(bytes([r.randrange(256)]))
            elif field == "f":
                out.append(struct.pack("<d", round(r.gauss(50, 20), 2)))
            elif field == "z":
                out.append(bytes(4))
            else:
                out.append(r.choice([b"abc\0\0\0\0\0", b"item\0\0\0\0", b"x\0\0\0\0\0\0\0"]))
    return b"".join(out)[:40_000]


def bitmap(r):
    """Returns rows of one-bit pixels, most of them blank or like the row above."""
    width, out = r.choice([64, 128, 200, 216, 256]), bytearray()
    row = bytearray(width)
    for _ in range(r.randrange(60, 250)):
        if r.random() < 0.15:
            row, x = bytearray(width), 0
            while x < width:
                run = int(r.expovariate(1 / 30)) + 1
                if r.random() < 0.4:
                    for i in range(x, min(width, x + max(1, run // 4))):
                        row[i] = r.choice([255, 0x80, 0x0F, 0xF0, 0x3C, 255, 255])
                x += run
        elif r.random() < 0.5:
            for i in range(width):
                if row[i] and r.random() < 0.1:
                    row[i] = (row[i] << 1 | row[i] >> 1) & 255
        out += row
    return bytes(out)


BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def noise(r, alphabet, longest):
    return bytes(r.choice(alphabet) for _ in range(r.randrange(2000, longest)))


def run(r):
    unit = noise(r, BASE64, 2001)[:r.choice([1, 1, 2, 10, 26, 40])]
    return unit * (r.randrange(1000, 12_000) // len(unit))


def binary(paths, r):
    pieces = []
    for path in walk(paths, lambda p: os.path.getsize(p) > 4096):
        with open(path, "rb") as f:
            data = f.read()
        if b"\0" in data[:4096]:
            start = r.randrange(max(1, len(data) - PIECE)) if r.random() < 0.5 else 0
            pieces.append(data[start:start + PIECE])
    r.shuffle(pieces)
    pieces = pieces[:80]
    for make, size in ((records, 2_000_000), (bitmap, 1_500_000)):
        made = 0
        while made < size:
            pieces.append(make(r))
            made += len(pieces[-1])
    pieces += [noise(r, range(256), 20_000) for _ in range(40)]
    pieces += [noise(r, BASE64, 15_000) for _ in range(20)]
    pieces += [noise(r, b"0123456789", 15_000) for _ in range(30)]
    pieces += [run(r) for _ in range(30)]
    r.shuffle(pieces)
    return {"binary.bin": b"".join(pieces)}


# Kinds of files, by the end of their names or a part of their paths.
KINDS = {
    "go": (".go",), "c": (".c", ".h"), "python": (".py",), "javascript": (".js", ".ts", ".mjs"), "json": (".json",),
    "html": (".html", ".htm"), "markdown": (".md",), "yaml": (".yaml", ".yml"), "svg": (".svg",), "log": (".log",),
    "csv": (".csv",), "german": ("/man/de/",), "polish": ("/man/pl/",), "french": ("/man/fr/",), "spanish": ("/man/es/",),
}
KIND_BYTES = 200_000
LONGEST_PIECE = 20_000  # of one file, so that no file is all of a kind
WINDOW = 64             # bytes; a file with one of these in common with the parts is known


def known(parts):
    """Returns a test whether one of a file's windows is in a part, wherever it begins there."""
    whole = [open(path, "rb").read() for path in parts]

    def test(data):
        windows = {data[at:at + WINDOW] for at in range(len(data) // 4, len(data) - WINDOW, max(WINDOW, len(data) // 4))}
        return any(w in part for w in windows if len(set(w)) > 8 for part in whole)
    return test


def tail(path, share):
    """Returns the end of a part, which training with --validation SHARE holds back."""
    with open(path, "rb") as f:
        data = f.read()
    held = data[len(data) - min(int(share * len(data)), 1 << 20):]
    return held[:KIND_BYTES]


def kinds(a, r):
    made = {os.path.splitext(os.path.basename(p))[0] + ".held": tail(p, a.validation) for p in a.paths}
    is_known = known(a.paths)
    for name, ends in KINDS.items():
        files = walk(a.directories, lambda p: any(p.endswith(e) if e[0] == "." else e in p for e in ends))
        r.shuffle(files)
        pieces, size = [], 0
        for path in files:
            if size >= KIND_BYTES:
                break
            with open(path, "rb") as f:
                data = f.read(1 << 20)
            if path.endswith(".gz"):
                try:
                    data = gzip.decompress(data)
                except (OSError, EOFError):  # longer than what was read
                    continue
            if len(data) < 500 or b"\0" in data or is_known(data):
                continue
            pieces.append(data[:LONGEST_PIECE])
            size += len(pieces[-1])
        if size >= KIND_BYTES // 10:
            made[name] = b"".join(pieces)[:KIND_BYTES]
    return made


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("part", choices=("verse", "code", "binary", "kinds"))
    p.add_argument("paths", nargs="+")
    p.add_argument("-o", "--output", default=".", help="the directory to write to")
    p.add_argument("--from", dest="directories", nargs="+", default=[], help="where to look for kinds")
    p.add_argument("--validation", type=float, default=0.002, help="the share that training holds back")
    a = p.parse_args()
    make = {"verse": verse, "code": code, "binary": binary}
    r = random.Random(5)
    os.makedirs(a.output, exist_ok=True)
    for name, data in (kinds(a, r) if a.part == "kinds" else make[a.part](a.paths, r)).items():
        with open(os.path.join(a.output, name), "wb") as f:
            f.write(data)
        print(f"{name}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
