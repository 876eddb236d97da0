"""Documents at the edges of RFC 8259: what every reader of JSON takes, what none may, and the rest.

Each is a body as it is sent. Most are values, and stand in an array,
as what is wrong with them must
not depend on where they are.
"""

from __future__ import annotations

from typing import Iterator

ESCAPES = r'\" \\ \/ \b \f \n \r \t'.split()
SPACES = b" \t\r\n"
WHOLE = b'[{"url":"http://a/","n":[-1.5e+2,true,false,null],"s":"\\u00e9\xc3\xa9\\ud83d\\ude00"}]'
"""One of everything: none of its beginnings is a document."""

GOOD_VALUES = [
    *"0 -0 1 -1 10 1.0 0.1 -0.0 1e1 1E1 1e+1 1e-1 1.5e10 0e0 0e+5 9007199254740993".split(),
    *"123456789012345678 0.00000000000000000001 1e-7 true false null [] {} [[]] [{}]".split(),
    '""', '"a"', '" "', '"\x7f"', '"/"', '"\'"', '"//"', '"/* */"', '"[{"',
    *(f'"{e}"' for e in ESCAPES),
    r'"\u0001"', r'"\u001f"', r'"\u007f"', r'"\u00e9"', r'"\u00E9"', r'"\u2028"', r'"\ufffe"',
    r'"\uffff"', r'"\ud7ff"', r'"\ue000"', r'"\ud800\udc00"', r'"\uDBFF\uDFFF"', r'"\\u0000"',
    '{"":0}', '{"a":0,"A":0}', r'{"\"":0}', '{"a":{"a":0}}', '{"a" :\t0\r\n}',
    *(f'"{c}"' for c in "\x80\xe9\u07ff\u0800\u2028\ud7ff\ue000\ufeff\uffff\U00010000\U0010ffff"),
]

BAD_VALUES = [
    # Numbers.
    *"+1 01 -01 00 -00 1. .1 -.1 -. . - + -- --1 -+1 1e 1E 1e+ 1e- e1 1.e1 1e1.5 1.1.1".split(),
    *"1ee1 0x1 0b1 0o7 1_000 1f 1L 1n 0e 0.e1 NaN nan -NaN Infinity -Infinity inf 1,000,".split(),
    "1 2", "1 .0", "- 1", "1e 5", "\uff11", "\u0661", "\u22121", "$1", "1%", "(1)",
    # Words.
    *"True TRUE tru truee nul NULL Null None nil undefined fals yes a true1 nulll".split(),
    # Strings.
    '"', "'a'", '"a', 'a"', '"a"b"', '"\\"', '"\\a"', '"\\x41"', '"\\0"', '"\\v"', '"\\\'"',
    '"\\ "',
    '"\\U0041"', '"\\u"', '"\\u0"', '"\\u00"', '"\\u004"', '"\\u004g"', '"\\u-041"', '"\\u 041"',
    '"\\u{41}"', '"a""b"', '"a" "b"', "`a`", "\u201ca\u201d",
    *(f'"{chr(c)}"' for c in range(0x20)),
    # Half a pair of surrogates, and NUL.
    r'"\ud800"', r'"\udfff"', r'"\udc00\ud800"', r'"\ud800\u0041"', r'"\ud800\ud800"', r'"\ud800x"',
    r'"\ud800\n"', r'"\ud83d\\ude00"', r'"\u0000"', r'"a\u0000b"', r'{"a\u0000":1}',
    # Structure.
    ",", "1,", ",1", "1,,2", ":", "1:2", "]", "[", "{", "}", "[}", "{]", "[1}", '{"a":1]', "[[]",
    "{{}}",
    '{"a"}', '{"a":}', '{:1}', '{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a" 1}', '{"a"=1}',
    '{"a":1 "b":2}', '{"a":1;"b":2}', '{"a"::1}', '{"a":1:2}', '{1:1}', "{null:1}", "{a:1}",
    "{'a':1}",
    '{[]:1}', '{"a","b"}', '["a":1]', "[1 2]", "[1;2]", "<a>", "...", "{...}", "/**/1", "1//",
    "#", "1 #",
    "\u00a0", "\u2028", "\u3000", "\ufeff", "\x0b", "\x0c", "\x7f", "\x00", "\x1b",
    # Keys twice, however they are written.
    '{"a":1,"a":1}', r'{"a":1,"\u0061":2}', '{"":1,"":2}', '{"a":{"b":1,"b":2}}',
    '{"a":1,"b":2,"a":3}',
]

BAD_UTF8 = {
    "continuation alone": b"\x80", "continuation last": b"\xbf", "two continuations": b"\x80\xbf",
    "overlong slash of 2": b"\xc0\xaf", "overlong slash of 3": b"\xe0\x80\xaf",
    "overlong slash of 4": b"\xf0\x80\x80\xaf", "overlong nul": b"\xc0\x80",
    "overlong 7f": b"\xc1\xbf", "overlong 7ff": b"\xe0\x9f\xbf",
    "overlong ffff": b"\xf0\x8f\xbf\xbf",
    "first surrogate": b"\xed\xa0\x80", "last surrogate": b"\xed\xbf\xbf",
    "pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80", "over 10ffff": b"\xf4\x90\x80\x80",
    "f5": b"\xf5\x80\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80", "fe": b"\xfe", "ff": b"\xff", "latin-1": b"\xe9",
    "1 of 2": b"\xc3", "1 of 3": b"\xe2", "2 of 3": b"\xe2\x82", "1 of 4": b"\xf0",
    "2 of 4": b"\xf0\x9f", "3 of 4": b"\xf0\x9f\x98", "cut by ascii": b"\xe2\x82a",
    "cut by another": b"\xe2\xc3\xa9",
}

OPEN_VALUES = [
    "1e400", "-1e400", "1e-400", "1" + "0" * 400, "0." + "0" * 400 + "1", "1e99999999999999999999",
    "18446744073709551616", "-9223372036854775809", "9" * 10000, '"' + "a" * 10000 + '"',
]


def good() -> Iterator[tuple[str, bytes]]:
    """Documents that are JSON, and not too deep or large for anybody."""
    for value in GOOD_VALUES:
        yield value, f"[{value}]".encode()
    for value in ("1", '"a"', "null", "true", "{}", "[]", "-0.5e-1"):
        yield f"{value} at the top", value.encode()
    for space in SPACES:
        around = bytes([space])
        yield f"{around!r} around all", around.join([b"", b"[", b"1", b",", b"{", b"}", b"]", b""])
    yield "whole", WHOLE
    yield "some depth", b"[" * 16 + b"]" * 16


def bad() -> Iterator[tuple[str, bytes]]:
    """Documents that are not JSON, or not of the kind we take."""
    for value in BAD_VALUES:
        yield value, f"[{value}]".encode()
    for name, octets in BAD_UTF8.items():
        yield f"{name} in a string", b'["' + octets + b'"]'
        yield f"{name} in a key", b'[{"' + octets + b'":1}]'
        yield f"{name} between", b"[1," + octets + b"2]"
    for tail in (b"x", b"]", b"}", b",", b"[]", b"{}", b"1", b'"', b"\0", b"\xff",
                 b"\xef\xbb\xbf", b"//"):
        yield f"{tail!r} behind", WHOLE + tail
        yield f"a line and {tail!r} behind", WHOLE + b"\n" + tail
    for text in ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be"):
        yield text, "[1]".encode(text)
    yield "two marks", b"\xef\xbb\xbf" * 2 + b"[1]"
    for end in range(len(WHOLE)):
        yield f"the first {end} bytes", WHOLE[:end]
    for depth in (100_000,):
        yield f"{depth} arrays, open", b"[" * depth
        yield f"{depth} objects, open", b'{"a":' * depth


def undecided() -> Iterator[tuple[str, bytes]]:
    """Documents a reader may take or leave, as long as it says so."""
    for value in OPEN_VALUES:
        yield value[:40], f"[{value}]".encode()
    yield "a byte order mark", b"\xef\xbb\xbf[1]"
    for depth in (64, 512, 2048, 100_000):
        yield f"{depth} arrays", b"[" * depth + b"]" * depth
        yield f"{depth} objects", b'{"a":' * depth + b"1" + b"}" * depth
