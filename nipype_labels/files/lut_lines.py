# SPDX-License-Identifier: BSD-3-Clause
"""Rows of look-up tables whose lines are ids, names and colours, separated by blanks."""

import re

from ..model.errors import LookupTableError

#: Accepted forms of a table, for the error about any other.
FORMS = (
    'a table with headings for ids and names, as index and name; lines of an id and a name, with or without colours; '
    'an XML of FSL, SPM, BrainSuite or Julich-Brain; an AFNI label table; one name per line, as many as regions'
)

#: A colour in hexadecimal digits.
HEX_COLOUR = re.compile(r'(?:#|0x)[0-9a-f]{6}(?:[0-9a-f]{2})?', re.IGNORECASE)

_NUMBER = re.compile(r'-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?', re.IGNORECASE)


def no_known_form(path, line):
    """Return the message for a table of which the first line is shown, with the accepted forms."""
    shown = line.strip() if len(line) < 120 else f'{line.strip()[:117]}...'
    return f'{path} has no known form of a look-up table. Its first line is {shown!r}. Accepted: {FORMS}'


def parse_lines(lines, path):
    """Return pairs (id, name) of lines that begin with an id, or of AAL's abbreviation, name and id; else None.

    After the id, colours may be before or behind the name, and behind it the id once more; before it, ITK-SNAP's six
    numbers or MRtrix's abbreviation. LookupTableError if it is not clear which numbers are parts of names.
    """
    rows = [re.split(r'[\s,;:=)]+', line.strip(), maxsplit=1) for line in lines]
    if all(len(row) == 2 and is_id(row[0]) for row in rows):
        ids = [to_id(i) for i, _ in rows]
        names = _find_names([rest for _, rest in rows], ids)
        if names is None:
            raise LookupTableError(no_known_form(path, lines[0]))
        return [(i, unquoted(name)) for i, name in zip(ids, names, strict=True)]
    rows = [line.split() for line in lines]
    if all(len(row) == 3 and is_id(row[2]) and not is_number(row[0]) for row in rows):
        return [(to_id(number), name) for _, name, number in rows]
    return None


def _find_names(rests, ids):
    """Return the names among the text behind the ids, None if numbers may or may not be parts of them."""
    words = [rest.split() for rest in rests]
    if all(is_number(word) for row in words for word in row):
        return _numeric_names(words)
    n = min(_count_numbers(row[:-1]) for row in words)
    columns = list(zip(*(row[:n] for row in words), strict=True))
    if n >= 6 and all(row[6].startswith('"') for row in words):
        before = 6
    elif n == 1 and all(row[0] == str(i) for row, i in zip(words, ids, strict=True)):
        before = 1
    else:
        before = next((k for k in (4, 3) if k <= n and are_colours(columns[:k])), 0)
    if n and not before:
        return None
    names = [rest.split(maxsplit=before)[before] for rest in rests] if before else rests
    shorter = _without_colours(names)
    if shorter != names:
        shorter = _without_abbreviation(shorter)
    # Splitting takes linear time, where regular expressions try all ways to divide many blanks.
    parts = [(i, name, name.rsplit(maxsplit=1)) for i, name in zip(ids, shorter, strict=True)]
    without_ids = [words[0] if len(words) > 1 and words[1] == str(i) else name for i, name, words in parts]
    return without_ids if len(set(without_ids)) == len(set(shorter)) else shorter


def _numeric_names(words):
    """Return names that are numbers, alone, or before or behind a colour; None if that is not clear."""
    columns = list(zip(*words, strict=True)) if len({len(row) for row in words}) == 1 else []
    if len(columns) < 2:
        return list(columns[0]) if columns else None
    found = [names for names, rest in ((columns[0], columns[1:]), (columns[-1], columns[:-1])) if are_colours(rest)]
    unique = [list(names) for names in found if len(set(names)) == len(names)]
    return unique[0] if len(unique) == 1 else None


def _without_colours(names):
    """Remove a colour, with FreeSurfer's type of tissue, or AAL's code, behind each name."""
    shorter = [_without_code(name) for name in names]
    if None not in shorter:
        return shorter if len(set(shorter)) == len(set(names)) else names
    n = min(_count_numbers(name.split()[:0:-1]) for name in names)
    columns = list(zip(*(name.split()[-n:] for name in names), strict=True)) if n else []
    for cut in (5, 4, 3):
        if cut > n or not are_colours(columns[-cut:][:4]):
            continue
        # Behind a colour of constant opacity: a type of tissue, not a number that ends the name before a colour.
        if cut == 5 and (len(set(columns[-2])) > 1 or len(set(columns[-1])) == 1):
            continue
        shorter = [name.rsplit(maxsplit=cut)[0] for name in names]
        if len(set(shorter)) == len(set(names)):
            return shorter
    return names


def _without_code(name):
    """Return a name without a colour, or AAL's code of four digits in MRIcron's tables, behind it; else None."""
    words = name.rsplit(maxsplit=1)
    is_coded = len(words) == 2 and (
        HEX_COLOUR.fullmatch(words[1]) or (re.fullmatch(r'\d{4}', words[1]) and len(words[0].split()) == 1)
    )
    return words[0] if is_coded else None


def _without_abbreviation(names):
    """Remove MRtrix's abbreviation from names: lines of two words each, in columns, each unique."""
    words = [name.split() for name in names]
    if len(names) < 3 or any(len(row) != 2 for row in words):
        return names
    short, long = zip(*words, strict=True)
    aligned = any(re.search(r'\t|\s{2}', name) for name in names)
    return list(long) if aligned and len(set(short)) == len(set(long)) == len(names) else names


def _count_numbers(words):
    """Return how many words, from the first on, are numbers."""
    return next((i for i, word in enumerate(words) if not is_number(word)), len(words))


def are_colours(columns):
    """Whether three or four columns of numbers, 0 to 1 or whole from 0 to 255, are colours; the fourth is opacity."""
    values = [[float(cell) for cell in column] for column in columns]
    bytes_ = [all(value.is_integer() and 0 <= value <= 255 for value in column) for column in values]
    parts = [all(0 <= value <= 1 for value in column) for column in values]
    opacity = parts[3:] if all(parts[:3]) else [a or b for a, b in zip(bytes_[3:], parts[3:], strict=True)]
    return len(columns) in (3, 4) and (all(parts[:3]) or all(bytes_[:3])) and all(opacity)


def unquoted(cell):
    """Return a cell without blanks, and without quotation marks, around it."""
    cell = cell.strip()
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def is_number(text):
    """Whether a text is a number."""
    return _NUMBER.fullmatch(text.strip()) is not None


def is_id(text):
    """Whether a text is a whole number of not too many digits, perhaps written as a float."""
    return re.fullmatch(r'\s*-?[0-9]{1,99}(\.0*)?\s*', text) is not None


def to_id(text):
    """Return the whole number that a text holds."""
    return int(text.split('.')[0])
