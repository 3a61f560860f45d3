#!/usr/bin/env python3
"""Man page and shell completions, written from what the program says of itself.

Usage: command_line.py CAIRN MAN BASH ZSH FISH, the last four being the files to write

`cairn help` and `cairn help VERB` print the verb table and the options as they are parsed, so that
nothing written here can be out of date.
"""
import dataclasses
import pathlib
import re
import subprocess
import sys


@dataclasses.dataclass
class Option:
    names: list  # ["-h", "--help"]
    value: str   # "N", "SORT"; "" = a flag
    text: str


@dataclasses.dataclass
class Verb:
    name: str
    summary: str
    usage: str = ""
    text: str = ""
    options: list = dataclasses.field(default_factory=list)
    examples: str = ""

    def takes_store(self):
        return re.match(r"cairn \S+ STORE\b", self.usage) is not None


def say(cairn, *words):
    return subprocess.run([cairn, "help", *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def read_option(line):
    found = re.match(r"  (-\S+)(?: (\S+))?  +(\S.*)$", line)
    if found is None:
        raise ValueError(f"no option: {line!r}")
    return Option(found.group(1).split(","), found.group(2) or "", found.group(3))


def read_verb(cairn, name, summary):
    verb = Verb(name, summary)
    text = say(cairn, name)
    head, _, rest = text.partition("\nUsage: ")
    verb.usage, _, rest = rest.partition("\n")
    if not head.startswith(f"cairn {name}: "):
        raise ValueError(f"help of {name} begins with {head!r}")
    body, _, rest = rest.partition("Options:\n")
    verb.text = body.strip("\n")
    options, _, examples = rest.partition("\nExamples:\n")
    verb.options = [read_option(line) for line in options.splitlines() if line.strip()]
    verb.examples = examples.rstrip("\n")
    return verb


def read_verbs(cairn):
    overview = say(cairn)
    rows = re.findall(r"^  ([a-z]\S*) +(\S.*)$", overview, re.M)
    if len(rows) < 20:
        raise ValueError(f"`cairn help` lists {len(rows)} verbs only")
    return [read_verb(cairn, name, summary) for name, summary in rows]


# --- man ------------------------------------------------------------------------------------------

def roff(text):
    """Text that troff prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^\.", "\\\\&.", text, flags=re.M)


def man(verbs, version):
    out = [f'.TH CAIRN 1 "" "cairn {version}" "User Commands"', ".SH NAME",
           "cairn \\- an event\\-sourced store of issues", ".SH SYNOPSIS",
           ".B cairn", ".I VERB STORE", "[\\fIARGS\\fR] [\\fB\\-\\-json\\fR]", ".SH DESCRIPTION",
           "Occurrences come in and are grouped into issues, which are searched, merged, taken apart",
           "and resolved. Merge and unmerge are views and change no event. STORE is a directory.",
           ".SH VERBS"]
    for verb in verbs:
        out += [f".SS {roff(verb.name)}", f"{roff(verb.summary)}.", ".PP", ".nf",
                f"\\fB{roff(verb.usage)}\\fR", ".fi"]
        if verb.text:
            out += [".PP", ".nf", roff(verb.text), ".fi"]
        for option in verb.options:
            names = ", ".join(f"\\fB{roff(name)}\\fR" for name in option.names)
            value = f" \\fI{roff(option.value)}\\fR" if option.value else ""
            out += [".TP", names + value, roff(option.text)]
        if verb.examples:
            out += [".PP", "Examples:", ".PP", ".nf", roff(verb.examples), ".fi"]
    out += [".SH EXIT STATUS", ".TP", "0", "all went well", ".TP", "1", "an error, told on stderr",
            ".TP", "2", "the command line makes no sense", ".TP", "3",
            "done, but some of the input was refused"]
    return "\n".join(out) + "\n"


# --- shells ---------------------------------------------------------------------------------------

def long_names(verb):
    return [name for option in verb.options for name in option.names if name.startswith("--")]


def bash(verbs):
    cases = "\n".join(f"    {verb.name}) words='{' '.join(long_names(verb))}' ;;" for verb in verbs)
    names = " ".join(verb.name for verb in verbs)
    return f"""# bash completion for cairn; made by packaging/command_line.py
_cairn() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '{names} help' -- "$current")
    return
  fi
  if [ "${{COMP_WORDS[1]}}" = help ]; then
    [ "$COMP_CWORD" = 2 ] && mapfile -t COMPREPLY < <(compgen -W '{names}' -- "$current")
    return
  fi
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
  case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  esac
}}
complete -o filenames -F _cairn cairn
"""


def zsh(verbs):
    def quoted(text):
        return text.replace("'", "'\\''").replace("[", "(").replace("]", ")").replace(":", "\\:")

    def arguments(verb):
        for option in verb.options:
            for name in option.names:
                value = f":{quoted(option.value)}:_files" if option.value else ""
                yield f"'{name}[{quoted(option.text)}]{value}'"
    rows = "\n".join(f"    '{verb.name}:{quoted(verb.summary)}'" for verb in verbs)
    cases = "\n".join(f"    {verb.name}) _arguments {' '.join(arguments(verb))} '*:file:_files' ;;"
                      for verb in verbs)
    return f"""#compdef cairn
# made by packaging/command_line.py
_cairn() {{
  local -a verbs
  verbs=(
{rows}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
{cases}
  esac
}}
_cairn "$@"
"""


def fish(verbs):
    def quoted(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    out = ["# made by packaging/command_line.py",
           "complete -c cairn -n __fish_use_subcommand -f -a help -d 'explain a verb'"]
    for verb in verbs:
        out.append(f"complete -c cairn -n __fish_use_subcommand -f -a {verb.name} "
                   f"-d {quoted(verb.summary)}")
        for option in verb.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                             for name in option.names)
            value = " -r" if option.value else ""
            out.append(f"complete -c cairn -n '__fish_seen_subcommand_from {verb.name}' "
                       f"{names}{value} -d {quoted(option.text)}")
    return "\n".join(out) + "\n"


def main():
    cairn, *outputs = sys.argv[1:]
    verbs = read_verbs(cairn)
    version = subprocess.run([cairn, "--version"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.split()[1]
    texts = [man(verbs, version), bash(verbs), zsh(verbs), fish(verbs)]
    for output, text in zip(outputs, texts, strict=True):
        pathlib.Path(output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
