# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels atlases``: the atlases that can be given by name."""

import sys

from ..bids.atlases import open_sources, prefer_labels, space_of, spell
from ..model.errors import LabelsError
from .atlases import read_datasets


def list_available(space=None, datasets=()):
    """Print the atlases of a space, or of all spaces, as a table; return the exit status."""
    found = {}
    for source in _open(read_datasets(datasets)):
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
            labels = rows.setdefault((place, spell(file, files), dataset), [])
            labels.append(file.entities.get('res', 'n/a'))
    print('space\tatlas\tdataset\tresolutions')
    for row, labels in sorted(rows.items()):
        print(*row, ','.join(sorted(labels)), sep='\t')
    return 0


def _open(datasets):
    """Yield the Source of each dataset and of TemplateFlow; print a note if there are datasets only."""
    try:
        yield from open_sources(datasets)
    except LabelsError as e:
        if not datasets:
            raise
        print(f'note: only atlases of --datasets are listed. {e}', file=sys.stderr)
