# SPDX-License-Identifier: BSD-3-Clause
"""References that the methods boilerplate cites: one list, in BibTeX."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: BibTeX of every work that may be cited.
BIBLIOGRAPHY = Path(__file__).with_name('references.bib')

#: Entries of the bibliography, fields of an entry, and accents over a letter, as this bibliography spells them.
_ENTRY = re.compile(r'@\w+\{(\w+),\n(.*?)\n\}', re.DOTALL)
_FIELD = re.compile(r'(\w+) = \{(.*)\}')
_ACCENT = re.compile(r'\{\\([\'`^"~])(\w)\}')
_COMBINING = {"'": '\u0301', '`': '\u0300', '^': '\u0302', '"': '\u0308', '~': '\u0303'}


@dataclass(frozen=True)
class Reference:
    """A work: its authors and year as texts cite it, empty without a year, and the line of a list of references."""

    authors: str
    year: str
    line: str

    @property
    def label(self) -> str:
        """Authors and year within parentheses."""
        return f'{self.authors}, {self.year}' if self.year else self.authors


@cache
def read_references() -> dict[str, Reference]:
    """Return all references by key."""
    entries = _ENTRY.findall(BIBLIOGRAPHY.read_text(encoding='utf-8'))
    return {key: _describe(dict(_FIELD.findall(fields))) for key, fields in entries}


def _describe(fields: dict[str, str]) -> Reference:
    """Return the reference of an entry of the bibliography."""
    given = {name: _to_text(value) for name, value in fields.items()}
    authors = [name.split(', ') for name in given['author'].split(' and ')]
    families = [name[0] for name in authors]
    cited = f'{families[0]} et al.' if len(families) > 2 else ' and '.join(families)
    names = [f'{name[0]} {"".join(word[0] for word in name[1].split())}' for name in authors if len(name) > 1]
    listed = ', '.join([*names, *(['et al.'] if families[-1] == 'others' else [])])
    year = given.get('year', '')
    places = ('journal', 'publisher', 'archiveprefix', 'eprint', 'volume')
    place = ' '.join(given[key] for key in places if key in given)
    pages = f':{given["pages"]}' if 'pages' in given else ''
    doi = f' doi:{given["doi"]}' if 'doi' in given else ''
    listed = f'{listed} ({year})' if year else listed.removesuffix('.')
    line = f'{listed}. {given["title"]}. {place}{pages}.{doi}'
    return Reference(cited, year, line)


def _to_text(value: str) -> str:
    r"""Return the value of a field without the marks of BibTeX.

    >>> _to_text(r"C{\^o}t{\'e}, {fMRI}, 1--9")
    'Côté, fMRI, 1–9'
    """
    text = _ACCENT.sub(lambda found: unicodedata.normalize('NFC', found[2] + _COMBINING[found[1]]), value)
    return text.replace('--', '–').replace('{', '').replace('}', '')
