# SPDX-License-Identifier: Apache-2.0
"""The built widthwise, run in the repository's folder."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / "build" / "release" / "widthwise"


def require():
    if not TOOL.is_file():
        sys.exit("build the tool first: scripts/quickstart")


def run(*command):
    """What a command prints on standard output; its failure ends this program."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout


def widthwise(*arguments):
    return run(TOOL, *arguments)


def summary(*arguments):
    """What a command of widthwise prints with --json."""
    return json.loads(widthwise(*arguments, "--json", "--quiet"))
