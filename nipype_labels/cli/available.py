# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels atlases``: the atlases that can be given by name."""

import sys

from ..bids.atlases import open_sources, prefer_labels, space_of, spell
from ..model.errors import LabelsError
from .atlases import read_datasets


def list_available(space=None, datasets=()):
    """Print the atlases of a space, or of all spaces, as a table; return the exit status."""
    found = {}
    for source in open_sources(read_datasets(datasets)):
        if source.problem:
            print(f'note: only atlases of --datasets are listed. {source.problem}', file=sys.stderr)
        for file in source.images:
            if space_of(file) is not None:
                found.setdefault((space_of(file), source.name, file.entities['atlas']), []).append(file)
    places = sorted({place for place, _, _ in found})
    wanted = [place for place in places if space in (None, place, place.split(':')[0])]
    if not places:
        raise LabelsError('no atlas is available. The names of files in --datasets must have atlas-')
    if not wanted:
        raise LabelsError(f'no atlas is available in the space {space}. Spaces: {", ".join(places)}')
    rows = {}
    for (place, dataset, _), files in found.items():
        files = prefer_labels(files)
        for file in files if place in wanted else ():
            rows.setdefault((place, spell(file, files), dataset), []).append(file.entities.get('res', 'n/a'))
    print('space\tatlas\tdataset\tresolutions')
    for row, resolutions in sorted(rows.items()):
        print(*row, ','.join(sorted(resolutions)), sep='\t')
    return 0
