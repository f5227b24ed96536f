# SPDX-License-Identifier: BSD-3-Clause
"""Read JSON objects."""

import json

from ..model.errors import LabelsError
from .content import read_text_content

#: How deeply values may be nested: copies of deeper ones exceed Python's stack.
DEEPEST = 50


def read_json(path, error=LabelsError):
    """Return the object (dict) in a JSON file, UTF-8 with or without a byte-order mark; ``error`` if it has none."""
    try:
        text = read_text_content(path, error).decode('utf-8-sig')
    except UnicodeDecodeError as e:
        raise error(f'{path} cannot be read as JSON: {" ".join(str(e).split())}. Correct the file') from e
    return parse_json(text, path, error)


def parse_json(text, source, error=LabelsError):
    """Return the object (dict) in a JSON text; ``error`` with the ``source`` if it has none."""
    try:
        content = json.loads(text)
        # Halves of surrogate pairs, which escapes can spell, cannot be written.
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as e:
        raise error(f'{source} cannot be read as JSON: {" ".join(str(e).split())}. Correct the file') from e
    if not isinstance(content, dict):
        raise error(f'{source} must hold a JSON object, not {json.dumps(content)[:40]}')
    if _is_deep(content):
        raise error(f'{source} has values that are nested more than {DEEPEST} times')
    return content


def _is_deep(content):
    """Whether values are nested more than ``DEEPEST`` times."""
    level = [content]
    for _ in range(DEEPEST):
        level = [
            value
            for each in level
            if isinstance(each, dict | list)
            for value in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)
