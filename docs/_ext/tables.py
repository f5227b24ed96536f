# SPDX-License-Identifier: BSD-3-Clause
"""Tables of inputs and options that turn into cards where a page is narrow; docs.css has the other half."""

from docutils import nodes


def make_table(headings, rows, label):
    """Table of a kind of things.

    Parameters
    ----------
    headings : sequence of str
        The first one is that of the names.
    rows : sequence of (str, sequence of list of Node)
        Id of a row, and what its cells hold.
    label : str
        What the table is called for those who can't see it.

    Returns
    -------
    Node
    """
    table = nodes.table(classes=['cards'])
    group = nodes.tgroup(cols=len(headings))
    group += [nodes.colspec(colwidth=1) for _ in headings]
    group += nodes.thead('', _make_row([[nodes.Text(heading)] for heading in headings]))
    body = nodes.tbody()
    for anchor, cells in rows:
        row = _make_row(cells)
        row['ids'].append(anchor)
        body += row
    group += body
    table += group
    table['aria-label'] = label
    return table


def code(text):
    """Text as it is typed, which may break where its words do."""
    return nodes.literal(text, text)


def listed(entries, between=', '):
    """Codes side by side."""
    parts = []
    for entry in entries:
        parts += [nodes.Text(between), code(entry)] if parts else [code(entry)]
    return parts


def _make_row(cells):
    row = nodes.row()
    for content in cells:
        # An empty cell is left out of a card, and what is mandatory is no default there.
        entry = nodes.entry(classes=[] if content else ['empty'])
        if any(isinstance(part, nodes.strong) for part in content):
            entry['classes'].append('mandatory')
        entry += nodes.paragraph('', '', *content)
        row += entry
    return row
