# SPDX-License-Identifier: BSD-3-Clause
"""Links from a page to a file outside of docs/, which lead somewhere on GitHub too, lead to the file's text here."""

import os
from pathlib import Path

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx.addnodes import download_reference
from sphinx.transforms import SphinxTransform

#: Folder of these pages.
FOLDER = 'sources'


class SourceLinks(SphinxTransform):
    """Turn downloads from outside of docs/ into links to pages; before Sphinx collects what is to be downloaded."""

    default_priority = 10

    def apply(self):
        """Turn them, and note which pages are needed."""
        root, found = Path(self.env.srcdir).parent, set()
        for link in list(self.document.findall(download_reference)):
            path = Path(os.path.normpath(Path(self.env.doc2path(self.env.docname)).parent / link['reftarget']))
            if path.is_relative_to(self.env.srcdir) or not path.is_relative_to(root):
                continue
            name = path.relative_to(root).as_posix()
            found.add(name)
            page = self.app.builder.get_relative_uri(self.env.docname, f'{FOLDER}/{name}')
            link.replace_self(nodes.reference('', '', *link.children, refuri=page, internal=True))
        pages(self.env)[self.env.docname] = found


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
        yield f'{FOLDER}/{name}', {'title': name, 'parents': [], 'body': f'<h1>{name}</h1>{body}'}, 'page.html'


def setup(app):
    """Register the transform and its pages."""
    app.add_transform(SourceLinks)
    app.connect('env-purge-doc', lambda app, env, docname: pages(env).pop(docname, None))
    app.connect('html-collect-pages', collect)
    return {'parallel_read_safe': False}
