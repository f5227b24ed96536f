# SPDX-License-Identifier: BSD-3-Clause
"""Templates of pages and figures. Nothing here loads matplotlib, which pages without figures do not need."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from .formatting import format_number, format_percent, format_signed, make_printable, shorten


def fill_template(name, **values):
    """Return the text of a template of this package; strings are escaped, and equal values return equal texts."""
    return _make_environment().get_template(name).render(values)


@cache
def _make_environment():
    """Return the environment of all templates; it keeps those that are compiled."""
    environment = Environment(
        loader=PackageLoader(__package__, ''),
        autoescape=True,
        # Markup was made printable when it was made.
        finalize=lambda value: make_printable(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=format_number, percent=format_percent, signed=format_signed, shorten=shorten)
    return environment
