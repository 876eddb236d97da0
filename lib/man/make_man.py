#!/usr/bin/env python3
"""Turns the public headers, which are the manual, into man pages.

    make_man.py OUTPUT VERSION HEADER...

makes co_queue.3 of queue.h: the comment at the top of the header describes the page, each group of
declarations comes with the comment before it. Every function, macro and object of the page gets a page of its
name that leads to it. In comments, lines indented by four and more are shown as they are, and a line such as
`returns    0, -ENOMEM` is an entry of a list.
"""

import datetime
import os
import pathlib
import re
import sys
import textwrap
import typing

COMMENT = re.compile(r"/\*(.*?)\*/\n", re.DOTALL)
ENTRY = re.compile(r"(\w+) {2,}(\S.*)")
TAG = re.compile(r"(\w+) +(\S.*)")
MACRO = re.compile(r"#define (co_\w+|CO_\w+)(\([^)]*\))?")
OBJECT = re.compile(r"extern const struct \w+ (\w+);")
FUNCTION = re.compile(
    r"^(?:static inline )?((?!typedef)[a-zA-Z][^;{}=(]*?\b(co_\w+)\([^;{}]*\))(?=;|\s*\{)", re.MULTILINE
)
TYPE = re.compile(r"^(?:(struct|enum) (\w+) \{|typedef .*?\b(co_\w+)\b\(?)", re.MULTILINE)

# Seen only by those who declare something of the library's.
INTERNAL = re.compile(r"CO_(API_\w+|STRINGIFY_?|SITE)")


class Item(typing.NamedTuple):
    """Declarations, and the comment before them."""

    comment: str
    code: str

    def macros(self):
        """The macros that are for users, each as its name and what it is called with."""
        found = ((name, args or "") for name, args in MACRO.findall(self.code))
        return [pair for pair in found if not INTERNAL.fullmatch(pair[0])]

    def functions(self):
        """The functions, each as its name and its prototype."""
        return [(name, " ".join(call.split()) + ";") for call, name in FUNCTION.findall(self.code)]

    def objects(self):
        """The names of variables."""
        return OBJECT.findall(self.code)

    def names(self):
        """Everything that a page can be looked up by."""
        named = [name for name, _ in self.macros() + self.functions()] + self.objects()
        return list(dict.fromkeys(named))

    def title(self):
        """What the item is about, or None if it is for nobody."""
        calls = [name for name, args in self.macros() if args] + [name for name, _ in self.functions()]
        types = [f"{kind} {name}" if kind else alias for kind, name, alias in TYPE.findall(self.code)]
        words = [f"{name}()" for name in dict.fromkeys(calls)] or types or self.names()
        return ", ".join(words) or None

    def declarations(self):
        """The code as users should see it: macros by their call, functions without a body."""
        lines = [wrapped(typed(name, args, self)) for name, args in self.macros() if args]
        code = re.sub(r"#(?:.*\\\n)*.*\n?", "", self.code)
        code = re.sub(r"^static inline (.*\))\n\{.*?^\}\n", r"\1;\n", code, flags=re.DOTALL | re.MULTILINE)
        constants = [name for name, args in self.macros() if not args]
        return "\n".join(lines + constants + [code.strip("\n")]).strip("\n")


def uncommented(text):
    """The text of a comment, without its asterisks."""
    lines = [re.sub(r"^ ?\* ?", "", line).rstrip() for line in text.split("\n")]
    return "\n".join(lines).strip("\n").removeprefix(" ")


def items_of(text):
    """The items of a header, from top to bottom; the first is the comment that opens it."""
    text = re.sub(r"^(#pragma.*|#include.*|CO_API_\w+|struct \w+;|/\* ---.*)\n", "", text, flags=re.MULTILINE)
    for block in re.split(r"\n{2,}(?=\S)(?!\})", text.strip("\n")):
        block += "\n"
        starts = [m.start() for m in re.finditer(r"^/\*", block, re.MULTILINE)]
        for start, end in zip(sorted({0, *starts}), [*(s for s in starts if s), len(block)]):
            comment = COMMENT.match(block, start)
            yield Item(uncommented(comment[1]) if comment else "", block[comment.end() if comment else start : end])


# --- roff ----------------------------------------------------------------------------------------


def escaped(text):
    """Text as roff takes it for what it is."""
    text = text.replace("\\", "\\e").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def prose(text):
    """Text with its functions in bold and its numbers with a minus."""
    text = re.sub(r"-(?=[A-Z0-9])", r"\\-", escaped(text))
    return re.sub(r"\b(co_\w+)\(\)", r"\\fB\1\\fP()", text)


def verbatim(lines):
    """Lines as they are, indented a little."""
    text = escaped("\n".join(lines)).replace("-", "\\-")
    return [".RS 4", ".EX", text, ".EE", ".RE"]


def listed(lines, column):
    """Lines of which some begin an entry, whose text starts at that column."""
    roff, is_entry = [], False
    for line in lines:
        entry = TAG.match(line)
        if entry and entry.start(2) == column:
            roff += [".TP", f"\\fI{entry[1]}\\fP"]
            line, is_entry = entry[2], True
        elif is_entry and not line.startswith(" "):
            roff.append(".PP")
            is_entry = False
        roff.append(prose(line.strip()))
    return roff


def paragraph(lines):
    """One paragraph of a comment: lines as they are, entries of a list, or running text."""
    if lines[0].startswith("    "):
        return [".PP", *verbatim([line[4:] for line in lines])]
    columns = [entry.start(2) for entry in map(ENTRY.match, lines) if entry]
    return [".PP", *listed(lines, columns[0] if columns else None)]


def paragraphs(comment):
    """The texts between empty lines; one amid lines that are shown as they are belongs to them."""
    found = []
    for text in filter(None, comment.split("\n\n")):
        if found and text.startswith("    ") and found[-1].startswith("    "):
            found[-1] += "\n\n" + text
        else:
            found.append(text)
    return found


def described(comment):
    """A comment as roff."""
    return [line for text in paragraphs(comment) for line in paragraph(text.split("\n"))]


def summary(comment):
    """The first sentence, as it stands behind the name."""
    sentence = re.split(r"(?<=\w)\.(?:\s|$)", comment, maxsplit=1)[0].replace("\n", " ")
    return sentence[0].lower() + sentence[1:]


def typed(name, args, item):
    """How a macro is called: with types, if all it adds to a function is where the caller is."""
    prototype = dict(item.functions()).get(f"{name}_at", "")
    if not re.search(r", const char \*site\);$", prototype) or prototype.count(",") != args.count(",") + 1:
        return f"{name}{args};"
    return prototype.replace(f"{name}_at(", f"{name}(").replace(", const char *site)", ")")


def wrapped(call):
    """A prototype in lines that fit a terminal, broken between arguments."""
    glued = re.sub("(?<!,) ", "~", call)
    indent = " " * (call.find("(") + 1)
    return textwrap.fill(glued, 72, subsequent_indent=indent, break_long_words=False).replace("~", " ")


def calls_of(item):
    """The lines of the synopsis that are the item's."""
    macros = [typed(name, args, item) for name, args in item.macros() if args]
    objects = [f"extern const {m};" for m in re.findall(r"extern const (struct \w+ \w+);", item.code)]
    return macros + [prototype for _, prototype in item.functions()] + objects


def page_of(name, items, title, see_also):
    """The page of a header."""
    top, items = items[0], [item for item in items[1:] if item.title()]
    names = dict.fromkeys([name, *(n for item in items for n in item.names())])
    calls = [call for item in items for call in calls_of(item)]
    roff = [f".TH {name} 3 {title}"]
    roff += [".SH NAME", ", ".join(names) + " \\- " + prose(summary(top.comment))]
    roff += [".SH SYNOPSIS", ".nf", "\\fB#include <libgather/co.h>\\fP", ".PP"]
    roff += [f"\\fB{escaped(line)}\\fP" for call in calls for line in wrapped(call).split("\n")]
    roff += [".fi", ".SH DESCRIPTION", *described(top.comment)]
    for item in items:
        roff += [f".SS {item.title()}", *verbatim(item.declarations().split("\n"))]
        roff += described(item.comment)
    roff += [".SH SEE ALSO", " ,\n".join([".BR libgather (7)", *(f".BR {n} (3)" for n in see_also)])]
    page = "\n".join(roff) + "\n"
    # A paragraph begins by itself after a heading, and as an entry of a list.
    page = re.sub(r"^(\.S[HS] .*\n)\.PP\n", r"\1", page, flags=re.MULTILINE)
    return re.sub(r"^\.PP\n(?=\.TP$)", "", page, flags=re.MULTILINE)


def main(output, version, *headers):
    """Write all pages."""
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    pages = {}
    for header in map(pathlib.Path, headers):
        text = header.read_text(encoding="utf-8")
        if re.search(r"^CO_API_BEGIN$", text, re.MULTILINE) or header.stem == "base":
            pages[f"co_{header.stem}"] = (header, list(items_of(text)))
    for name, (header, items) in pages.items():
        seconds = int(os.environ.get("SOURCE_DATE_EPOCH", header.stat().st_mtime))
        date = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date()
        title = f'{date} "libgather {version}" libgather'
        page = page_of(name, items, title, [other for other in pages if other != name])
        (output / f"{name}.3").write_text(page, encoding="utf-8")
        for link in {n for item in items[1:] for n in item.names()} - set(pages):
            (output / f"{link}.3").write_text(f".so man3/{name}.3\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
