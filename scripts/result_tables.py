# SPDX-License-Identifier: Apache-2.0
"""Reading the tables (CSV) that widthwise writes, and names in figures."""

import csv


def read_rows(path):
    """The rows of a results table as dictionaries.

    A text that a spreadsheet would take for a formula stands behind an apostrophe in the file, as does one that begins
    with an apostrophe itself (sim/text/spreadsheet_text.h); it is taken off."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{column: plain(cell) for column, cell in row.items()} for row in csv.DictReader(file)]


def plain(cell):
    return cell.removeprefix("'") if isinstance(cell, str) else cell


def figure_name(name, longest=40):
    """A name beside a figure: printable, its middle left out when long, and no formula to matplotlib."""
    text = "".join(c if c.isprintable() else "?" for c in name)
    if len(text) > longest:
        text = text[:longest - longest // 2 - 2] + ".." + text[len(text) - longest // 2:]
    return text.replace("$", r"\$")


def file_names(names, longest=100):
    """A file's name (without ending) for each of `names`: harmless characters, not too long, all different."""
    taken, result = set(), {}
    for name in names:
        base = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)[:longest]
        unique, count = base, 1
        while unique.lower() in taken:
            count += 1
            unique = f"{base}_{count}"
        taken.add(unique.lower())
        result[name] = unique
    return result
