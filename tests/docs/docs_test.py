#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of the documentation: every ```sh block of every README.md of the repository. Checks links, too.

A document gets a scratch copy of the repository's root; its commands run there in order, each with its own bash, and
must end with status 0. What cannot run in a test stands in NOT_RUN with the reason. Blocks of other languages are text.

Usage: docs_test.py [--build FOLDER] [--list] [DOCUMENT ...]
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LEFT_OUT = {"build", "results", "node_modules"}
COPIED = {"configs", "models", "scripts", "traces"}  # everything else of the root is a link
SECONDS = 300

# First words of a command: why a test does not run it.
NOT_RUN = {
    "scripts/quickstart": "installs packages and builds",
    "scripts/test": "builds, and runs this very test",
    "scripts/zoo": "half a minute",
    "scripts/network_table": "some minutes",
    "gtkwave": "opens a window",
    "surfer": "opens a window",
}


class DocumentError(Exception):
    """A document that this test cannot read as commands."""


def documents():
    """README.md files, tracked ones where git knows, in order; the root's first."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--",
                             "README.md", "*/README.md"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listed.returncode == 0 and listed.stdout:
        found = [Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name]
        found = [path for path in found if (ROOT / path).is_file()]
    else:
        found = []
        for folder, names, files in os.walk(ROOT):
            here = Path(folder).relative_to(ROOT)
            names[:] = [name for name in names if not name.startswith((".", "build")) and name not in LEFT_OUT]
            if "README.md" in files:
                found.append(here / "README.md")
    return sorted(found, key=lambda path: (len(path.parts), path))


def without_comment(line):
    """The line up to a # that begins a word outside quotes."""
    quote = ""
    for place, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place].rstrip()
    return line.rstrip()


def commands_of(path):
    """(line number, command) of each command in the document's sh blocks."""
    found = []
    language, joined, begun = None, "", 0
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r"\s*```(.*)$", line)
        if fence and language is None:
            language = fence.group(1).strip()
            if language in ("bash", "shell", "console", "zsh"):
                raise DocumentError(f"{path}:{number}: a block of {language}: write sh, so that it is tested")
        elif fence:
            if joined:
                raise DocumentError(f"{path}:{number}: the block ends in a continued line")
            language = None
        elif language == "sh":
            part = without_comment(line.strip())
            begun = begun if joined else number
            joined = f"{joined} {part.removesuffix(chr(92)).strip()}".strip()
            if not part.endswith("\\") and joined:
                found.append((begun, joined))
                joined = ""
    if language is not None:
        raise DocumentError(f"{path}: the last block has no end")
    return found


def broken_links(path):
    """Links and pictures of the document that name no file of the repository."""
    text = re.sub(r"```.*?```", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    return [target for target in targets
            if not re.match(r"[a-z]+:", target) and not (ROOT / path.parent / target).exists()]


def why_not_run(command, met):
    """The reason of the entry of NOT_RUN that the command begins with, or None; notes the entry as met."""
    words = shlex.split(command)
    for entry, reason in NOT_RUN.items():
        if words[:len(entry.split())] == entry.split():
            met.add(entry)
            return reason
    return None


def make_scratch(folder, build):
    """The repository's root, in which commands may write."""
    for entry in ROOT.iterdir():
        if entry.name in LEFT_OUT or entry.name.startswith((".", "build")):
            continue
        if entry.name in COPIED:
            shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("whole", "__pycache__"))
        else:
            (folder / entry.name).symlink_to(entry)
    (folder / "results").mkdir()
    (folder / "build").mkdir()
    (folder / "build" / "release").symlink_to(build)


def run_document(path, commands, build):
    """Runs the commands of one document up to the first that fails; that failure, or None."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    environment["PATH"] = f"{build}:{environment.get('PATH', '/usr/bin:/bin')}"
    with tempfile.TemporaryDirectory(prefix="widthwise-docs-") as name:
        make_scratch(Path(name), build)
        for number, command in commands:
            begin = time.monotonic()
            try:
                done = subprocess.run(["bash", "-c", command], cwd=name, env=environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
                status, printed = f"exit status {done.returncode}", done.stdout
                failed = done.returncode != 0
            except subprocess.TimeoutExpired as late:
                status, printed, failed = f"still running after {SECONDS} s", late.stdout or b"", True
            print(f"{time.monotonic() - begin:6.1f} s  {path}:{number}: {command}", flush=True)
            if failed:
                last = printed.decode(errors="replace").splitlines()[-20:]
                return "\n".join([f"{path}:{number}: {command}", f"  {status}; it printed"] + [f"  | {text}" for text in last])
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="folder of the built widthwise")
    parser.add_argument("--list", action="store_true", help="print the commands, run none")
    parser.add_argument("documents", nargs="*", help="only these, such as scripts/README.md")
    options = parser.parse_args()
    build = options.build.resolve()
    if not options.list and not (build / "widthwise").is_file():
        sys.exit(f"docs_test: there is no {build / 'widthwise'}; build first")

    failures, met, ran = [], set(), 0
    for path in documents():
        try:
            found = commands_of(path)
            chosen = [(number, command) for number, command in found if why_not_run(command, met) is None]
        except (DocumentError, ValueError) as error:  # ValueError: quotes that do not close
            failures.append(f"{path}: {error}")
            continue
        if options.documents and str(path) not in options.documents:
            continue
        failures += [f"{path}: the link to {target} leads nowhere" for target in broken_links(path)]
        if options.list:
            for number, command in found:
                reason = why_not_run(command, met)
                print(f"{path}:{number}: {command}" + (f"   [not run: {reason}]" if reason else ""))
        elif chosen:
            ran += len(chosen)
            failure = run_document(path, chosen, build)
            failures += [failure] if failure else []
    failures += [f"NOT_RUN has {entry!r}, which no document mentions any more" for entry in NOT_RUN if entry not in met]
    if not options.list and ran == 0:
        failures.append("no command was found")
    for failure in failures:
        print(f"\nFAILED {failure}")
    print(f"\n{ran} commands, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
