"""A stage that prints a secret in all ways, and a search that finds it in any: it decodes what it reads, and shares no code with what masks."""

from __future__ import annotations

import base64
import codecs
import contextlib
import html
import re
from urllib.parse import unquote, unquote_plus

# with all that some notation writes otherwise, and two lines
ODD = "p@ss 'w/ör\\d\"&<+%\nsecond = {line}"
# `name`: a variable of the environment. Written to stdout and stderr, whole, cut into single bytes, and by another program.
PRINTS = """\
import base64, html, json, os, shlex, subprocess, sys, time
from urllib.parse import quote, quote_plus
def b64(text):
    raw = text.encode()
    return [base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
def forms(value):
    yield value
    for each in [value, *value.splitlines()]:
        yield from [json.dumps(each), json.dumps({"a": each}, ensure_ascii=False), json.dumps(json.dumps({"a": each})), repr(each), ascii(each)]
        yield from [repr({"a": each}), repr(each.encode()), shlex.quote(each), html.escape(each), each.encode().hex(), each.encode().hex().upper()]
        for coded in [quote(each), quote(each, safe=""), quote_plus(each)]:
            yield from [coded, "".join(c.lower() if coded[max(i - 2, 0):i].find("%") >= 0 else c for i, c in enumerate(coded))]
        yield "https://user:" + quote(each, safe="") + "@host/path"
    for prefix in ["", "u:", "user:", "admin:", "x-access-token:"]:
        for suffix in ["", "\\n", " and more"]:
            yield from b64(prefix + value + suffix)
    yield from [value + value, base64.encodebytes(value.encode()).decode(), base64.encodebytes(value.encode() + b"\\n").decode()]
for name in os.environ["BODYWORK_SECRET_VARIABLES"].split():
    value = os.environ[name]
    print(name, flush=True)
    for form in forms(value):
        print("out", form, flush=True)
        print("err", form, file=sys.stderr, flush=True)
        print("end", form)
    for byte in ("cut " + value + "\\n").encode():
        os.write(1, bytes([byte]))
    subprocess.run(["sh", "-c", 'echo "shell $' + name + '"; set -x; : "$' + name + '"'])
print("all is printed", flush=True)
"""


def parts_of(value: str) -> set[str]:
    return {line.strip() for line in value.splitlines()}


def leaks(text: str, *values: str) -> list[str]:
    """Lines in which a value, or one of its lines, can be read."""
    wanted = {part for value in values for part in parts_of(value)}
    return [line for line in text.splitlines() if any(part in seen for seen in readings(line) for part in wanted)]


def readings(line: str) -> set[str]:
    found = {line}
    for _ in range(3):  # JSON inside JSON inside a line
        found |= {
            reading
            for each in found
            for reading in (
                unquote(each),
                unquote_plus(each),
                html.unescape(each),
                unescaped(each),
                each.replace("'\"'\"'", "'"),
                each.replace("'\\''", "'"),
            )
        }
    for word in re.findall(r"[A-Za-z0-9+/_-]{6,}", line):
        found |= set(decoded(word))
    return found


def unescaped(text: str) -> str:
    text = re.sub(r"\\x((?:[0-9a-f]{2}))", lambda seen: chr(int(seen[1], 16)), text)
    text = re.sub(r"\\u([0-9a-f]{4})", lambda seen: chr(int(seen[1], 16)), text)
    text = text.replace("\\\\", "\0").replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'").replace("\\/", "/").replace("\0", "\\")
    try:  # the bytes of UTF-8, as repr(bytes) shows them
        return codecs.encode(text, "latin-1").decode()
    except ValueError:
        return text


def decoded(word: str) -> list[str]:
    """A word of base64, wherever in a group of four it was cut off, or of hexadecimal."""
    found = []
    standard = word.replace("-", "+").replace("_", "/")
    for shift in range(4):
        bare = ("A" * shift + standard)[: (len(standard) + shift) // 4 * 4]
        found.append(base64.b64decode(bare).decode(errors="replace"))
    with contextlib.suppress(ValueError):
        found.append(bytes.fromhex(word).decode(errors="replace"))
    return found
