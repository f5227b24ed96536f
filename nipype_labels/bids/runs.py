# SPDX-License-Identifier: BSD-3-Clause
"""Finding the runs of a data set of derivatives, and all that belongs to each."""

from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import LabelsError
from .names import parse_name
from .sidecar import find_sidecar

#: Entities that tell one run of one subject from the next.
RUN_ENTITIES = ('sub', 'ses', 'task', 'acq', 'ce', 'rec', 'dir', 'run', 'echo')

#: Entities that tell one space of a run from the next.
SPACE_ENTITIES = ('space', 'cohort', 'res', 'den')

#: What ``space`` is called of a series in its own space, whose name has no such entity.
NATIVE = 'func'

#: Suffixes of confounds tables: of today, and of fMRIPrep before 20.2.
CONFOUNDS_SUFFIXES = ('timeseries', 'regressors')


@dataclass(frozen=True)
class Run:
    """A run in one space.

    Attributes
    ----------
    root : Path
        Of the data set.
    bold : Path
        Preprocessed series.
    mask, confounds, sidecar : Path or None
        Brain mask on the grid of the series, confounds table and JSON sidecar, where there are any.
    entities : dict of str to str
        Of the name of the series.
    """

    root: Path
    bold: Path
    mask: Path | None = None
    confounds: Path | None = None
    sidecar: Path | None = None
    entities: dict = field(default_factory=dict)

    @property
    def source(self):
        """Path of the series within its data set."""
        return self.bold.relative_to(self.root).as_posix()

    @property
    def space(self):
        """Space of the series; ``func`` is its own."""
        return self.entities.get('space', NATIVE)

    @property
    def name(self):
        """What tells it from the other runs."""
        kept = (*RUN_ENTITIES, *SPACE_ENTITIES)
        return '_'.join(f'{key}-{self.entities[key]}' for key in kept if key in self.entities)

    def require(self, mask=False, confounds=False):
        """Raise LabelsError unless what is needed is there."""
        if mask and self.mask is None:
            raise LabelsError(f'{self.bold} has no brain mask beside it')
        if confounds and self.confounds is None:
            raise LabelsError(f'{self.bold} has no confounds table beside it')


def find_runs(root, participants=(), sessions=(), tasks=(), spaces=()):
    """Find the preprocessed series of a data set such as fMRIPrep writes.

    Parameters
    ----------
    root : path
    participants, sessions, tasks, spaces : sequence of str, optional
        Labels of those to take, with or without the entity before them (``sub-01``); all by default. A space may name
        its resolution (``MNI152NLin2009cAsym:res-2``); ``func`` is that of the series itself.

    Returns
    -------
    list of Run
        In the order of their names.

    Raises
    ------
    LabelsError
        If there is no data set, or something asked for is not in it; it says what is.
    """
    root = Path(root).absolute()
    rows = _index(root)
    series = [row for row in rows if row['suffix'] == 'bold' and row['desc'] == 'preproc']
    if not series:
        raise LabelsError(f'{root} has no preprocessed series: no file ends in _desc-preproc_bold.nii.gz')
    wanted = (('sub', participants), ('ses', sessions), ('task', tasks), ('space', spaces))
    chosen = [_choose(series, key, labels, root) for key, labels in wanted]
    paths = set.intersection(*({row['path'] for row in rows} for rows in chosen))
    series = [row for row in series if row['path'] in paths]
    if not series:
        asked = ' and '.join(f'{key} {", ".join(labels)}' for key, labels in wanted if labels)
        raise LabelsError(f'{root} has no series of {asked} together')
    masks = {_key(row, RUN_ENTITIES + SPACE_ENTITIES): row for row in rows if row['suffix'] == 'mask'}
    tables = {_key(row, RUN_ENTITIES): row for row in rows if row['suffix'] in CONFOUNDS_SUFFIXES}
    runs = [_run(root, row, masks, tables) for row in series]
    return sorted(runs, key=lambda run: run.name)


def _index(root):
    """Names of the files that may matter, as dicts of their entities, as bids2table reads them."""
    try:
        import bids2table
        import pyarrow
        import pyarrow.compute as pc
    except ImportError as e:
        raise LabelsError(f'{e}: data sets are indexed by bids2table, pip install "nipype_labels[bids]"') from e
    if not (root / 'dataset_description.json').is_file():
        raise LabelsError(f'{root} is no BIDS data set: it has no dataset_description.json')
    table = bids2table.index_dataset(root)
    # Most of what fMRIPrep writes is something else, and need not become Python's.
    wanted = {
        'suffix': ('bold', 'mask', *CONFOUNDS_SUFFIXES),
        'desc': ('preproc', 'brain', 'confounds'),
        'ext': ('.nii.gz', '.nii', '.tsv'),
    }
    for column, values in wanted.items():
        table = table.filter(pc.is_in(table[column], value_set=pyarrow.array(values)))
    return table.select([*RUN_ENTITIES, *SPACE_ENTITIES, 'suffix', 'desc', 'path']).to_pylist()


def _choose(series, key, labels, root):
    """Series whose entity has one of the labels; all if none are given."""
    chosen = [row for row in series if not labels or any(_is(row, key, label) for label in labels)]
    lacking = [label for label in labels if not any(_is(row, key, label) for row in chosen)]
    if lacking:
        there = ', '.join(sorted({_choice(row, key) for row in series}))
        raise LabelsError(f'{root} has no series of {key}-{lacking[0].removeprefix(f"{key}-")}; there are: {there}')
    return chosen


def _is(row, key, label):
    """Whether a series has a label; behind a colon, a space may name its resolution and cohort."""
    label, *more = label.removeprefix(f'{key}-').split(':')
    return _label(row, key) == label and all(row.get(part.partition('-')[0]) == part.partition('-')[2] for part in more)


def _label(row, key):
    """Label of an entity; a series without a space is in its own."""
    return row[key] or (NATIVE if key == 'space' else 'none')


def _choice(row, key):
    """What would choose a series by an entity."""
    more = [f'{other}-{row[other]}' for other in SPACE_ENTITIES[1:] if row[other]] if key == 'space' else []
    return ':'.join([_label(row, key), *more])


def _key(row, entities):
    return tuple(row[key] for key in entities)


def _run(root, row, masks, tables):
    """A run, and what belongs to it."""
    bold = root / row['path']
    mask, table = masks.get(_key(row, RUN_ENTITIES + SPACE_ENTITIES)), tables.get(_key(row, RUN_ENTITIES))
    return Run(
        root=root,
        bold=bold,
        mask=mask and root / mask['path'],
        confounds=table and root / table['path'],
        sidecar=find_sidecar(bold),
        entities=parse_name(row['path'])[0],
    )
