# SPDX-License-Identifier: BSD-3-Clause
"""Read JSON objects."""

import json
from pathlib import Path

from ..model.errors import LabelsError


def read_json(path, error=LabelsError):
    """Return the object (dict) in a JSON file, UTF-8 with or without a byte-order mark; ``error`` if there is none."""
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except (OSError, ValueError) as e:
        raise error(f'{path} cannot be read as JSON: {" ".join(str(e).split())}. Correct the file') from e
    return parse_json(text, path, error)


def parse_json(text, source, error=LabelsError):
    """Return the object (dict) that a JSON text holds; ``error`` names the ``source`` if there is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise error(f'{source} cannot be read as JSON: {" ".join(str(e).split())}. Correct the file') from e
    if not isinstance(content, dict):
        raise error(f'{source} must hold a JSON object, not {json.dumps(content)[:40]}')
    return content
