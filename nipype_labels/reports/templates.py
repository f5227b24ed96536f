# SPDX-License-Identifier: BSD-3-Clause
"""Templates, and what keeps names in them from becoming anything but text."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from .formatting import format_number, format_percent, format_signed, make_printable


def fill_template(name, **values):
    """Fill a template.

    Parameters
    ----------
    name : str
        Of a file in this folder.
    **values
        Strings are escaped.

    Returns
    -------
    str
        The same values give the same text.
    """
    environment = Environment(
        loader=PackageLoader(__package__, ''),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=format_number, percent=format_percent, signed=format_signed, shorten=shorten)
    return environment.get_template(name).render(values)


def shorten(text, most, from_start=False):
    """Cut a text that would not fit, in an image where nothing wraps.

    >>> shorten('A name', 6), shorten('A longer name', 6), shorten('A longer name', 6, from_start=True)
    ('A name', 'A lon…', '…name')
    """
    text = ' '.join(text.split())
    if len(text) <= most:
        return text
    return '…' + text[1 - most :].lstrip() if from_start else text[: most - 1].rstrip() + '…'


def _finalize(value):
    """A value of a template; text that is marked up already was made printable before."""
    return make_printable(value) if type(value) is str else value
