# SPDX-License-Identifier: BSD-3-Clause
"""Layout of a small acyclic graph: boxes in layers from top to bottom, and edges that pass between them."""

from dataclasses import dataclass, field
from itertools import pairwise

#: Iterations of sorting within layers, and of straightening edges.
ROUNDS = 12

#: Space between boxes of a layer, and between layers, in pixels.
GAP, BELOW = 24, 44


@dataclass(eq=False)
class Box:
    """Box of a node, or, without a name, a point of a long edge; ``x`` and ``y`` are the middle of its upper edge."""

    name: str | None
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    above: list = field(default_factory=list)
    below: list = field(default_factory=list)


def place(sizes, edges):
    """Return boxes by name, the boxes and points that each edge passes, and the width and height of the picture.

    ``sizes`` has the width and height of each box by name; ``edges`` are pairs of names.
    """
    boxes = {name: Box(name, *size) for name, size in sizes.items()}
    depth = _find_layers(list(sizes), edges)
    layers = [[] for _ in range(max(depth.values()) + 1)]
    for name, layer in depth.items():
        layers[layer].append(boxes[name])
    ways = {}
    for start, end in edges:
        passed = [Box(None, 2.0, 0.0) for _ in range(depth[start] + 1, depth[end])]
        for box, layer in zip(passed, layers[depth[start] + 1 :], strict=False):
            layer.append(box)
        ways[start, end] = way = [boxes[start], *passed, boxes[end]]
        for one, other in pairwise(way):
            one.below.append(other)
            other.above.append(one)
    _order(layers)
    _spread(layers)
    height = 0.0
    for layer in layers:
        tallest = max(box.height for box in layer)
        for box in layer:
            box.y = height + (tallest - box.height) / 2
            if box.name is None:
                box.y, box.height = height, tallest
        height += tallest + BELOW
    left = min(box.x - box.width / 2 for layer in layers for box in layer)
    for layer in layers:
        for box in layer:
            box.x -= left
    return boxes, ways, max(box.x + box.width / 2 for layer in layers for box in layer), height - BELOW


def _find_layers(names, edges):
    """Return the layer of each box: below all its sources, and just above the first of its targets."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for start, end in edges:
            depth[end] = max(depth[end], depth[start] + 1)
    for _ in names:
        for name in names:
            fed = [depth[end] for start, end in edges if start == name]
            depth[name] = min(fed) - 1 if fed else depth[name]
    return depth


def _order(layers):
    """Sort each layer by the mean position of its neighbours, and keep the order with the fewest crossings."""
    best = [list(layer) for layer in layers]
    for turn in range(ROUNDS):
        down = turn % 2 == 0
        for layer in layers if down else reversed(layers):
            where = {id(box): float(i) for other in layers for i, box in enumerate(other)}
            middle = {}
            for box in layer:
                neighbours = box.above if down else box.below
                middle[id(box)] = _mean([where[id(other)] for other in neighbours], where[id(box)])
            layer.sort(key=lambda box, middle=middle: middle[id(box)])
        if _count_crossings(layers) < _count_crossings(best):
            best = [list(layer) for layer in layers]
    for layer, ordered in zip(layers, best, strict=True):
        layer[:] = ordered


def _count_crossings(layers):
    crossings = 0
    for layer, following in pairwise(layers):
        where = {id(box): i for i, box in enumerate(following)}
        ends = [(i, where[id(other)]) for i, box in enumerate(layer) for other in box.below]
        crossings += sum(a < c and b > d for a, b in ends for c, d in ends)
    return crossings


def _spread(layers):
    """Move boxes to the mean of their neighbours, without overlap."""
    for layer in layers:
        _separate(layer)
    for turn in range(ROUNDS * 4):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            for box in layer:
                box.x = _mean([other.x for other in (*box.above, *box.below)], box.x)
            _separate(layer)


def _separate(layer):
    """Move overlapping boxes apart, as far to the left as to the right."""
    left, right = [], []
    for box in layer:
        lowest = left[-1][1] + GAP + box.width / 2 if left else box.x
        x = max(box.x, lowest)
        left.append((x, x + box.width / 2))
    for box in reversed(layer):
        highest = right[-1][1] - GAP - box.width / 2 if right else box.x
        x = min(box.x, highest)
        right.append((x, x - box.width / 2))
    for box, (one, _), (other, _) in zip(layer, left, reversed(right), strict=True):
        box.x = (one + other) / 2


def _mean(values, default):
    return sum(values) / len(values) if values else default
