#!/usr/bin/python3
"""Man pages and completions out of what the program says of itself:

  generate.py man RINGSEND OUTPUT VERSION COMMAND   the page of a command
  generate.py header HEADER OUTPUT VERSION EXAMPLE  ringsend(3), out of src/ringsend.h
  generate.py bash|zsh|fish RINGSEND OUTPUT         completions

Options, and the words around them, come from the program's own table: `ringsend --options-json`, a
list of {"name": COMMAND, "summary": ..., "help": [...]}. An element of help is a line of prose, or
an object: an option (it has an "id"), or what src/cli/options/options.h tells of the text of
--help: {"usage"}, {"heading", "note"}, {"verbatim"}, {"term", "explanation"}.
"""

import collections
import itertools
import json
import re
import subprocess
import sys
import textwrap

Option = collections.namedtuple("Option", "names argument optional is_file words text")


def table(program):
    """What the program says of its commands, by their names."""
    run = subprocess.run([program, "--options-json"], check=True, capture_output=True, text=True)
    return {command["name"]: command for command in json.loads(run.stdout)}


def commands(program):
    """(name, summary) as the program lists them."""
    return [(name, command["summary"]) for name, command in table(program).items()]


def is_option(line):
    return isinstance(line, dict) and "id" in line


def option_of(row):
    return Option((["-" + row["letter"]] if row["letter"] else []) + ["--" + row["name"]],
                  row["argument"] or "", row["optional"], row["kind"] == "file",
                  row["words"].split("|") if row["words"] else [], " ".join(row["text"]))


def options(program, command):
    return [option_of(line) for line in table(program)[command]["help"] if is_option(line)]


# ---- Man pages, in the language of man(7)

SIGNS = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
# What stands out in a sentence: `quoted`, options, names of the library.
NAMES = re.compile(r"`([^`\n]+)`|(?<![\w-])(--?[A-Za-z][\w-]*)|\b((?:ringsend|RINGSEND)_\w+)")


def escape(text):
    return "".join(SIGNS.get(sign, sign) for sign in text)


def bold(text):
    return r"\fB%s\fR" % escape(text)


def prose(text):
    out, at = "", 0
    for name in NAMES.finditer(text):
        out += escape(text[at:name.start()]) + bold("".join(filter(None, name.groups())))
        at = name.end()
    return out + escape(text[at:])


class Page:
    """A page, put together from top to bottom. `text` is escaped."""

    def __init__(self, title, section, version):
        self.lines = ['.TH %s %d "" "ringsend %s" "ringsend"' % (escape(title.upper()), section,
                                                                version),
                      ".nh", ".ad l", ".ss 12 0"]
        self.fresh = True  # right behind a heading: no empty line

    def put(self, text):
        """Filled; a line that began with a dot would be a request."""
        self.lines += [r"\&" + line if line.startswith(".") else line for line in textwrap.wrap(
            text, 78, break_long_words=False, break_on_hyphens=False)]
        self.fresh = False

    def section(self, title):
        self.lines.append(".SH " + escape(title).upper())
        self.fresh = True

    def subsection(self, title):
        self.lines.append(".SS " + escape(title))
        self.fresh = True

    def paragraph(self, text):
        if not self.fresh:
            self.lines.append(".PP")
        self.put(text)

    def tagged(self, tag, text):
        self.lines += [".TP", tag]
        self.put(text)

    def verbatim(self, lines):
        if not self.fresh:
            self.lines.append(".PP")
        self.lines += [".nf", *((r"\&" if line[:1] == "." else "") + escape(line)
                                for line in lines), ".fi"]
        self.fresh = False

    def text(self):
        return "\n".join(self.lines)


def kind_of(line):
    if isinstance(line, str):
        return "prose" if line else "gap"
    return "option" if is_option(line) else next(iter(line))


def put_block(page, kind, lines):
    """Neighbouring lines of a command's help that are of one kind."""
    if kind == "prose":
        page.paragraph(prose(" ".join(line.strip() for line in lines)))
    elif kind == "verbatim":
        page.verbatim(textwrap.dedent("\n".join(line["verbatim"] for line in lines)).split("\n"))
    elif kind == "term":
        explained = []
        for line in lines:
            if line["term"].strip():
                explained.append((line["term"].strip(), []))
            explained[-1][1].append(line["explanation"])
        for term, explanation in explained:
            page.tagged(bold(term), prose(" ".join(filter(None, explanation))))
    elif kind == "option":
        for option in map(option_of, lines):
            argument = ("[=%s]" if option.optional else " %s") % option.argument
            page.tagged(", ".join(map(bold, option.names)) +
                        (escape(argument) if option.argument else ""), prose(option.text))


def put_lines(page, lines):
    for kind, block in itertools.groupby(lines, kind_of):
        put_block(page, kind, list(block))


def parts_of(lines):
    """(heading, lines) of each part of a help; the first has no heading."""
    parts = [("", [])]
    for line in lines:
        if kind_of(line) == "heading":
            parts.append((line["heading"],
                          [line["note"].strip(" ()"), ""] if "note" in line else []))
        else:
            parts[-1][1].append(line)
    return parts


def manual(program, version, command):
    everything = table(program)
    lines = everything[command]["help"]
    usage = [line for line in lines if kind_of(line) == "usage"]
    general = [line for line in lines if is_option(line) and line["section"] == "GENERAL"]
    (_, about), *parts = parts_of([line for line in lines if line not in usage + general])
    page = Page("ringsend-" + command, 1, version)
    page.section("Name")
    page.put(escape("ringsend-%s" % command) + r" \- " + escape(everything[command]["summary"]))
    page.section("Synopsis")
    for line in usage:
        page.paragraph(bold(line["usage"].replace("Usage:", "").strip()))
    page.section("Description")
    put_lines(page, [line for line in about if not is_option(line)])
    page.section("Options")
    put_lines(page, filter(is_option, about))
    # Headings with options below them stand among the options, and before all others.
    listed = [part for part in parts if any(map(is_option, part[1]))]
    for heading, part in listed:
        page.subsection(heading)
        put_lines(page, part)
    if listed:
        page.subsection("General")
    put_lines(page, general)
    for heading, part in parts:
        if (heading, part) not in listed:
            page.section(heading)
            put_lines(page, part)
    page.section("See also")
    page.put(", ".join(bold(name) + "(%d)" % section for name, section in
                       [("ringsend", 1), ("ringsend-records", 5)] +
                       [("ringsend-" + name, 1) for name in everything if name != command]))
    return page.text()


# ---- ringsend(3)

TITLE = re.compile(r"/\* -+ (.*?) -+(?: \*/|$)", re.MULTILINE)
# What the header consists of, from top to bottom.
ITEM = re.compile(
    r"(?P<comment>/\*.*?\*/)|#define RINGSEND_ERRORS(?P<errors>(?:\\\n|[^\n])*)"
    r"|#define (?P<macro>RINGSEND_\w+) [^\n]*?/\* (?P<note>[^\n]*) \*/$|#(?:\\\n|[^\n])*"
    r"|(?P<kind>struct|enum) (?P<name>\w+) \{(?P<body>.*?)^\};"
    r"|RINGSEND_API (?P<function>[^;]*;)", re.MULTILINE | re.DOTALL)
ERROR = re.compile(r'X\((\w+), "(\w+)", (\w+), (\w+), (\w+),((?:[\s\\]*"[^"]*")+)\)')
MEMBER = {"struct": r"/\*.*?\*/|[^\s/][^;]*;", "enum": r"/\*.*?\*/|\w[^,/]*"}


def uncomment(text):
    """A comment's paragraphs, each a list of lines."""
    text = re.sub(r"^/\*+|\*/$", "", TITLE.sub("", text).strip())
    lines = [re.sub(r"^\s*\*? ?", "", line, count=1).rstrip() for line in text.splitlines()]
    return [list(block) for filled, block in itertools.groupby(lines, bool) if filled]


def put_comment(page, paragraphs, topics=False):
    """`topics`: a word or three before a paragraph's first full stop say what it is about."""
    for lines in paragraphs:
        topic, stop, rest = " ".join(lines).partition(". ")
        if lines[0].startswith(" "):
            page.verbatim(textwrap.dedent("\n".join(lines)).split("\n"))
        elif topics and stop and len(topic.split()) <= 3:
            page.paragraph(bold(topic + ".") + " " + prose(rest))
        else:
            page.paragraph(prose(" ".join(lines)))


def prototype(declaration):
    """As lines, broken between arguments."""
    words = re.sub(r"(?<!,)\s+", "\0", re.sub(r",\s+", ", ", declaration))
    return [line.replace("\0", " ") for line in textwrap.wrap(words, 72, subsequent_indent=" " * 4)]


def put_members(page, kind, body):
    comment = None
    for text in re.findall(MEMBER[kind], body, re.DOTALL):
        title = TITLE.match(text)
        if title:
            page.paragraph(bold(title.group(1)))
        elif text.startswith("/*"):
            comment = text
        else:
            told = " ".join(" ".join(lines) for lines in uncomment(comment))
            page.tagged(bold(" ".join(text.split()).rstrip(";")), prose(told))
            comment = None


def put_item(page, item, comment):
    if item["errors"]:
        page.tagged(bold("RINGSEND_OK"), "0")
        for name, word, phase, retry, sent, text in ERROR.findall(item["errors"]):
            page.tagged(bold("RINGSEND_E_" + name), escape("%s, %s, %s, %s: %s" % (
                word, phase, retry, sent, "".join(re.findall(r'"(.*?)"', text)))))
        page.tagged(bold("RINGSEND_ERROR_COUNT"), "how many there are")
    elif item["macro"]:
        page.tagged(bold(item["macro"]), prose(item["note"]))
    elif item["name"] and item["name"] != "ringsend_error":  # whose members are those rows
        page.subsection("%s %s" % (item["kind"], item["name"]))
        put_comment(page, uncomment(comment))
        put_members(page, item["kind"], item["body"])
    elif item["function"]:
        page.subsection(re.search(r"(\w+)\(", item["function"]).group(1))
        page.verbatim(prototype(item["function"]))
        put_comment(page, uncomment(comment))


def library(path, version, example):
    """The header's text in its order; each thing has its comment above it."""
    with open(path, encoding="utf-8") as file:
        contract, _, text = file.read().partition("#ifndef RINGSEND_H")
    found = [re.search(r"(\w+)\(", item["function"]).group(1) for item in ITEM.finditer(text)
             if item["function"]]
    contract = uncomment(contract)
    page = Page("ringsend", 3, version)
    page.section("Name")
    page.put(escape(", ".join(["ringsend", *found])) + r" \- " +
             escape(" ".join(contract[0]).partition(": ")[2].rstrip(".")))
    page.section("Synopsis")
    page.verbatim(["#include <ringsend.h>", "", *itertools.chain.from_iterable(
        prototype(item["function"]) for item in ITEM.finditer(text) if item["function"])])
    page.paragraph("Link with " + bold("pkg-config --cflags --libs ringsend") + ".")
    page.section("Description")
    put_comment(page, contract[2:], topics=True)
    comment = None
    for item in ITEM.finditer(text):
        title = TITLE.match(item.group())
        if title:
            page.section(title.group(1))
            put_comment(page, uncomment(item.group()), topics=True)
        elif item["comment"]:
            comment = item["comment"]
        else:
            put_item(page, item, comment)
            comment = None if item["kind"] or item["function"] else comment
    page.section("Examples")
    with open(example, encoding="utf-8") as file:
        page.verbatim(file.read().rstrip().split("\n"))
    page.section("See also")
    page.put(bold("ringsend") + "(1), " + bold("io_uring") + "(7)")
    return page.text()


# ---- Completions

NO_FILES = {"serve", "doctor"}  # commands whose arguments are no files


def quoted(text):
    return "'%s'" % text.replace("'", "'\\''")


def shell_word(text):
    """As it is to stand on a command line."""
    return re.sub(r"([^\w.,:-])", r"\\\1", text)


def names_of(found):
    return [name for option in found for name in option.names]


BASH = r"""# bash completion for ringsend; made from its table of options.
_ringsend() {
    local word=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD before words= each
    # http://host and --option=value are three words here.
    while [[ ${COMP_WORDS[at]} = : || ${COMP_WORDS[at-1]} = : ]]; do
        at=$((at - 1))
    done
    before=${COMP_WORDS[at-1]}
    case $word:$before in
    =:*) word= ;;
    *:=) before=${COMP_WORDS[at-2]} ;;
    esac
    COMPREPLY=()
    # Whoever returns leaves it to readline to complete a file, with all that its name may hold.
    case $COMP_CWORD:${COMP_WORDS[1]} in
    1:*) words='%s help --help --version' ;;
    2:help) words='%s' ;;
%s
    esac
    compopt +o default
    for each in $words; do
        [[ $each != "$word"* ]] || COMPREPLY+=("$each")
    done
}
complete -o default -F _ringsend ringsend
"""


def bash(program):
    cases = []
    for command, _ in commands(program):
        found = [option for option in options(program, command)]
        valued = [option for option in found if option.argument and not option.optional]
        plain = names_of(option for option in valued if not option.is_file and not option.words)
        file = names_of(option for option in valued if option.is_file)
        cases += ["    *:%s)" % command, "        case $before in"]
        cases += ["        %s) words=%s ;;" % ("|".join(option.names), quoted(
            " ".join(map(shell_word, option.words)))) for option in valued if option.words]
        cases += ["        %s) ;;" % "|".join(plain)] if plain else []
        cases += ["        %s) return ;;" % "|".join(file)] if file else []
        cases.append("        *)")
        if command not in NO_FILES:
            cases.append("            [[ $word = -* || $at != $COMP_CWORD ]] || return")
        cases += ["            words='%s' ;;" % " ".join(names_of(found)), "        esac ;;"]
    names = " ".join(name for name, _ in commands(program))
    return BASH % (names, names, "\n".join(cases))


def first_words(option):
    return re.split(r"[.;:](?: |$)| \(", option.text)[0]


def zsh_spec(option, name):
    value = "=" if name.startswith("--") else "+"
    mark = "" if not option.argument else value + "-" if option.optional else value
    action = ""
    if option.argument:
        what = "_files" if option.is_file else "(%s)" % " ".join(
            map(shell_word, option.words)) if option.words else " "
        action = "%s%s:%s" % ("::" if option.optional else ":",
                              re.sub(r"[\[\]:]", " ", option.argument), what)
    told = re.sub(r"([\[\]:\\])", r"\\\1", first_words(option))
    return quoted("*%s%s[%s]%s" % (name, mark, told, action))


def zsh(program):
    out = ["#compdef ringsend",
           "# zsh completion for ringsend; made from its table of options.", "",
           "_ringsend() {", "    local -a commands=("]
    out += ["        %s" % quoted("%s:%s" % pair) for pair in commands(program)]
    out += ["    )", "    if (( CURRENT == 2 )); then",
            "        commands+=('help:tell the options of a command')",
            "        _describe command commands",
            "        compadd -- --help --version",
            "        return", "    fi",
            "    local command=$words[2]", "    shift words", "    (( CURRENT-- ))",
            "    case $command in",
            "    help)", "        (( CURRENT > 2 )) || _describe command commands ;;"]
    for name, _ in commands(program):
        out += ["    %s)" % name, "        _arguments -s -S \\"]
        out += ["            %s \\" % zsh_spec(option, each)
                for option in options(program, name) for each in option.names]
        out.append("            %s ;;" % ("'*: : '" if name in NO_FILES else "'*:file:_files'"))
    return "\n".join(out + ["    esac", "}", "", '_ringsend "$@"', ""])


FISH = """# fish completion for ringsend; made from its table of options.
function __ringsend_is --description 'whether its command is one of these'
    set -l words (commandline -opc)
    contains -- "$words[2]" $argv
end
function __ringsend_helps --description 'whether a command is to be named to help'
    set -l words (commandline -opc)
    test (count $words) = 2; and __ringsend_is help
end
complete -c ringsend -f
complete -c ringsend -n '__ringsend_is %s' -F
complete -c ringsend -n __fish_use_subcommand -a help -d 'tell the options of a command'
complete -c ringsend -n __fish_use_subcommand -l help -d 'list the commands'
complete -c ringsend -n __fish_use_subcommand -l version -d 'the version'
"""


def fish(program):
    out = [FISH % " ".join(name for name, _ in commands(program) if name not in NO_FILES)]
    for name, summary in commands(program):
        for condition in ("__fish_use_subcommand", "__ringsend_helps"):
            out.append("complete -c ringsend -n %s -a %s -d %s\n" % (condition, name,
                                                                   quoted(summary)))
        for option in options(program, name):
            line = "complete -c ringsend -n '__ringsend_is %s'" % name
            for each in option.names:
                line += " -l %s" % each[2:] if each.startswith("--") else " -s %s" % each[1:]
            if option.argument and not option.optional:
                line += " -r -F" if option.is_file else " -x"
            if option.words:
                line += " -a " + quoted(" ".join(map(shell_word, option.words)))
            out.append("%s -d %s\n" % (line, quoted(first_words(option))))
    return "".join(out)


def main():
    kind, source, output, *more = sys.argv[1:]
    kinds = {"man": manual, "header": library, "bash": bash, "zsh": zsh, "fish": fish}
    text = kinds[kind](source, *more)
    with open(output, "w", encoding="utf-8") as file:
        file.write(text.rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
