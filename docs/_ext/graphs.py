# SPDX-License-Identifier: BSD-3-Clause
"""Directive ``graph``: picture of a workflow, drawn from the workflow itself, and a table of its connections.

A box is a node. The strips above and below its name hold the fields of inputnode that it takes, and the fields of
outputnode that it returns. inputnode and outputnode have no boxes, since they are connected to almost every node.
"""

import html
from itertools import pairwise
from textwrap import wrap

from docutils import nodes
from docutils.parsers.rst import Directive
from layout import place

from nipype_labels import workflows

#: Nodes that are drawn as strips.
ENDS = ('inputnode', 'outputnode')

#: Sizes of text, in pixels, and the width of a monospaced letter as part of its height.
NAME, SMALL, LETTER = 14, 12, 0.61

#: Letters on a line of a strip, and space around text.
LINE, PAD = 26, 10

#: Height of a line of a strip, and of the part with the name.
STEP, MIDDLE = 17, 48


class graph(nodes.General, nodes.Element):  # noqa: N801 (the name of its visitor)
    """A workflow to draw."""


class GraphDirective(Directive):
    """Picture of the workflow that a Python expression builds."""

    has_content = True

    def run(self):
        """Return the expression, the picture and the connections."""
        call = '\n'.join(self.content)
        wf = eval(call, {name: getattr(workflows, name) for name in workflows.__all__})
        boxes, links, connections = read(wf)
        return [
            nodes.literal_block(call, call, language='python'),
            graph('', call=call, boxes=boxes, links=links),
            nodes.raw('', f'<details><summary>{len(connections)} connections</summary>', format='html'),
            _make_table(('From', 'To'), connections),
            nodes.raw('', '</details>', format='html'),
        ]


def read(wf):
    """Return the boxes of a workflow by node, the fields that connect two boxes, and all connections.

    A box has its ``interface``, and the fields of inputnode and outputnode that it takes and returns.
    """
    inner = [node for node in wf._graph.nodes() if node.name not in ENDS]
    boxes = {node.name: {'interface': type(node.interface).__name__, 'above': [], 'below': []} for node in inner}
    links, connections = {}, []
    for start, end, data in wf._graph.edges(data=True):
        fields = [(source if isinstance(source, str) else source[0], target) for source, target in data['connect']]
        connections += [(f'{start.name}.{source}', f'{end.name}.{target}') for source, target in fields]
        if start.name in ENDS:
            boxes[end.name]['above'] += dict.fromkeys(source for source, _ in fields)
        elif end.name in ENDS:
            boxes[start.name]['below'] += dict.fromkeys(target for _, target in fields)
        else:
            links[start.name, end.name] = fields
    return boxes, links, sorted(connections)


def draw(boxes, links, call, uri):
    """Return the SVG of what :func:`read` returned, in the colours of the page; ``uri`` is the page of the nodes."""
    strips = {name: [_break(box['above']), _break(box['below'])] for name, box in boxes.items()}
    sizes = {name: _measure(name, boxes[name]['interface'], *strips[name]) for name in boxes}
    placed, ways, width, height = place(sizes, list(links))
    label = f'Graph of {" ".join(call.split())}'
    parts = [_draw_edge(way, links[ends]) for ends, way in ways.items()]
    parts += [_draw_box(placed[name], boxes[name]['interface'], *strips[name], uri) for name in boxes]
    return (
        f'<div class="graph"><svg role="img" aria-label="{html.escape(label)}" '
        f'width="{width + 4:.0f}" height="{height + 4:.0f}" viewBox="-2 -2 {width + 4:.0f} {height + 4:.0f}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 8 4 0 8z"/></marker></defs>{"".join(parts)}</svg></div>'
    )


def _break(names):
    """Return names as the lines of a strip."""
    return wrap(', '.join(names), LINE, break_long_words=False)


def _measure(name, interface, above, below):
    letters = [NAME * len(name), *(SMALL * len(line) for line in (interface, *above, *below))]
    return LETTER * max(letters) + 2 * PAD, MIDDLE + sum(_strip_height(strip) for strip in (above, below))


def _strip_height(lines):
    return STEP * len(lines) + 8 if lines else 0


def _draw_box(box, interface, above, below, uri):
    left, top = box.x - box.width / 2, box.y
    middle = top + _strip_height(above)
    link = f'{uri}#nipype_labels.interfaces.{interface}'
    return (
        f'<g><rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6"/>'
        + _draw_strip(box, above, top, 'given')
        + _draw_strip(box, below, middle + MIDDLE, 'made')
        + f'<text class="name" x="{box.x:.1f}" y="{middle + 21:.1f}">{html.escape(box.name)}</text>'
        f'<a href="{link}"><text class="interface" x="{box.x:.1f}" y="{middle + 38:.1f}">{interface}</text></a></g>'
    )


def _draw_strip(box, lines, top, kind):
    if not lines:
        return ''
    left, width, height = box.x - box.width / 2 + 1, box.width - 2, _strip_height(lines) - 1
    rows = (
        f'<text class="field" x="{box.x:.1f}" y="{top + 1 + STEP * (i + 1):.1f}">{html.escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    band = f'<rect class="{kind}" x="{left:.1f}" y="{top + 1:.1f}" width="{width:.1f}" height="{height}" rx="5"/>'
    return band + ''.join(rows)


def _draw_edge(way, fields):
    """Return a curve from the lower edge of a box, through the points it passes, to the upper edge of another."""
    start, *passed, end = way
    points = [(_port(start, start.below, way[1]), start.y + start.height)]
    for box in passed:
        points += [(box.x, box.y), (box.x, box.y + box.height)]
    points.append((_port(end, end.above, way[-2]), end.y - 1))
    steps = [f'M{points[0][0]:.1f} {points[0][1]:.1f}']
    for (x, y), (to_x, to_y) in pairwise(points):
        bend = (to_y - y) / 2
        steps.append(f'C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}')
    title = '\n'.join(f'{source} → {target}' for source, target in fields)
    return f'<path class="edge" marker-end="url(#tip)" d="{" ".join(steps)}"><title>{html.escape(title)}</title></path>'


def _port(box, neighbours, other):
    """Return where on the edge of a box the curve to a neighbour begins, in the order of the neighbours."""
    ordered = sorted(neighbours, key=lambda each: each.x)
    share = (ordered.index(other) + 0.5) / len(ordered) - 0.5
    return box.x + share * min(box.width * 0.7, 40 * len(ordered))


def _make_table(heads, rows):
    table = nodes.table(classes=['connections'])
    group = nodes.tgroup('', *(nodes.colspec(colwidth=1) for _ in heads), cols=len(heads))
    head = nodes.row('', *(nodes.entry('', nodes.paragraph('', text)) for text in heads))
    body = nodes.tbody()
    for row in rows:
        body += nodes.row('', *(nodes.entry('', nodes.paragraph('', '', nodes.literal(text, text))) for text in row))
    group += [nodes.thead('', head), body]
    table += group
    return table


def _visit(self, node):
    uri = self.builder.get_relative_uri(self.builder.current_docname, 'nodes')
    self.body.append(draw(node['boxes'], node['links'], node['call'], uri))
    raise nodes.SkipNode


def setup(app):
    """Register the directive; pictures are for HTML."""
    app.add_node(graph, html=(_visit, None))
    app.add_directive('graph', GraphDirective)
    return {'parallel_read_safe': True}
