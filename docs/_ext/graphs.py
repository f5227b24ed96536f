# SPDX-License-Identifier: BSD-3-Clause
"""Directive ``graph``: picture of a workflow, drawn from the workflow itself, and a table of its connections.

A box is a node. The strips above and below its name hold the fields of inputnode that it takes, and the fields of
outputnode that it returns. inputnode and outputnode have no boxes, since they are connected to almost every node. Boxes
are in layers from top to bottom. Graphviz would have to be installed with the system.
"""

from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from textwrap import wrap

import networkx as nx
import numpy as np
from sphinx.util.docutils import SphinxDirective
from tables import code, table

from nipype_labels import workflows

#: Nodes that are drawn as strips.
ENDS = ('inputnode', 'outputnode')

#: Sizes of text, in pixels, and the width of a monospaced letter as part of its height.
NAME, SMALL, LETTER = 14, 12, 0.61

#: Letters on a line of a strip, and space around text.
LINE, PAD = 26, 10

#: Height of a line of a strip, and of the part with the name.
STEP, MIDDLE = 17, 48

#: Space between boxes of a layer, and between layers, in pixels.
GAP, BELOW = 24, 44

#: Iterations of sorting within layers and straightening edges.
ROUNDS = 50


@dataclass(eq=False)
class Box:
    """Box of a node, or, without a name, a point of a long edge; ``x`` and ``y`` are the middle of its upper edge."""

    name: str = ''
    interface: str = ''
    given: list = field(default_factory=list)
    made: list = field(default_factory=list)
    above: list = field(default_factory=list)
    below: list = field(default_factory=list)
    width: float = 2.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0

    def break_strips(self):
        """Break the fields of the strips into lines, and set the size."""
        self.given = wrap(', '.join(self.given), LINE, break_long_words=False)
        self.made = wrap(', '.join(self.made), LINE, break_long_words=False)
        letters = [NAME * len(self.name), *(SMALL * len(line) for line in (self.interface, *self.given, *self.made))]
        self.width = LETTER * max(letters) + 2 * PAD
        self.height = MIDDLE + _strip_height(self.given) + _strip_height(self.made)


class GraphDirective(SphinxDirective):
    """Picture of the workflow that a Python expression builds."""

    has_content = True

    def run(self):
        """Return the expression, the picture and the connections."""
        call = '\n'.join(self.content)
        boxes, links, connections = read(eval(call, {name: getattr(workflows, name) for name in workflows.__all__}))
        parts = [
            f'```python\n{call}\n```',
            draw(boxes, links, f'Graph of {" ".join(call.split())}'),
            f'<details><summary>{len(connections)} connections</summary>',
            table(('From', 'To'), [map(code, ends) for ends in connections]),
            '</details>',
        ]
        return self.parse_text_to_nodes('\n\n'.join(parts))


def read(wf):
    """Return the boxes of a workflow by node, the fields that connect two boxes, and all connections."""
    inner = [node for node in wf._graph.nodes() if node.name not in ENDS]
    boxes = {node.name: Box(node.name, type(node.interface).__name__) for node in inner}
    links, connections = {}, []
    for start, end, data in wf._graph.edges(data=True):
        fields = [(source if isinstance(source, str) else source[0], target) for source, target in data['connect']]
        connections += [(f'{start.name}.{source}', f'{end.name}.{target}') for source, target in fields]
        if start.name in ENDS:
            boxes[end.name].given += dict.fromkeys(source for source, _ in fields)
        elif end.name in ENDS:
            boxes[start.name].made += dict.fromkeys(target for _, target in fields)
        else:
            links[start.name, end.name] = fields
    return boxes, links, sorted(connections)


def draw(boxes, links, label):
    """Return the SVG of what :func:`read` returned, in the colours of the page."""
    ways, width, height = place(boxes, links)
    parts = [_draw_edge(way, links[ends]) for ends, way in ways.items()] + [_draw_box(box) for box in boxes.values()]
    return (
        f'<div class="graph"><svg role="img" aria-label="{escape(label)}" '
        f'width="{width + 4:.0f}" height="{height + 4:.0f}" viewBox="-2 -2 {width + 4:.0f} {height + 4:.0f}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 8 4 0 8z"/></marker></defs>{"".join(parts)}</svg></div>'
    )


def place(boxes, edges):
    """Place boxes; return the boxes and points that each edge passes, and the width and height of the picture."""
    graph = nx.DiGraph(list(edges))
    graph.add_nodes_from(boxes)
    depth = {name: i for i, names in enumerate(nx.topological_generations(graph)) for name in names}
    for name in reversed(list(nx.topological_sort(graph))):
        # Just above the first of its targets.
        depth[name] = min((depth[end] - 1 for end in graph[name]), default=depth[name])
    layers = [[box for box in boxes.values() if depth[box.name] == i] for i in range(max(depth.values()) + 1)]
    ways = {}
    for start, end in edges:
        passed = [Box() for _ in range(depth[start] + 1, depth[end])]
        for box, layer in zip(passed, layers[depth[start] + 1 :], strict=False):
            layer.append(box)
        ways[start, end] = way = [boxes[start], *passed, boxes[end]]
        for one, other in pairwise(way):
            one.below.append(other)
            other.above.append(one)
    for box in boxes.values():
        box.break_strips()
    _arrange(layers)
    height = 0.0
    for layer in layers:
        tallest = max(box.height for box in layer)
        for box in layer:
            # A point of an edge passes the whole layer.
            box.height = box.height or tallest
            box.y = height + (tallest - box.height) / 2
        height += tallest + BELOW
    every = [box for layer in layers for box in layer]
    left = min(box.x - box.width / 2 for box in every)
    for box in every:
        box.x -= left
    return ways, max(box.x + box.width / 2 for box in every), height - BELOW


def _arrange(layers):
    """Move boxes to the mean of their neighbours, without overlap."""
    for turn in range(ROUNDS):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            for box in layer:
                neighbours = [*box.above, *box.below] or [box]
                box.x = sum(other.x for other in neighbours) / len(neighbours)
            layer.sort(key=lambda box: box.x)
            _separate(layer)


def _separate(layer):
    """Move overlapping boxes apart, as far to the left as to the right."""
    widths = np.array([box.width for box in layer])
    offsets = np.cumsum(widths + GAP) - widths / 2
    free = np.array([box.x for box in layer]) - offsets
    moved = offsets + (np.maximum.accumulate(free) + np.minimum.accumulate(free[::-1])[::-1]) / 2
    for box, x in zip(layer, moved.tolist(), strict=True):
        box.x = x


def _strip_height(lines):
    return STEP * len(lines) + 8 if lines else 0


def _draw_box(box):
    left, top = box.x - box.width / 2, box.y
    middle = top + _strip_height(box.given)
    link = f'nodes.html#nipype_labels.interfaces.{box.interface}'
    return (
        f'<g><rect class="box" x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6"/>'
        + _draw_strip(box, box.given, top, 'given')
        + _draw_strip(box, box.made, middle + MIDDLE, 'made')
        + f'<text class="name" x="{box.x:.1f}" y="{middle + 21:.1f}">{box.name}</text>'
        f'<a href="{link}"><text class="interface" x="{box.x:.1f}" y="{middle + 38:.1f}">{box.interface}</text></a></g>'
    )


def _draw_strip(box, lines, top, kind):
    if not lines:
        return ''
    left, width, height = box.x - box.width / 2 + 1, box.width - 2, _strip_height(lines) - 1
    rows = (
        f'<text class="field" x="{box.x:.1f}" y="{top + 1 + STEP * (i + 1):.1f}">{line}</text>'
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
    return f'<path class="edge" marker-end="url(#tip)" d="{" ".join(steps)}"><title>{title}</title></path>'


def _port(box, neighbours, other):
    """Return where on the edge of a box the curve to a neighbour begins, in the order of the neighbours."""
    ordered = sorted(neighbours, key=lambda each: each.x)
    share = (ordered.index(other) + 0.5) / len(ordered) - 0.5
    return box.x + share * min(box.width * 0.7, 40 * len(ordered))


def setup(app):
    """Register the directive."""
    app.add_directive('graph', GraphDirective)
    return {'parallel_read_safe': True}
