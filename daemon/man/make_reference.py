#!/usr/bin/env python3
"""Renews what is told of settings and routes wherever it is told, from what the program says of itself.

    make_reference.py GATHERD GATHERCTL

writes config/gatherd.conf, the completions of gatherctl, and in the man pages beside this file what is between these
lines:

    .\\" begin: routes
    .\\" end: routes

The rest of the pages is written by hand. Tests compare all of it with the program they test.
"""

import json
import pathlib
import re
import subprocess
import sys
import textwrap

import gatherctl_reference

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
CONTRACT = TOP / "daemon/api/openapi.json"
EXAMPLE = TOP / "config/gatherd.conf"
PAGES = [HERE / name for name in ("gatherd.8", "gatherd.conf.5", "gatherd-api.7")]

SECTION = re.compile(r"^\[([\w.]+)\]\n", re.MULTILINE)
SETTING = re.compile(r"((?:^# .*\n)+)^(\w+) =", re.MULTILINE)
PART = re.compile(r'(?<=^\.\\" begin: )(\w+)\n.*?(?=^\.\\" end: \1$)', re.MULTILINE | re.DOTALL)
MODULES = "probe."
DETAILS = "-width If-None-Match: -compact"


# --- mdoc ----------------------------------------------------------------------------------------


def escaped(text):
    """Text as roff takes it for what it is."""
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", "\\e"))


def prose(text):
    """Text as lines, each sentence on lines of its own; the formatter spaces them."""
    sentences = re.split(r"(?<=[\w)]\.) (?=[A-Z])", text)
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, 100, break_on_hyphens=False)]
    return [escaped(line) for line in lines]


def listed(entries, layout="-width Ds"):
    """A list of pairs: what is said of a thing, as lines, behind a macro line that names it."""
    lines = [line for tag, text in entries for line in (f".It {tag}", *text)]
    return [f".Bl -tag {layout}", *lines, ".El"]


# --- Settings ------------------------------------------------------------------------------------


def setting_entry(comment, key):
    """A setting as --print-config has it: the last line of the comment is about values."""
    *about, values = [line.removeprefix("# ") for line in comment.splitlines()]
    return f"Ic {key}", [*prose(" ".join(about)), f".Pq {escaped(values)}"]


def sections(printed):
    """What --print-config printed, as pairs of a section's name and its text."""
    _, *parts = SECTION.split(printed)
    return list(zip(parts[::2], parts[1::2]))


def settings_of(text):
    """The settings of a section, as a list."""
    return listed(setting_entry(comment, key) for comment, key in SETTING.findall(text))


def make_settings(printed):
    """All sections but those of probes."""
    for name, text in sections(printed):
        if not name.startswith(MODULES):
            yield from [f".Ss [{name}]", *settings_of(text)]


def make_modules(printed):
    """The settings that every probe has."""
    return settings_of(next(text for name, text in sections(printed) if name.startswith(MODULES)))


# --- The contract --------------------------------------------------------------------------------


def resolved(contract, value):
    """What a reference leads to."""
    for name in value["$ref"].split("/")[1:] if "$ref" in value else ():
        contract = contract[name]
    return contract if "$ref" in value else value


def choice(words):
    """What there is to choose from, if there is."""
    return [f".Pq {', '.join(words)}"] if words else []


def parameter_entry(parameter):
    """A parameter of a query, or a header."""
    name = f"?{parameter['name']}=" if parameter["in"] == "query" else f"{parameter['name']}:"
    return f"Cm {name}", prose(parameter["description"]) + choice(parameter["schema"].get("enum", ()))


def answer_entry(status, answer):
    """A status that is no error, and its types if there are several."""
    types = answer.get("content", ())
    return f"Sy {status}", prose(answer["description"]) + choice(types if len(types) > 1 else ())


def route_entry(contract, method, path, operation):
    """What can be asked of a path."""
    parameters = [resolved(contract, each) for each in operation.get("parameters", ())]
    answers = [each for each in operation["responses"].items() if "$ref" not in each[1]]
    details = [parameter_entry(each) for each in parameters] + [answer_entry(*each) for each in answers]
    return f"Ic {method.upper()} {path}", [*prose(f"{operation['summary']}."), *listed(details, DETAILS)]


def make_routes(contract):
    """All that can be asked, by subject."""
    routes = [(operation["tags"][0], route_entry(contract, method, path, operation))
              for path, methods in contract["paths"].items()
              for method, operation in methods.items() if method != "parameters"]
    for tag in contract["tags"]:
        yield from [f".Ss {tag['name'].capitalize()}", *prose(tag["description"])]
        yield from listed(entry for name, entry in routes if name == tag["name"])


def make_statuses(contract):
    """What the statuses mean that several routes have."""
    answers = {status: resolved(contract, answer)["description"]
               for methods in contract["paths"].values()
               for method, operation in methods.items() if method != "parameters"
               for status, answer in operation["responses"].items() if "$ref" in answer}
    return listed((f"Sy {status}", prose(text)) for status, text in sorted(answers.items()))


def make_codes(contract):
    """All words that programs may see as the code of a problem."""
    codes = contract["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"]
    *most, last = (f".Ql {code}" for code in codes)
    return [*(f"{code} ," for code in most), f"{last} ."]


# --- Pages ---------------------------------------------------------------------------------------


def example(printed):
    """The configuration to begin with: every setting, none of them set."""
    return re.sub(r"^(?=[a-z0-9_]+ =)", ";", printed, flags=re.MULTILINE)


def renewed(page, printed, contract):
    """The text of a page with its parts made anew."""
    makers = {"settings": (make_settings, printed), "modules": (make_modules, printed),
              "routes": (make_routes, contract), "statuses": (make_statuses, contract),
              "codes": (make_codes, contract)}

    def make(match):
        maker, source = makers[match[1]]
        return "".join(f"{line}\n" for line in (match[1], *maker(source)))

    return PART.sub(make, page)


def reference(printed):
    """All files that are made, with their text: pairs of a path and what is to be there."""
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    yield EXAMPLE, example(printed)
    for path in PAGES:
        yield path, renewed(path.read_text(encoding="utf-8"), printed, contract)


def main(gatherd, gatherctl):
    """Write what has changed."""
    printed = subprocess.run([gatherd, "--print-config"], check=True, capture_output=True, text=True).stdout
    for path, text in [*reference(printed), *gatherctl_reference.reference(gatherctl)]:
        if not path.exists() or text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(TOP))


if __name__ == "__main__":
    main(*sys.argv[1:])
