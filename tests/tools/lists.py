#!/usr/bin/env python3
"""Rewrites host/data/lists from the packages in which others maintain them.

    make lists                          take the newest packages
    make lists LISTS="--accept-shrink"  although a list has lost more than a tenth

Nothing is written unless every guard holds: each package has the licence that it had, no list has
lost more than SHRINK_MAX of its entries, no guarded domain is disposable, every big provider is
known as a provider. docs/tags.md says what the lists are for, decisions/address-lists.md why it is
these packages. Needs npm and pip, and runs in no build and in no test.
"""

import argparse
import ast
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

# Seconds that a client may take for one package; those here have less than 2 MB.
DOWNLOAD_SECONDS_MAX = 120
# Bytes of one file of a package: ten times the largest one.
FILE_BYTES_MAX = 20_000_000
# Share of its entries that a list may lose from one update to the next.
SHRINK_MAX = 0.10
# Packages that must agree about a free provider.
VOTES = 2
# Endings of domains of schools and offices, which are no providers.
NO_PROVIDERS = re.compile(r"(^|\.)(edu|gov|mil|ac|gob|gouv)(\.[a-z]{2})?$")
# Names that nobody can own (RFC 2606, RFC 6761).
RESERVED = re.compile(r"(^|\.)(example\.(com|net|org)|example|test|invalid|localhost|local|onion)$")

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LOCAL_PART = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

# What RFC 2142 reserves, sections 3 to 6.
RFC_2142 = (
    "info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster www "
    "uucp ftp"
).split()


class Refused(Exception):
    """Why nothing is written."""


class Package:
    """A package, downloaded by its registry's client."""

    def __init__(self, kind, name, licence, folder):
        self.kind, self.name, self.licence = kind, name, licence
        folder.mkdir()
        if kind == "npm":
            run(["npm", "pack", "--silent", "--pack-destination", folder, name])
        else:
            run(["pip", "download", "--quiet", "--no-deps", "--dest", folder, name])
        archive = next(folder.iterdir())
        self.files = read_zip(archive) if archive.suffix == ".whl" else read_tar(archive)
        found, self.version = self.described()
        if found != licence:
            raise Refused(f"{self} has the licence {found!r}, it had {licence!r}; read it, then decide")

    def described(self):
        if self.kind == "npm":
            told = json.loads(self.text("package/package.json"))
            return told.get("license"), told["version"]
        metadata = self.text("METADATA")
        field = lambda name: (re.search(rf"^{name}: (.+)$", metadata, re.M) or [None, None])[1]
        return field("License-Expression"), field("Version")

    def text(self, ending):
        for name, data in self.files.items():
            if name.endswith(ending):
                return data.decode("utf-8")
        raise Refused(f"{self} has no file {ending} any more; see what became of it")

    def licence_text(self):
        for name, data in self.files.items():
            if re.search(r"(^|/)licen[cs]e(\.\w+)?$", name, re.I):
                return data.decode("utf-8").strip()
        raise Refused(f"{self} has no licence text")

    def __str__(self):
        return f"{self.kind}: {self.name}"


def run(command):
    try:
        subprocess.run(command, check=True, timeout=DOWNLOAD_SECONDS_MAX, stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Refused(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"{command[0]} took more than {DOWNLOAD_SECONDS_MAX} s; try again") from None
    except subprocess.CalledProcessError as error:
        raise Refused(f"{command[0]} failed with {error.returncode}; what it said is above") from None


def read_zip(path):
    with zipfile.ZipFile(path) as archive:
        small = [entry for entry in archive.infolist() if entry.file_size <= FILE_BYTES_MAX]
        return {entry.filename: archive.read(entry) for entry in small}


def read_tar(path):
    with tarfile.open(path) as archive:
        small = [entry for entry in archive if entry.isfile() and entry.size <= FILE_BYTES_MAX]
        return {entry.name: archive.extractfile(entry).read() for entry in small}


def strings_of_python(text, name):
    """The strings of a module's variable, read without running it."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return list(ast.literal_eval(node.value))
    raise Refused(f"there is no {name} any more")


def strings_of_javascript(text):
    """The strings that stand alone on their lines."""
    return re.findall(r"^\s*'([^']*)',?$", text, re.M)


def domain(text):
    """A domain in lower-case A-labels; nothing for what is none."""
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = name.split(".")
    is_name = len(labels) > 1 and len(name) <= 253 and all(LABEL.fullmatch(one) for one in labels)
    return name if is_name and not labels[-1].isdigit() and not RESERVED.search(name) else None


def top_level(text):
    try:
        name = text.strip().lower().encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return name if LABEL.fullmatch(name) else None


def role(text):
    name = text.strip().lower()
    # Two characters are somebody's initials more often than a role; so is a number a year.
    is_role = LOCAL_PART.fullmatch(name) and len(name) > 2 and not name.isdigit()
    return f"{name}@" if is_role else None


class Tally:
    """What a list is made of, and what was left out on the way."""

    def __init__(self):
        self.dropped = {}

    def clean(self, texts, how):
        entries = set()
        for text in texts:
            entry = how(text)
            entries.add(entry)
            if entry is None:
                self.drop("invalid", text)
        return entries - {None}

    def drop(self, why, entry):
        self.dropped.setdefault(why, []).append(entry)

    def without(self, entries, wrong, why):
        for entry in sorted(entries & wrong):
            self.drop(why, entry)
        return entries - wrong


def corrections(lists):
    """What is taken out of a list or added to it by hand: list -> (out, in)."""
    found = {}
    for number, line in enumerate((lists / "corrections.txt").read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 3 or words[0] not in "-+" or "#" not in line:
            raise Refused(f"corrections.txt line {number}: write `- LIST ENTRY # REASON`, or + for -")
        found.setdefault(words[1], (set(), set()))["-+".index(words[0])].add(words[2])
    return found


def entries_of(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


def correct(entries, name, fixes, tally):
    out, added = fixes.get(name, (set(), set()))
    for entry in sorted(out - entries):
        print(f"{name}: the correction `- {entry}` corrects nothing any more; take it out")
    return tally.without(entries, out, "taken out by corrections.txt") | added


def disposable(lists, packages, fixes, tally):
    texts = strings_of_python(packages["disposable"].text("/__init__.py"), "blocklist")
    entries = {f".{name}" for name in tally.clean(texts, domain)}
    entries = correct(entries, "disposable-domains", fixes, tally)
    guarded = {f".{name}" for name in entries_of(lists / "big-providers.txt") | entries_of(lists / "relays.txt")}
    wrong = {entry for entry in guarded if any(part in entries for part in suffixes(entry))}
    if wrong:
        raise Refused(f"these are called disposable and must not be: {' '.join(sorted(wrong))}")
    # A domain below a listed one is listed by it.
    below = {entry for entry in entries if any(part in entries for part in suffixes(entry)[1:])}
    return tally.without(entries, below, "below another entry")


def suffixes(entry):
    """`.a.b.c`, `.b.c`, `.c`."""
    labels = entry[1:].split(".")
    return ["." + ".".join(labels[at:]) for at in range(len(labels))]


def free(lists, packages, disposables, fixes, tally):
    sources = [
        json.loads(packages["free"].text("/domains.json")),
        json.loads(packages["providers"].text("/all.json")),
        packages["freemail"].text("/free.txt").split(),
    ]
    votes = {}
    for texts in sources:
        for name in tally.clean(texts, domain):
            votes[name] = votes.get(name, 0) + 1
    named = {name for name, count in votes.items() if count >= VOTES}
    for name in sorted(votes.keys() - named):
        tally.drop(f"named by fewer than {VOTES} packages", name)
    is_thrown_away = {name for name in named if any(part in disposables for part in suffixes(f".{name}"))}
    named = tally.without(named, is_thrown_away, "disposable")
    offices = {name for name in named if NO_PROVIDERS.search(name)}
    named = tally.without(named, offices, "of a school or an office")
    entries = correct(named, "free-providers", fixes, tally)
    missing = entries_of(lists / "big-providers.txt") - entries
    if missing:
        raise Refused(f"these big providers are not known as providers: {' '.join(sorted(missing))}")
    return entries


def roles(packages, fixes, tally):
    texts = strings_of_javascript(packages["roles"].text("/src/index.js"))
    return correct(tally.clean(texts + RFC_2142, role), "role-accounts", fixes, tally)


def head(what, packages, today):
    lines = [f"# {what}"]
    for package in packages:
        lines.append(f"# From {package} {package.version}, {package.licence}, taken {today}.")
    lines.append("# Written by `make lists`; what is wrong here is mended in corrections.txt.")
    return "".join(f"{line}\n" for line in lines)


def tell(lists, name, entries, tally, accept_shrink):
    old = entries_of(lists / name)
    added, gone = entries - old, old - entries
    print(f"{name}: {len(entries)} entries, {len(added)} new, {len(gone)} gone")
    for sign, some in (("+", sorted(added)), ("-", sorted(gone))):
        if some and old:
            print(f"  {sign} {' '.join(some[:12])}{' ...' if len(some) > 12 else ''}")
    for why, some in tally.dropped.items():
        print(f"  left out, {why}: {len(some)}, such as {' '.join(sorted(some)[:6])}")
    if old and len(entries) < len(old) * (1 - SHRINK_MAX) and not accept_shrink:
        raise Refused(
            f"{name} has lost more than {SHRINK_MAX:.0%}; see why, then say --accept-shrink"
        )


def update(lists, accept_shrink, folder):
    get = lambda kind, name, licence: Package(kind, name, licence, folder / name)
    packages = {
        "disposable": get("PyPI", "disposable-email-domains", "MIT"),
        "free": get("npm", "free-email-domains", "MIT"),
        "providers": get("npm", "email-providers", "ISC"),
        "freemail": get("npm", "freemail", "ISC"),
        "roles": get("npm", "role-based-email-addresses", "MIT"),
        "endings": get("npm", "tlds", "MIT"),
    }
    today = datetime.date.today().isoformat()
    fixes = corrections(lists)
    tallies = [Tally() for _ in range(4)]
    disposables = disposable(lists, packages, fixes, tallies[0])
    made = [
        ("disposable-domains.txt", "Domains whose mailboxes are made to be thrown away, with what lies below.",
         ["disposable"], disposables, tallies[0]),
        ("free-providers.txt", "Domains at which anybody gets a mailbox, free or with the access.",
         ["free", "providers", "freemail"], free(lists, packages, disposables, fixes, tallies[1]), tallies[1]),
        ("role-accounts.txt", "Local parts that name a role; those of RFC 2142 among them.",
         ["roles"], roles(packages, fixes, tallies[2]), tallies[2]),
        ("top-level-domains.txt", "The top-level domains of the root zone.",
         ["endings"], tallies[3].clean(json.loads(packages["endings"].text("/index.json")), top_level),
         tallies[3]),
    ]
    for name, _, _, entries, tally in made:
        tell(lists, name, entries, tally, accept_shrink)
    for name, what, sources, entries, _ in made:
        text = head(what, [packages[source] for source in sources], today)
        text += "".join(f"{entry}\n" for entry in sorted(entries))
        (lists / name).write_text(text)
    licences = "Licences of the packages that the lists of this folder are made from.\n"
    for package in packages.values():
        licences += f"\n{'-' * 72}\n{package} ({package.licence})\n\n{package.licence_text()}\n"
    (lists / "LICENSES").write_text(licences)


def main():
    parser = argparse.ArgumentParser(description="Rewrites host/data/lists.")
    parser.add_argument("--accept-shrink", action="store_true", help="although a list lost a tenth")
    tree = pathlib.Path(__file__).resolve().parents[2] / "host/data/lists"
    parser.add_argument("--lists", type=pathlib.Path, default=tree, help="another folder, for tests")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            update(arguments.lists, arguments.accept_shrink, pathlib.Path(folder))
        except Refused as why:
            sys.exit(f"lists: {why}; nothing was written")


main()
