# SPDX-License-Identifier: BSD-3-Clause
"""Names of the files that nodes write for each atlas: a label of the atlas, then what the file contains."""

import re
from pathlib import Path

from ..bids.names import make_labels
from ..files.spaces import name_content
from ..files.weights import SUFFIX
from ..model.outputs import OUTPUTS, SURFACE_EXTENSIONS

#: Second part of the name of a file, by key of its output.
ENDINGS = {output.key: output.file_name for output in OUTPUTS if output.per_atlas and output.file_name}
ENDINGS['resampled'] = 'resampled.nii.gz'

#: Extensions of images, as a regular expression; weights of maps and spheres replace label images.
_EXTENSION = '|'.join(map(re.escape, ('.nii.gz', SUFFIX, *SURFACE_EXTENSIONS)))

#: Second parts of names that nodes make, as a regular expression.
MADE_ENDINGS = '|'.join(
    re.escape(ending).replace(re.escape('.nii.gz'), f'(?:{_EXTENSION})') for ending in ENDINGS.values()
)

#: A name that a node made. In a folder of the user it begins with the class of the node and a digest of its inputs.
_MADE = re.compile(rf'(?:[A-Z]\w+-[0-9a-f]{{8}}-)?([0-9A-Za-z]+)_(?:{MADE_ENDINGS})')


def label_files(paths):
    """Return a distinct label of letters and digits for each file: that of its atlas, or one made from its name.

    >>> label_files(['AAL.nii.gz', 'aal_timeseries.tsv', 'ReduceLabels-c9e85ba7-DiFuMo64_timeseries_raw.tsv'])
    ['AAL', 'aal2', 'DiFuMo64']
    """
    made = [(_MADE.fullmatch(Path(path).name), path) for path in paths]
    return make_labels([found[1] if found else name_content(path) for found, path in made])


def find_ending(name):
    """Return the value of ``ENDINGS`` that matches the second part of a name.

    >>> find_ending('labels.dlabel.nii'), find_ending('regions.tsv')
    ('labels.nii.gz', 'regions.tsv')
    """
    return re.sub(f'(?:{_EXTENSION})$', '.nii.gz', name)
