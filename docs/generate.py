#!/usr/bin/python3
"""Man pages and completions out of what the program says of itself:

  generate.py KIND RINGSEND OUTPUT [COMMAND]

KIND is scd (a page of one command, for scdoc), bash, zsh or fish; or header, with src/ringsend.h in
place of the program: ringsend(3), whose text is the header's own. Options, and the words around
them, come from the program's own table: `ringsend --options-json`, a list of

  {"name": COMMAND, "summary": ..., "help": [a line of text, or an option as an object, ...]}

in which only the lines are taken apart here:

  Usage: ...                   synopsis, up to the first line that does not continue it
  a paragraph                  what the command does
  Heading                      at the left margin, with options or indented lines below
"""

import collections
import itertools
import json
import re
import subprocess
import sys

Option = collections.namedtuple("Option", "names argument attached is_file words text")

GENERAL = {"--help", "--version"}


def table(program):
    """What the program says of its commands, by their names."""
    run = subprocess.run([program, "--options-json"], check=True, capture_output=True, text=True)
    return {command["name"]: command for command in json.loads(run.stdout)}


def commands(program):
    """(name, summary) as the program lists them."""
    return [(name, command["summary"]) for name, command in table(program).items()]


def option_of(row):
    attached = "[=%s]" % row["argument"] if row["optional"] else ""
    return Option((["-" + row["letter"]] if row["letter"] else []) + ["--" + row["name"]],
                  "" if attached else row["argument"] or "", attached, row["kind"] == "file",
                  (row["words"] or "").replace("|", " "), row["text"])


def is_heading(line, before, after):
    """At the left margin, with indented lines below; or a word or two above a paragraph."""
    if not line or line[0] == " " or line.endswith((".", ",", ":")) or line.startswith("Usage:"):
        return False
    return after.startswith(" ") and (not before or before.startswith(" ")) or \
        not before and len(line.split()) < 3 and after != ""


def parse(lines):
    """The help as (heading, blocks); a block is an Option or a list of lines."""
    sections = [("", [])]
    for at, line in enumerate(lines):
        blocks = sections[-1][1]
        if isinstance(line, dict):
            blocks.append(option_of(line))
            continue
        around = [lines[i] if 0 <= i < len(lines) else "" for i in (at - 1, at + 1)]
        before, after = ("  option" if isinstance(each, dict) else each for each in around)
        if is_heading(line, before, after):
            sections.append((line, []))
        elif not line or not blocks or isinstance(blocks[-1], Option):
            blocks.append([line] if line else [])
        else:
            blocks[-1].append(line)
    return sections


def options(program, command):
    return [option_of(line) for line in table(program)[command]["help"] if isinstance(line, dict)]


# ---- Man pages, in scdoc's language


def escape(text):
    text = re.sub(r"([\\*_#~<>\[\].`|+-])", r"\\\1", text)
    return text


def literal(lines):
    return ["```", *(line.replace("\\", "\\\\") for line in lines), "```", ""]


def scd_block(block):
    """An option, or lines: those at the margin are a paragraph, the others stay as they are."""
    if isinstance(block, Option):
        name = ", ".join("*%s*" % escape(n) for n in block.names)
        return ["%s%s %s" % (name, escape(block.attached), escape(block.argument)),
                "\t" + (escape(" ".join(block.text)) or "\\-"), ""]
    out = []
    for indented, lines in itertools.groupby(filter(None, block), lambda line: line[0] == " "):
        out += literal(lines) if indented else [escape(" ".join(lines)), ""]
    return out


def scd(program, command):
    summary = dict(commands(program))[command]
    sections = parse(table(program)[command]["help"])
    usage, about = [], []
    for line in sections[0][1][0]:
        if line.startswith("Usage:") or (not about and line.startswith("       ")):
            usage.append(line[len("Usage: "):])
        else:
            about.append(line)
    out = ["ringsend-%s(1)" % command, "", "# NAME", "",
           "ringsend-%s - %s" % (command, escape(summary)), "", "# SYNOPSIS", ""]
    out += [line for each in usage for line in ("*" + escape(each) + "*", "")]
    out += ["# DESCRIPTION", "", *scd_block(about)]
    # The options first, the general ones last; what else there is keeps its order and headings.
    listed, general, rest = [], [], []
    for heading, blocks in [("", sections[0][1][1:]), *sections[1:]]:
        lines = {True: [], False: []}
        for block in blocks:
            is_option = isinstance(block, Option)
            if is_option and GENERAL & set(block.names):
                general += scd_block(block)
            else:
                lines[is_option or bool(heading and lines[True])] += scd_block(block)
        if not heading:
            out += lines[False]
            listed += lines[True]
        elif lines[True]:
            listed += ["## " + escape(heading), "", *lines[False], *lines[True]]
        elif lines[False]:
            rest += ["# " + escape(heading).upper(), "", *lines[False]]
    out += ["# OPTIONS", "", *listed]
    out += [*(["## General", ""] if "## " in "".join(listed) else []), *general, *rest]
    out += ["# SEE ALSO", "", ", ".join(["*ringsend*(1)", "*ringsend-records*(5)"] +
                                        ["*ringsend-%s*(1)" % name for name, _ in commands(program)
                                         if name != command])]
    return "\n".join(out)


# ---- ringsend(3)


def uncomment(text):
    """A comment's paragraphs, each as one line."""
    text = re.sub(r"^/\*+|\*/$", "", text.strip())
    lines = [re.sub(r"^\s*\*? ?", "", line) for line in text.splitlines()]
    return [" ".join(each.split()) for each in "\n".join(lines).split("\n\n")]


def functions(text):
    """(declaration, name, comment's paragraphs) of what the header exports."""
    pattern = r"((?:/\*(?:[^*]|\*(?!/))*\*/\n)?)^RINGSEND_API ([^;]*?(\w+)\([^;]*);"
    return [(" ".join(declaration.split()), name, uncomment(comment) if comment else [])
            for comment, declaration, name in re.findall(pattern, text, re.MULTILINE)]


def topics(paragraphs):
    """Paragraphs of which most begin with a word for what they are about."""
    for paragraph in paragraphs:
        topic, _, rest = paragraph.partition(". ")
        yield from ["*%s.* %s" % (escape(topic), escape(rest)) if rest else escape(paragraph), ""]


def essay(text, title):
    """What stands below a heading of the header."""
    pattern = r"^/\* -+ %s -+$(.*?\*/)" % title
    return uncomment(re.search(pattern, text, re.MULTILINE | re.DOTALL).group(1))


def header(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    contract = uncomment(re.match(r"/\*.*?\*/", text, re.DOTALL).group())
    found = functions(text)
    out = ["ringsend(3)", "", "# NAME", "",
           "ringsend - " + escape(contract[0].split(": ")[1].rstrip(".")), "", "# SYNOPSIS", "",
           *literal(["#include <ringsend.h>", ""] + [each[0] + ";" for each in found]),
           "Link with *pkg\\-config \\-\\-cflags \\-\\-libs ringsend*.", "", "# DESCRIPTION", ""]
    out += topics(contract[2:])
    out += ["The fields of options, requests, results and statistics are told in _ringsend.h_,",
            "each with its unit, range and default.", "", "# STREAMED BODIES", "",
            *topics(essay(text, "Streamed bodies")), "# FUNCTIONS", ""]
    before = ""
    for _, name, paragraphs in found:
        text = escape(paragraphs[0]) if paragraphs else "See *%s*." % escape(before)
        out += ["*%s*" % escape(name), "\t" + text, ""]
        before = name
    return "\n".join([*out, "# SEE ALSO", "", "*ringsend*(1), *io_uring*(7)"])


# ---- Completions


def quoted(text):
    return "'%s'" % text.replace("'", "'\\''")


def bash(program):
    cases, files = [], []
    for name, _ in commands(program):
        found = options(program, name)
        names = " ".join(n for o in found for n in o.names)
        cases.append("    %s) options='%s' ;;" % (name, names))
        plain = [n for o in found if o.argument and not o.is_file and not o.words for n in o.names]
        values = ["%s) return ;;" % "|".join(plain)] if plain else []
        values += ["%s) COMPREPLY=($(compgen -W %s -- \"$word\")); return ;;" %
                   ("|".join(o.names), quoted(o.words)) for o in found if o.words]
        if values:
            files.append("    %s) case $before in %s esac ;;" % (name, " ".join(values)))
    return """# bash completion for ringsend; made from its table of options.
_ringsend() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W '%s --help --version' -- "$word"))
        return
    fi
    # Values that are no files, and those that are words.
    case ${COMP_WORDS[1]} in
%s
    esac
    case ${COMP_WORDS[1]} in
%s
    esac
    case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
}
complete -o filenames -F _ringsend ringsend
""" % (" ".join(name for name, _ in commands(program)), "\n".join(files), "\n".join(cases))


def first_words(option):
    return re.split(r"[.;:,(]", " ".join(option.text))[0].strip()


def zsh(program):
    out = ["#compdef ringsend",
           "# zsh completion for ringsend; made from its table of options.", "",
           "_ringsend() {", "    if (( CURRENT == 2 )); then", "        local -a commands=("]
    out += ["            %s" % quoted("%s:%s" % pair) for pair in commands(program)]
    out += ["        )", "        _describe command commands", "        return", "    fi",
            "    local command=$words[2]", "    shift words", "    (( CURRENT-- ))",
            "    case $command in"]
    for name, _ in commands(program):
        out.append("    %s)" % name)
        out.append("        _arguments \\")
        for option in options(program, name):
            words = re.sub(r"([\[\]:])", r"\\\1", first_words(option))
            value = "(%s)" % option.words.replace(";", r"\;") if option.words else " "
            action = ":%s:%s" % (re.sub(r"[\[\]:]", " ", option.argument),
                                 "_files" if option.is_file else value) if option.argument else ""
            for each in option.names:
                out.append("            %s \\" % quoted("*%s[%s]%s" % (each, words, action)))
        out.append("            '*:file:_files' ;;")
    return "\n".join(out + ["    esac", "}", "", '_ringsend "$@"', ""])


def fish(program):
    out = ["# fish completion for ringsend; made from its table of options.",
           "complete -c ringsend -n __fish_use_subcommand -f"]
    for name, summary in commands(program):
        line = "complete -c ringsend -n __fish_use_subcommand -a %s -d %s"
        out.append(line % (name, quoted(summary)))
        for option in options(program, name):
            line = "complete -c ringsend -n '__fish_seen_subcommand_from %s'" % name
            for each in option.names:
                line += " -l %s" % each[2:] if each.startswith("--") else " -s %s" % each[1:]
            if option.argument:
                line += " -r -F" if option.is_file else " -x"
            if option.words:
                line += " -a " + quoted(option.words)
            out.append("%s -d %s" % (line, quoted(first_words(option))))
    return "\n".join(out) + "\n"


def main():
    kind, program, output, *command = sys.argv[1:]
    kinds = {"scd": scd, "bash": bash, "zsh": zsh, "fish": fish, "header": header}
    text = kinds[kind](program, *command)
    with open(output, "w", encoding="utf-8") as file:
        file.write(text.rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
