# SPDX-License-Identifier: BSD-3-Clause
"""JSON sidecars of a series by the inheritance principle of BIDS: next to the series, and in parent folders."""

from collections import defaultdict

from ..files.json_files import read_json
from ..model.errors import LabelsError

#: Entities by which sidecars are indexed, so that the time per series does not grow with the dataset.
_NAMED = ('task', 'run')

#: Keys that a series in a standard space does not inherit from sidecars without space.
_OF_SPACE = ('SpatialReference', 'Resolution', 'Density')


#: Keys about one file of several, in which hemispheres of a series differ.
_OF_FILE = ('Sources', 'RawSources')


class Sidecars:
    """Sidecars (Files) of a dataset; each applies to every series that has all entities of its name."""

    def __init__(self, files):
        self._found = defaultdict(list)
        for file in files:
            self._found[file.folder, *(file.entities.get(key) for key in _NAMED)].append(file)

    def find(self, series):
        """Return the sidecars of a series from the top of the dataset down; in a folder, fewest entities first."""
        folders = series.folder.split('/')
        chosen = []
        for folder in dict.fromkeys(['', *('/'.join(folders[: i + 1]) for i in range(len(folders)))]):
            places = {
                (task, run)
                for task in (None, series.entities.get('task'))
                for run in (None, series.entities.get('run'))
            }
            here = [file for place in places for file in self._found.get((folder, *place), ())]
            here = [file for file in here if file.entities.items() <= series.entities.items()]
            chosen += sorted(here, key=lambda file: (len(file.entities), file.path))
        return chosen


def merge_sidecars(paths):
    """Return the merged content of sidecars in the order of :meth:`Sidecars.find`; later files override earlier ones.

    LabelsError if two files of one folder and of equally many entities contradict each other.
    """
    merged, owners = {}, {}
    for path in paths:
        rank = path.parent, path.name.count('_')
        content = read_json(path)
        if 'space-' in paths[-1].name and 'space-' not in path.name:
            content = {key: value for key, value in content.items() if key not in _OF_SPACE}
        for key, value in content.items():
            other_rank, other = owners.get(key, (None, None))
            if other_rank == rank and merged[key] != value and key not in _OF_FILE:
                raise LabelsError(f'{key} is {merged[key]} in {other} and {value} in {path}. Correct one of them')
            merged[key], owners[key] = value, (rank, path)
    return merged
