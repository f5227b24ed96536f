# SPDX-License-Identifier: BSD-3-Clause
"""Reading arguments: suggestions for misspelt choices, look-up tables of atlases, and paths from home."""

import argparse
import re

from ..core.choices import suggest
from ..files.paths import expand

#: Arguments that are paths; an ``--atlas NAME=IMAGE`` is expanded where it is taken apart.
PATHS = (
    *('bold', 'dataset', 'out', 'atlas', 'lut', 'mask', 'confounds', 'sample_mask', 'runs', 'sidecar', 'work_dir'),
    'plugin_args_file',
)


class Parser(argparse.ArgumentParser):
    """A parser that suggests the choice that a misspelt one resembles."""

    def error(self, message):
        """Print usage and the error, with a suggestion if there is one, and exit."""
        found = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if found:
            message += suggest(found[1], [choice.strip().strip("'") for choice in found[2].split(',')])
        super().error(message)


def expand_home(name, value):
    """Expand a leading ``~`` of an argument that is a path, which shells leave as it is in ``--out=~/x``."""
    if isinstance(value, list):
        return [expand_home(name, entry) for entry in value]
    return str(expand(value)) if name in PATHS and isinstance(value, str) and value.startswith('~') else value


class AtlasLut(argparse.Action):
    """Give a look-up table to the atlas named before it."""

    def __call__(self, parser, namespace, value, option=None):
        """Note the table."""
        atlases = getattr(namespace, 'atlas', [])
        luts = getattr(namespace, 'lut', [])
        if len(luts) >= len(atlases):
            parser.error('--lut must follow the --atlas that it belongs to, one for each')
        namespace.lut = luts + [None] * (len(atlases) - 1 - len(luts)) + [value]
