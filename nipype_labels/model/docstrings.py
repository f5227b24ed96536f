# SPDX-License-Identifier: BSD-3-Clause
"""Docstrings whose sections of parameters and outputs come from the registries."""

import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

from .outputs import NODE_OUTPUTS, Output
from .parameters import PARAMETERS

#: Section of parameters of a numpydoc docstring: indentation and entries.
_SECTION = re.compile(
    r'^(?P<indent> *)Parameters\n(?P=indent)-+\n(?P<entries>.*?)(?=\n\n|\Z)', re.MULTILINE | re.DOTALL
)

#: A function or class.
Target = TypeVar('Target', bound=Callable[..., Any])

#: Columns of a line.
_WIDTH = 120


def fill_parameters(target: Target) -> Target:
    """Complete the section of parameters of a docstring, in the order of the signature; return the function or class.

    Parameters of the registry are inserted; entries that the docstring has itself take precedence.
    """
    text = target.__doc__ or ''
    found = _SECTION.search(text)
    if found:
        own = _split_entries(found['entries'], found['indent'])
        names = inspect.signature(target).parameters
        lines = [own.get(name) or _write_entry(name, found['indent']) for name in names]
        start, end = found.span('entries')
        target.__doc__ = text[:start] + '\n'.join(lines) + text[end:]
    return target


def fill_outputs(target: Target) -> Target:
    """Replace ``{outputs}`` in a docstring by an entry for each output of an extraction; return the function."""
    # Python 3.13 and newer compile docstrings without their indentation.
    text = inspect.cleandoc(target.__doc__ or '')
    target.__doc__ = text.replace('{outputs}', '\n'.join(line for each in NODE_OUTPUTS for line in _write_output(each)))
    return target


def _write_output(output: Output) -> list[str]:
    """Return the lines of the entry of an output."""
    condition = f' With {" and ".join(f"``{name}``" for name in output.needs)}.' if output.needs else ''
    text = f'{output.description}.{condition}'
    kind = 'list of str' if output.per_atlas else 'str'
    return [f'{output.key} : {kind}', *textwrap.wrap(text, 110, initial_indent='    ', subsequent_indent='    ')]


def _split_entries(text: str, indent: str) -> dict[str, str]:
    """Return the entries of a section, by name of parameter."""
    entries = re.split(rf'\n(?={indent}\S)', text)
    return {entry.split(' :')[0].strip(): entry for entry in entries}


def _write_entry(name: str, indent: str) -> str:
    """Return the entry of a parameter of the registry."""
    parameter = PARAMETERS[name]
    text = f'{parameter.help[0].upper()}{parameter.help[1:]}.'
    if parameter.neutral is None and parameter.unset != 'none':
        text += f' Default: {parameter.unset}.'
    text = f'{text} {parameter.more}'.strip()
    inner = f'{indent}    '
    wrapped = textwrap.fill(
        text, _WIDTH, initial_indent=inner, subsequent_indent=inner, break_on_hyphens=False, break_long_words=False
    )
    return f'{indent}{name} : {parameter.type_text}\n{wrapped}'
