"""Mutated files of every format through the sandbox, and what became of the process that asked: `make fuzz`.

    python tests/hostile/fuzzing.py [--mutations 20000] [--seed 0] [--threads 2]

Each mutation is decided by the seed and its number alone, so that a finding can be made again.
"""

import argparse
import collections
import concurrent.futures
import io
import itertools
import os
import random
import sys
import time
import traceback
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from workbench.errors import DocumentError  # noqa: E402
from workbench.parsers import Auto, Limits, PdfPlumber, PyPdf, parse_safely, sandbox  # noqa: E402

LIMITS = Limits(seconds=25, cpu_seconds=12, memory_bytes=1_500_000_000)
WARM = 1_000
SWING = 10_000_000  # bytes that the allocator of so small a process keeps or gives back by chance
MAX_SEED = 150_000
NO_SEEDS = ("golden.jsonl", "manifest.json", "FILES.md")
SHARED = ROOT.parent / "shared" / "files"
TEXTS = {
    "a.txt": "Plain words.\n\nAnd more of them: ä € 🙂.\n",
    "a.md": "---\ntitle: x\n---\n# One\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n  - y\n\n```py\ncode\n```\n> q\n",
    "a.html": "<!doctype html><h1>One</h1><table><tr><th>a<td>b</table><ul><li>x<ol><li>y</ol></ul><pre>c\nd</pre>",
    "a.csv": 'a;b;"c d"\n1;2;"x;""y"\n\n4;5;6\n',
    "a.tsv": "a\tb\n1\t2\n",
    "a.json": '{"a": [1, 2, {"b": "c"}], "d": null}',
    "a.jsonl": '{"a": 1}\n{"a": 2}\n',
    "a.ipynb": '{"cells": [{"cell_type": "markdown", "source": ["# One\\n", "words"]}, {"cell_type": "code", '
    '"source": "x = 1", "outputs": [{"text": ["1"]}]}], "metadata": {}, "nbformat": 4}',
    "a.xml": '<?xml version="1.0"?><a b="c"><d>One <e>two</e> three</d><d/></a>',
    "a.rst": "Title\n=====\n\n.. code-block:: python\n\n    x = 1\n\nPart\n----\nwords\n",
    "a.org": "* One\n** Two\n#+BEGIN_SRC sh\nls\n#+END_SRC\n",
    "a.rtf": r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\pard Hello \b bold\b0\par"
    r"\u8364?\'e4\trowd a\cell b\cell\row}",
    "a.eml": "From: a@b\nTo: c@d\nSubject: =?utf-8?q?x?=\nMIME-Version: 1.0\n"
    'Content-Type: multipart/alternative; boundary="x"\n\n'
    "--x\nContent-Type: text/plain\n\nplain\n--x\nContent-Type: text/html\n\n<p>rich</p>\n--x--\n",
}
_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
ZIPPED = {
    "a.odt": {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f'<o:document-content xmlns:o="{_NAMES}office:1.0" xmlns:t="{_NAMES}text:1.0" '
        f'xmlns:b="{_NAMES}table:1.0"><o:body><o:text><t:h t:outline-level="2">Head</t:h><t:p>a<t:s t:c="3"/>b</t:p>'
        "<t:list><t:list-item><t:p>i</t:p></t:list-item></t:list><b:table><b:table-row><b:table-cell><t:p>x</t:p>"
        "</b:table-cell></b:table-row></b:table></o:text></o:body></o:document-content>",
    },
    "a.ods": {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_NAMES}manifest:1.0"/>',
        "content.xml": f'<office:document-content xmlns:office="{_NAMES}office:1.0" xmlns:text="{_NAMES}text:1.0" '
        f'xmlns:table="{_NAMES}table:1.0"><office:body><office:spreadsheet>'
        '<table:table table:name="S"><table:table-row>'
        '<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>",
    },
    "a.epub": {
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="p.opf"/></rootfiles></container>',
        "p.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>',
        "a.xhtml": "<h1>One</h1><p>words</p>",
    },
}
BITS = (b"\0", b"\xff" * 4, b"<", b">", b"&#0;", b"%", b"{", b"}", b"[" * 50, b'"', b"\xed\xa0\x80", b"\n" * 9)
BITS += (b"-1", b"4294967296", b"9" * 30, b"<!DOCTYPE a [", b"<![CDATA[", b"endobj", b"/Length 1", b"stream\n")
BITS += (rb"\u-1", rb"\bin999999999 ")
LIMIT_SIGNS = ("processor time", "took longer", "broke off", "more memory", "without an answer", "stopped the")


def seeds() -> dict[str, bytes]:
    """Name → a small well-formed file, of every format that can be read."""
    found = {name: text.encode() for name, text in TEXTS.items()}
    found |= {name: zipped(members) for name, members in ZIPPED.items()}
    for folder in (ROOT / "sample_docs", SHARED):
        for path in sorted(folder.glob("*.*")) if folder.is_dir() else ():
            if path.is_file() and path.stat().st_size <= MAX_SEED and path.name not in NO_SEEDS:
                found[path.name] = path.read_bytes()
    return found


def zipped(members: dict[str, str | bytes]) -> bytes:
    """A ZIP of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():  # of one date, so that the same members are the same bytes
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def mutate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The file with one to four changes; of ZIP containers half the time in a member rather than the container."""
    if data.startswith(b"PK") and chance.random() < 0.7:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = {i.filename: archive.read(i) for i in archive.infolist()}
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, RuntimeError):
            return changed(data, other, chance)
        texts = [name for name in members if name.endswith((".xml", ".xhtml", ".rels", ".opf", ".html", ".htm"))]
        name = chance.choice(texts or list(members))
        if chance.random() < 0.05:
            del members[name]
        else:
            members[name] = changed(members[name], other, chance)
        return zipped(members)
    return changed(data, other, chance)


def changed(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Bytes with one to four random changes: flips, cuts, splices, repeats, insertions."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(out) + 1)
        length = min(chance.choice((1, 4, 32, 500, 5_000)), max(1, len(out) - at))
        kind = chance.randrange(7)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del out[at : at + length]
        elif kind == 2:
            del out[at:]
        elif kind == 3:
            out[at:at] = out[at : at + length] * chance.choice((1, 2, 50))
        elif kind == 4:
            start = chance.randrange(len(other) + 1)
            out[at:at] = other[start : start + length]
        elif kind == 5:
            out[at:at] = chance.choice(BITS)
        else:
            out[at : at + length] = bytes(chance.randrange(256) for _ in range(min(length, 32)))
    return bytes(out[: 4 * MAX_SEED])


@dataclass
class Findings:
    """What the run came to. `wrong` should be empty."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0
    limits: collections.Counter[str] = field(default_factory=collections.Counter)


def one(number: int, seed: int, files: dict[str, bytes], names: list[str]) -> tuple[str, str, float]:
    """The outcome of one mutation ("read", "refused", "wrong"), what to say of it, and its seconds."""
    chance = random.Random(f"{seed}/{number}")
    name = names[number % len(names)]
    data = mutate(files[name], files[chance.choice(names)], chance)
    drawn = chance.random() if name.endswith(".pdf") else 1.0
    parser = PyPdf() if drawn < 0.2 else PdfPlumber() if drawn < 0.3 and not PdfPlumber.missing() else Auto()
    begun = time.monotonic()
    try:
        document = parse_safely(name, data, parser, LIMITS)
    except DocumentError as error:
        message = str(error)
        outcome = "refused" if message.startswith(f"{name}: ") else "wrong"
        return outcome, message, time.monotonic() - begun
    except BaseException:  # noqa: BLE001 - whatever else comes out is the finding
        return "wrong", f"{name} #{number}: {traceback.format_exc()}", time.monotonic() - begun
    document.text.encode()
    inside = all(0 <= s.span.start <= s.span.end <= len(document.text) for s in document.sections)
    return "read" if inside else "wrong", f"{name} #{number}: a section outside the text", time.monotonic() - begun


def fuzz(mutations: int, seed: int = 0, threads: int = 2, start: int = 0, report: int = 0) -> Findings:
    """What became of so many mutations; `report` prints a line every so many."""
    files = seeds()
    names = list(files)
    findings = Findings()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        numbers = range(start, start + mutations)
        batches = (
            pool.map(lambda n: one(n, seed, files, names), numbers[i : i + 100]) for i in range(0, mutations, 100)
        )
        for done, (outcome, said, seconds) in enumerate(itertools.chain.from_iterable(batches), 1):
            findings.outcomes[outcome] += 1
            findings.slowest = max(findings.slowest, seconds)
            if outcome == "wrong" or seconds > LIMITS.seconds + 10:
                findings.wrong.append(said)
            for sign in LIMIT_SIGNS:
                if outcome == "refused" and sign in said:
                    findings.limits[sign] += 1
                    if report:
                        print(f"#{start + done - 1} {said}", flush=True)
            if report and done % report == 0:
                print(done, dict(findings.outcomes), f"{memory() / 1e6:.0f} MB, {handles()} handles", flush=True)
    return findings


def memory() -> int:
    """Bytes that this process holds in memory; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def handles() -> int:
    """How many files this process holds open; 0 where the system does not tell."""
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


def children() -> Iterator[str]:
    """The state of each child of this process: Z for one that nobody waited for."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if int(parent) == os.getpid():
            yield state


def main() -> int:
    """0 where nothing was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mutations", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--start", type=int, default=0)
    arguments.add_argument("--threads", type=int, default=2)
    given = arguments.parse_args()
    fuzz(WARM, given.seed, given.threads)  # what is loaded once is loaded before memory is looked at
    before, open_before, begun = memory(), handles(), time.monotonic()
    found = fuzz(given.mutations, given.seed, given.threads, given.start, report=500)
    sandbox.close()
    left = collections.Counter(children())
    more = memory() - before
    growth = more / before if before else 0.0
    print(f"{given.mutations:,} mutations in {time.monotonic() - begun:,.0f} s: {dict(found.outcomes)}")
    print(f"limits hit: {dict(found.limits)}; slowest {found.slowest:.1f} s; memory {growth:+.1%}")
    print(f"handles {open_before} -> {handles()}; children left: {dict(left)}")
    print("\n".join(found.wrong[:20]))
    return bool(found.wrong or left["Z"] or handles() > open_before or (growth > 0.05 and more > SWING))


if __name__ == "__main__":
    sys.exit(main())
