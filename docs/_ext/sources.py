# SPDX-License-Identifier: BSD-3-Clause
"""Links from a page to a file outside of docs/, which lead somewhere on GitHub too, lead to the file's text here."""

import os
import re
from pathlib import Path

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx.addnodes import download_reference, pending_xref
from sphinx.transforms import SphinxTransform

#: Folder of these pages.
FOLDER = 'sources'

#: Pages that show such files already, by pattern of the files' names.
SHOWN = ((r'README\.md', 'index'), (r'CHANGES\.md', 'changes'), (r'workflows/(plot_\w+)\.py', r'gallery/\1'))


class SourceLinks(SphinxTransform):
    """Turn links to files outside of docs/ into links to pages, before Sphinx collects what is to be downloaded."""

    default_priority = 10

    def apply(self):
        """Turn them, and note which pages are needed."""
        here, found = Path(self.env.doc2path(self.env.docname)).parent, set()
        for link in list(self.document.findall(lambda node: isinstance(node, download_reference | pending_xref))):
            path = Path(os.path.normpath(here / link['reftarget']))
            if isinstance(link, pending_xref):
                # Markdown outside of docs/ passes for a page of which the suffix is left out.
                path = path.with_name(f'{path.name}.md')
            name = self._own(path)
            if name is None:
                continue
            shown = [re.sub(pattern, page, name) for pattern, page in SHOWN if re.fullmatch(pattern, name)]
            found |= set() if shown else {name}
            uri = self.app.builder.get_relative_uri(self.env.docname, *shown or (f'{FOLDER}/{name}',))
            link.replace_self(nodes.reference('', '', *link.children, refuri=uri, internal=True))
        pages(self.env)[self.env.docname] = found

    def _own(self, path):
        """Name of a file of the project, None if it is within docs/ or none at all."""
        root = Path(self.env.srcdir).parent
        outside = path.is_relative_to(root) and not path.is_relative_to(self.env.srcdir)
        return path.relative_to(root).as_posix() if outside and path.is_file() else None


def pages(env):
    """Files outside of docs/ that each page links to."""
    if not hasattr(env, 'own_sources'):
        env.own_sources = {}
    return env.own_sources


def collect(app):
    """Give each such file a page."""
    root = Path(app.srcdir).parent
    for name in sorted(set().union(*pages(app.env).values())):
        text = (root / name).read_text(encoding='utf-8')
        try:
            language = get_lexer_for_filename(name).aliases[0]
        except ClassNotFound:
            language = 'text'
        body = app.builder.highlighter.highlight_block(text, language)
        yield (
            f'{FOLDER}/{name}',
            {'title': name, 'parents': [], 'body': f'<h1 class="source">{name}</h1>{body}'},
            'page.html',
        )


def setup(app):
    """Register the transform and its pages."""
    app.add_transform(SourceLinks)
    app.connect('env-purge-doc', lambda app, env, docname: pages(env).pop(docname, None))
    app.connect('html-collect-pages', collect)
    return {'parallel_read_safe': False}
