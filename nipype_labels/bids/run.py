# SPDX-License-Identifier: BSD-3-Clause
"""A run of a dataset: a series with its mask, confounds table, sidecars, and files of its surfaces."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from ..files.hemispheres import list_pair
from ..model.errors import LabelsError
from .names import build_name, sort_entities
from .spaces import SPACE_ENTITIES, name_space
from .surfaces import CORTEX_MASK, MIDTHICKNESS, SURFACES

#: Entities of images acquired together; a mask or confounds table without them belongs to each of these images.
TOGETHER = ('echo', 'part', 'flip', 'inv', 'mt')

#: Entities that the name of a confounds table may omit.
NOT_OF_TABLES = (*TOGETHER, *SPACE_ENTITIES)

#: Noun of each file of a run, and how to proceed if it is missing or ambiguous; masks of surfaces are those of cortex.
_ROLES = {
    'bold': ('series', 'Keep one of them'),
    'mask': ('brain mask', 'Pass --no-mask to use all voxels'),
    'cortex': ('mask of the cortex', 'Pass --no-mask to use all vertices'),
    # A single run that was processed otherwise would be refused by group.
    'confounds': (
        'confounds table',
        'Put one table next to the series, or process all runs without --preset, --confounds-strategy and '
        '--confounds-columns',
    ),
    'areas': ('midthickness surface', 'Pass a file as --areas'),
}

#: Ends of the names of files that are searched for by mesh.
_ON_MESH = {'cortex': CORTEX_MASK, 'areas': MIDTHICKNESS}


@dataclass(frozen=True)
class Run:
    """A run in one space.

    Attributes
    ----------
    root, bold : Path
        Dataset and preprocessed series.
    mask, confounds : Path or None
        Brain mask in the space of the series, of a pair of hemispheres the mask of the cortex on its mesh; and
        confounds table. None if missing or ambiguous.
    sidecar : Path or None
        JSON sidecar of the series; if several apply, the one with most entities.
    sidecars : tuple of Path
        All sidecars that apply; a later one overrides earlier ones.
    entities : dict of str to str
    candidates : dict of str to tuple of Path
        Ambiguous files, by ``'bold'``, ``'mask'``, ``'confounds'`` and ``'areas'``.
    areas : Path or None
        Surface or areas of vertices of a hemisphere, if vertices are weighted by area.
    surfaces : tuple of str
        Surfaces on which the report shows the series.
    """

    root: Path
    bold: Path
    mask: Path | None = None
    confounds: Path | None = None
    sidecar: Path | None = None
    sidecars: tuple = ()
    entities: dict = field(default_factory=dict)
    candidates: dict = field(default_factory=dict)
    areas: Path | None = None
    surfaces: tuple = ()

    @property
    def source(self):
        """Path of the series within its dataset."""
        return self.bold.relative_to(self.root).as_posix()

    @property
    def is_of_surfaces(self):
        """Whether the series has surfaces."""
        return self.bold.name.endswith(SURFACES)

    @property
    def space(self):
        """Space of the series with its cohort; ``func`` is the native BOLD space."""
        return name_space(self.entities, ('cohort',))

    @property
    def name(self):
        """All entities of the series except ``desc``."""
        return '_'.join(f'{key}-{self.entities[key]}' for key in sort_entities(self.entities) if key != 'desc')

    @property
    def n_series(self):
        """Number of files of the series: 2 if it exists as ``.nii`` and as ``.nii.gz``."""
        return max(1, len(self.candidates.get('bold', ())))

    @property
    def has_readable_confounds(self):
        """Whether the confounds table exists, and is not a link to a file that was not downloaded."""
        return self.confounds is not None and os.access(self.confounds, os.R_OK)

    def list_files(self, role):
        """Return the files in ``bold``, ``mask`` or ``areas``, a list of Path: two of a pair of hemispheres."""
        path = getattr(self, role)
        if path is None:
            return []
        return list(map(Path, list_pair(path))) if self.is_of_surfaces else [path]

    def require(self, mask=False, confounds=False, areas=False):
        """Raise LabelsError unless the series, and what else is required, exist once, with both hemispheres."""
        for role, needed in (('bold', True), ('mask', mask), ('confounds', confounds), ('areas', areas)):
            if needed:
                self._require(role)

    def _require(self, role):
        """Raise LabelsError unless a file exists once and can be read."""
        path, several = getattr(self, role), self.candidates.get(role, ())
        kind = 'cortex' if role == 'mask' and self.is_of_surfaces else role
        noun, remedy = _ROLES[kind]
        if several:
            names = ' and '.join(str(other) for other in several)
            raise LabelsError(f'{self.bold.name} has more than one {noun}: {names}. {remedy}')
        if path is None:
            raise LabelsError(f'{self.bold} has no {noun}: {self._explain_missing(kind)}. {remedy}')
        if kind in _ON_MESH and len(self.list_files(role)) == 1:
            raise LabelsError(f'{path}: the file of the other hemisphere is missing. {remedy}')
        _check_readable(path)

    def _explain_missing(self, kind):
        """Return which file does not exist."""
        if kind in _ON_MESH:
            return f'no file of its participant and mesh ends in {_ON_MESH[kind]}'
        without, own = (TOGETHER, {'desc': 'brain'}) if kind == 'mask' else (NOT_OF_TABLES, {'desc': 'confounds'})
        shared = {key: label for key, label in self.entities.items() if key not in without}
        ending = ('mask', '.nii.gz') if kind == 'mask' else ('timeseries', '.tsv')
        return f'{build_name(shared | own, *ending)} does not exist'


def _check_readable(path):
    """Raise LabelsError if a file cannot be read."""
    try:
        path.open('rb').close()
    except OSError as e:
        link = '. The file that the link names was not downloaded' if path.is_symlink() else ''
        raise LabelsError(f'{path} cannot be read: {e.strerror}{link}') from e
