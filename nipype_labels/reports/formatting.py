# SPDX-License-Identifier: BSD-3-Clause
"""Values and texts as reports show them."""

import math
import re

from markupsafe import Markup, escape

from ..files.xml_streams import NOT_IN_XML
from ..model.references import read_references

#: How a missing value is written.
MISSING = 'n/a'

#: Markdown that the methods boilerplate uses: code, emphasis, and citations in brackets or within a sentence.
_MARKS = re.compile(
    r'`(?P<code>[^`]+)`|\*(?P<stressed>[^*\s](?:[^*]*[^*\s])?)\*|\[(?P<cited>@[^\]]+)\]|(?<![\w.])@(?P<author>\w[\w:.-]*\w)'
)


def make_printable(text):
    r"""Replace characters that are invalid in XML.

    >>> make_printable('bell\a')
    'bell�'
    """
    return NOT_IN_XML.sub('�', text)


def format_value(value):
    """Return a value of a JSON file in words.

    >>> format_value([1, True, None]), format_value({'a': 0.25}), format_value([])
    ('1, yes, none', 'a: 0.25', 'none')
    """
    if isinstance(value, dict):
        return ', '.join(f'{key}: {format_value(v)}' for key, v in value.items()) or 'none'
    if isinstance(value, list | tuple):
        return ', '.join(map(format_value, value)) or 'none'
    if value is None or isinstance(value, bool):
        return {None: 'none', True: 'yes', False: 'no'}[value]
    return format_number(value) if isinstance(value, float) else str(value)


def format_number(value, digits=None):
    """Return a number, or n/a; with ``digits`` after the point, or else as short as possible.

    >>> format_number(3.0), format_number(2.25, 1), format_number(-1e-17, 1), format_number(float('nan'))
    ('3', '2.2', '0.0', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    # z, no sign of zero: the mean of a demeaned series is a rounding error of either sign.
    return f'{value:.6g}' if digits is None else f'{value:z.{digits}f}'


def format_signed(value, digits=2):
    """Return a number with ``digits`` significant digits, and a minus sign that is as wide as a plus.

    >>> format_signed(-0.125), format_signed(123456.0), format_signed(0.5), format_signed(12.0)
    ('−0.12', '1.2e+05', '0.50', '12')
    """
    return MISSING if not math.isfinite(value) else f'{value:#.{digits}g}'.rstrip('.').replace('-', '−', 1)


def format_percent(value):
    """Return a fraction in per cent, rounded down so that only the whole is 100 %.

    >>> format_percent(0.999), format_percent(1)
    ('99 %', '100 %')
    """
    return MISSING if value is None or not math.isfinite(value) else f'{math.floor(100 * value + 1e-9)} %'


def shorten(text, most, from_start=False):
    """Cut a text in a figure, where nothing wraps, to ``most`` letters.

    >>> shorten('A name', 6), shorten('A longer name', 6), shorten('A longer name', 6, from_start=True)
    ('A name', 'A lon…', '…name')
    """
    text = ' '.join(text.split())
    if len(text) <= most:
        return text
    return '…' + text[1 - most :].lstrip() if from_start else text[: most - 1].rstrip() + '…'


def mark_up(text):
    """Return the paragraphs of a text for Pandoc as HTML: code, emphasis, and citations by authors and year.

    Keys that the bibliography does not have remain keys.

    >>> mark_up('By *us* & `x_*` [@numpy; @b].')
    [Markup('By <em>us</em> &amp; <code>x_*</code> (Harris et al., 2020; b).')]
    """
    paragraphs = (' '.join(part.split()) for part in re.split(r'\n\s*\n', make_printable(text)))
    return [_mark_up_paragraph(paragraph) for paragraph in paragraphs if paragraph]


def _mark_up_paragraph(text):
    """Return a paragraph as HTML; everything except the marks is escaped."""
    done, parts = 0, []
    for mark in _MARKS.finditer(text):
        parts += [escape(text[done : mark.start()]), _render_mark(mark)]
        done = mark.end()
    return Markup('').join([*parts, escape(text[done:])])


def _render_mark(mark):
    """Return the text between two marks as HTML."""
    if mark['code']:
        return Markup('<code>{}</code>').format(mark['code'])
    if mark['stressed']:
        return Markup('<em>{}</em>').format(mark['stressed'])
    references, keys = read_references(), _list_keys(mark)
    if mark['author']:
        reference = references.get(keys[0])
        return escape(f'{reference.authors} ({reference.year})' if reference else keys[0])
    return escape(f'({"; ".join(references[key].label if key in references else key for key in keys)})')


def _list_keys(mark):
    """Return the keys of the citations in a mark."""
    cited = mark['author'] or mark['cited'] or ''
    return [key.strip().removeprefix('@') for key in cited.split(';') if key]


def list_cited(text):
    """Return the references that a text for Pandoc cites, as lines in alphabetical order.

    >>> [line.partition('(')[0] for line in list_cited('[@scipy; @ledoit_wolf]')]
    ['Ledoit O, Wolf M ', 'Virtanen P, Gommers R, Oliphant TE, Haberland M, Reddy T, et al. ']
    """
    keys = {key for mark in _MARKS.finditer(text) for key in _list_keys(mark)}
    references = read_references()
    return sorted(references[key].line for key in keys if key in references)
