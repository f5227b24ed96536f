# SPDX-License-Identifier: BSD-3-Clause
"""Docstrings beyond numpydoc: what a factory's inputnode takes and its outputnode gives, and names in short."""

import re
import warnings

from numpydoc.docscrape_sphinx import SphinxDocString

#: Sections of factories, with fields like parameters.
SECTIONS = ('Inputs', 'Outputs')

_held = {}


def cut(app, what, name, obj, options, lines):
    """Take these sections, with which factories end, away from numpydoc; and the text picture, since one is drawn."""
    if what != 'function':
        return
    text = re.sub(r'\.\. code-block:: text\n\n(?: +.*\n|\n)+', '', '\n'.join(lines))
    text, *sections = re.split(rf'^({"|".join(SECTIONS)})\n-+\n', text, flags=re.MULTILINE)
    _held[name] = zip(sections[::2], sections[1::2], strict=True)
    lines[:] = text.split('\n')


def put_back(app, what, name, obj, options, lines):
    """Append them, rendered as numpydoc renders parameters."""
    for title, fields in _held.pop(name, ()):
        rendered = render(app.config, f'Parameters\n----------\n{fields}')
        lines += rendered.replace(':Parameters:', f':{title}:', 1).split('\n')


def render(config, text):
    """Docstring as reStructuredText, as numpydoc renders those that autodoc finds."""
    types = {
        'xref_param_type': config.numpydoc_xref_param_type,
        'xref_aliases': config.numpydoc_xref_aliases_complete,
        'xref_ignore': config.numpydoc_xref_ignore,
    }
    return str(SphinxDocString(text, types))


def find_short(app, env, node, contnode):
    """Resolve a name that docstrings give without its module, if it is that of one documented object alone."""
    if node.get('refdomain') != 'py':
        return None
    domain = env.get_domain('py')
    found = [name for name in domain.objects if name.endswith(f'.{node["reftarget"]}')]
    if len(found) != 1:
        return None
    node['reftarget'] = found[0]
    return domain.resolve_xref(env, node['refdoc'], app.builder, node['reftype'], found[0], node, contnode)


def setup(app):
    """Work before and after numpydoc, whose priority is the usual 500."""
    # It looks at whole docstrings too, for signatures.
    warnings.filterwarnings('ignore', f'Unknown section ({"|".join(SECTIONS)})', UserWarning)
    app.connect('missing-reference', find_short)
    app.connect('autodoc-process-docstring', cut, priority=400)
    app.connect('autodoc-process-docstring', put_back, priority=600)
    return {'parallel_read_safe': True}
