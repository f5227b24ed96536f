# SPDX-License-Identifier: BSD-3-Clause
"""Messages in the vocabulary of the command: options in place of parameters, files of the user in place of results."""

import re
import sys
from functools import cache

from ..model.parameters import PARAMETERS

#: Options whose names do not follow from those of parameters, of fields of the graph, and of inputs of nodes.
OPTIONS = {
    'allow_overlap': '--no-allow-overlap',
    'areas_file': '--areas',
    'atlas_files': '--atlas',
    'atlas_luts': '--lut',
    'bold_file': 'BOLD',
    'bold_mask': '--mask',
    'bold_sidecar': '--sidecar',
    'confounds_file': '--confounds',
    'confounds_files': '--confounds',
    'dummy_scans': '--dummy-scans',
    'lut_files': '--lut',
    'mask_files': '--mask',
    'num_threads': '--nprocs',
    'preset': '--preset',
    'sample_mask': '--sample-mask',
    'sidecar_file': '--sidecar',
    'surface_files': '--surface',
    'standardize_confounds': '--no-standardize-confounds',
    't_r': '--tr',
    'use_confounds': '--confounds',
    'use_luts': '--lut',
    'use_mask': '--mask',
    'use_sample_mask': '--sample-mask',
}

#: Outputs of nodes that are made from an atlas alone.
OF_ATLASES = ('labels', 'regions', 'resampled')

#: Parameters without an option.
NO_OPTIONS = ('atlas_names', 'memory_level', 'verbose')


def warn(message):
    """Print a warning."""
    print(f'WARNING: {message}', file=sys.stderr)


def in_options(message):
    """Return a message with options in place of parameters.

    >>> in_options("set confounds_na='zero'; low_pass=0.3 is above it; /data/low_pass/a.tsv")
    'set --confounds-na zero; --low-pass 0.3 is above it; /data/low_pass/a.tsv'
    """
    return _pattern().sub(_replace, message)


def in_files(message, work_dir, bold, mask, atlases):
    """Return a message with the files of the user in place of those that nodes made; ``atlases`` by name of graph."""
    # Most messages need no Nipype.
    from ..interfaces.output_names import ENDINGS, MADE_ENDINGS, find_ending, label_files

    def replace(match):
        own = atlases.get(match['graph'], ())
        atlas = dict(zip(label_files(own), own, strict=True)).get(match['label'])
        ending = match['ending'] and find_ending(match['ending'])
        if 'mask' in match['node'] and ending == ENDINGS['resampled']:
            return str(mask)
        if atlas is None:
            return str(bold)
        return str(atlas) if ending in [ENDINGS[key] for key in OF_ATLASES] else f'{bold} (atlas {atlas})'

    folders = r'/(?:[^/]+/)*?(?P<graph>[^/]+)/(?P<node>[^/]+)'
    named = rf'(?:(?P<label>[0-9A-Za-z]+)_(?P<ending>{MADE_ENDINGS})|[a-z_]+\.(?:tsv|nii\.gz|json))'
    return re.sub(rf'{re.escape(str(work_dir))}{folders}/{named}\b', replace, message)


def advise_sidecar(message, sidecars=('the sidecar',)):
    """Return a message of ``derivatives``, which has no --tr, with the advice to correct one of the sidecars."""
    advice = f'Correct RepetitionTime (in seconds) in {" or ".join(map(str, sidecars))}'
    return message.replace('Pass the right one as t_r', advice)


@cache
def _pattern():
    """Return the pattern of parameters, optionally with a node and a value; never parts of paths or other words."""
    names = [name for name in PARAMETERS if name not in NO_OPTIONS]
    names = sorted({*names, *OPTIONS}, key=len, reverse=True)
    # Parameters of one word can be words of a sentence: they are replaced only before a value or "given, but".
    joined, single = ('|'.join(name for name in names if ('_' in name) is kind) for kind in (True, False))
    value = r"=(?P<{}>\['[^]]*'\]|'[^']*'|[\w.+-]*\w)"
    alone = rf'(?P<single>{single})(?:{value.format("word")}|(?= given, but))'
    found = rf'(?P<joined>{joined})(?:{value.format("value")})?|{alone}'
    return re.compile(rf"(?<![\w/.'\"-])(?:(?:[A-Z]\w+|inputnode)\.)?(?:{found})(?![\w/]|\.\w)")


def _replace(match):
    """Return the option, with its value if it has one; switches have none."""
    name, value = match['joined'] or match['single'], match['value'] or match['word']
    option = OPTIONS.get(name, f'--{name.replace("_", "-")}')
    if value in (None, 'True', 'False'):
        return option
    text = value.strip("[]'").replace("', '", ' ')  # names may be in a list
    return f'{option} {"none" if value == "None" else text}'
