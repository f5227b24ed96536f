# SPDX-License-Identifier: BSD-3-Clause
"""Runs of a dataset of derivatives: each series with its brain mask, confounds table and sidecars."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ..model.errors import LabelsError
from .filters import PRESENT
from .index import CONFOUNDS_SUFFIXES, VOLUMES, index_dataset, suggest_root
from .inheritance import Sidecars
from .names import ABSENT
from .run import NOT_OF_TABLES, TOGETHER, Run
from .spaces import SPACE_ENTITIES, name_space, select_spaces, select_template
from .surfaces import (
    CORTEX_MASK,
    GIFTI,
    SURFACES,
    find_pairs,
    is_of_surfaces,
    list_hemispheres,
    list_labels,
    list_surface_series,
)

#: Label of ``desc`` of series that fMRIPrep has preprocessed.
PREPROC = 'preproc'

#: Entities whose labels are numbers.
_NUMBERED = ('run', 'echo')

#: Reasons why series are not selected, by entity or suffix.
_EXCLUDED = {
    'bold': 'not volumes (.dtseries.nii, .func.gii)',
    'volume': 'volumes',
    'hemi': 'of one hemisphere alone',
    'desc': 'of other descriptions (--bold-desc)',
    'ses': 'not selected by --session-label',
    'task': 'not selected by --task',
    'run': 'not selected by --run',
    'space': 'not selected by --space',
    'echo': 'single echoes or not selected by --echo',
    'filter': 'not selected by --bids-filter-file',
}


@dataclass(frozen=True)
class Found:
    """Runs of a dataset sorted by name, and the other series and files.

    ``bad_series`` and ``unread`` are those of the Index; ``bold_desc`` is the label of ``desc`` of the series;
    ``excluded`` has the number of series that were not selected, by reason.
    """

    runs: list
    bad_series: dict = field(default_factory=dict)
    unread: dict = field(default_factory=dict)
    bold_desc: str = PREPROC
    excluded: dict = field(default_factory=dict)

    @property
    def n_series(self):
        """Number of series of the dataset, selected or not."""
        return sum(run.n_series for run in self.runs) + len(self.bad_series) + sum(self.excluded.values())


def find_runs(
    root, participants=(), sessions=(), tasks=(), runs=(), spaces=(), echoes=(), bold_desc=None, filters=None
):
    """Return the preprocessed series of a dataset as fMRIPrep writes it, with the files of each (Found).

    Labels select with or without the entity (``sub-01``); an empty list selects all. A space may have its resolution
    (``MNI152NLin2009cAsym:res-2``); ``func`` is the native BOLD space; by default only the template space is selected.
    ``echoes`` may be ``all``; by default only combined echoes are selected. ``bold_desc`` is ``preproc`` by default, or
    the only ``desc`` of the dataset. ``filters`` are labels by entity, see :func:`.filters.read_filters`.
    """
    root = Path(root).absolute()
    index = index_dataset(root, participants)
    everything, on_surfaces, excluded = _choose_kind(root, index, spaces)

    def list_series():
        # Used only if the selected participants do not have a label.
        files = (index_dataset(root) if participants else index).files
        return list_surface_series(files)[0] if on_surfaces else [file for file in files if _is_series(file)]

    volumes = _filter_series(root, everything, filters or {}, list_series)
    # fMRIPrep's series of surfaces have no desc.
    default = _choose_desc(volumes, None if on_surfaces else PREPROC)
    bold_desc = bold_desc.removeprefix('desc-') if bold_desc else default
    series = [file for file in volumes if file.entities.get('desc') == bold_desc]
    excluded[_EXCLUDED['desc']] = len(volumes) - len(series)
    excluded[_EXCLUDED['filter']] = len(everything) - len(volumes)
    if not series:
        raise LabelsError(_explain_missing_series(root, index, volumes, bold_desc))

    def list_all():
        return [file for file in list_series() if file.entities.get('desc') == bold_desc]

    wanted = {'ses': sessions, 'task': tasks, 'run': runs, 'space': spaces}
    # Series of single echoes are the user's choice if a filter has the entity.
    wanted |= {} if 'echo' in (filters or {}) and not echoes else {'echo': echoes}
    chosen = _select_series(root, series, list_all, wanted, excluded, index.bad_series)
    if not chosen:
        given = {'sub': participants, **wanted}
        given = ' and '.join(f'{key} {", ".join(labels)}' for key, labels in given.items() if labels)
        raise LabelsError(f'{root} has no series of {given} together')
    return Found(
        sorted(_make_runs(root, index.files, chosen), key=lambda run: run.name),
        index.bad_series,
        index.unread,
        bold_desc or PREPROC,
        {reason: count for reason, count in excluded.items() if count},
    )


def _choose_kind(root, index, spaces):
    """Return the series to choose from, whether they are of surfaces, and the numbers of the other series by reason.

    Surfaces are chosen if their spaces are asked for. Incomplete series in these spaces are then bad series.
    """
    volumes = [file for file in index.files if _is_series(file)]
    surfaces, incomplete = list_surface_series(index.files)
    if not is_of_surfaces(spaces, [*surfaces, *(file for file, _ in incomplete)], volumes):
        return volumes, False, {_EXCLUDED['bold']: len(surfaces), _EXCLUDED['hemi']: len(incomplete)}
    bad = {file.path: why for file, why in incomplete if file.entities.get('space') in list_labels(spaces)}
    if not any(file.entities.get('space') in list_labels(spaces) for file in surfaces):
        listed = '. '.join(f'{path}: {why}' for path, why in [*bad.items()][:5])
        raise LabelsError(f'{root} has no series of both hemispheres in --space {" ".join(spaces)}. {listed}')
    index.bad_series.update(bad)
    return surfaces, True, {_EXCLUDED['volume']: len(volumes), _EXCLUDED['hemi']: len(incomplete) - len(bad)}


def _choose_desc(series, otherwise):
    """Return the label of ``desc`` to process by default."""
    descs = {file.entities['desc'] for file in series if 'desc' in file.entities}
    return next(iter(descs)) if len(descs) == 1 else otherwise


def _explain_missing_series(root, index, volumes, bold_desc):
    """Return the error message if no series has the label of ``desc``."""
    why = f'{root} has no preprocessed series: no file ends in _desc-{bold_desc}_bold.nii.gz'
    descs = sorted({file.entities['desc'] for file in volumes if 'desc' in file.entities})
    if descs:
        why += f'. Series of other descriptions exist: pass --bold-desc {" or ".join(descs)}'
    spaces = sorted({name_space(file.entities) for file in list_surface_series(index.files)[0]})
    if spaces:
        why += f'. Series of surfaces exist: pass --space {" or ".join(spaces)}'
    for path, reason in [*index.unread.items(), *index.bad_series.items()][:5]:
        why += f'. {path}: {reason}'
    return why + suggest_root(root)


def _is_series(file):
    """Whether a file is a series of volumes."""
    return file.suffix == 'bold' and file.extension in VOLUMES


def _select_series(root, series, list_all, wanted, excluded, bad_series):
    """Return the selected series; count the excluded ones by reason, and list single echoes among the bad ones."""
    for key, labels in wanted.items():
        before, n_bad = len(series), len(bad_series)
        if key == 'space':
            series = select_spaces(root, series, labels, list_all)
        elif key == 'echo':
            series = _select_echoes(root, series, labels, list_all, bad_series)
        elif labels:
            series = _select_labels(root, series, key, labels, list_all)
        excluded[_EXCLUDED[key]] = before - len(series) - (len(bad_series) - n_bad)
    if not wanted['space']:
        before, n_bad = len(series), len(bad_series)
        series = select_template(root, series, bad_series)
        excluded[_EXCLUDED['space']] = before - len(series) - (len(bad_series) - n_bad)
    return series


def _filter_series(root, series, filters, list_all):
    """Return series that match all filters; LabelsError if a label does not exist, or no series has all labels."""
    for key, labels in filters.items():
        series = _select_labels(root, series, key, labels, list_all)
    if filters and not series:
        wanted = ' and '.join(f'{key} {", ".join(labels)}' for key, labels in filters.items())
        raise LabelsError(f'{root} has no series of {wanted} together, as --bids-filter-file demands')
    return series


def _select_labels(root, series, key, labels, list_all):
    """Return series whose entity has one of the labels; LabelsError if the dataset does not have a label."""
    labels, everywhere = [label.removeprefix(f'{key}-') for label in labels], None
    present = {file.entities.get(key, ABSENT) for file in series}
    wanted = set()
    for label in labels:
        found = _find_labels(key, label, present)
        if not found:
            everywhere = everywhere or {file.entities.get(key, ABSENT) for file in list_all()}
            if not _find_labels(key, label, everywhere):
                raise LabelsError(f'{root} has no series of {key}-{label}. Available: {", ".join(sorted(everywhere))}')
        wanted |= found
    return [file for file in series if file.entities.get(key, ABSENT) in wanted]


def _find_labels(key, label, present):
    """Return the labels among those ``present`` that a label selects; numbers of runs and echoes may have zeros before.

    >>> _find_labels('run', '1', {'01', '02'}), _find_labels('task', '*', {'rest', 'none'})
    ({'01'}, {'rest'})
    """
    if label == PRESENT:
        return present - {ABSENT}
    if label in present or key not in _NUMBERED or not label.isdecimal():
        return {label} & present
    return {other for other in present if other.isdecimal() and int(other) == int(label)}


def _select_echoes(root, series, labels, list_all, bad_series):
    """Return series of the echoes asked for; by default, series of combined echoes."""
    single = [file for file in series if 'echo' in file.entities]
    if not labels:
        if single and len(single) == len(series):
            echoes = sorted({file.entities['echo'] for file in single})
            raise LabelsError(
                f'{root}: all {len(series)} series are single echoes, such as {single[0].path}. Pass --echo '
                f'{" ".join(echoes)} to process each echo with its own brain mask and confounds, or those of all echoes'
            )
        combined = [file for file in series if 'echo' not in file.entities]
        runs = {_identify_run(file) for file in combined}
        for file in single:
            if _identify_run(file) not in runs:
                bad_series[file.path] = 'a single echo, and no series combines the echoes. Pass --echo to process it'
        return combined
    return single if 'all' in labels and single else _select_labels(root, series, 'echo', labels, list_all)


def _identify_run(file):
    """Return the entities that identify a run: those of a series except echo and space."""
    return frozenset(pair for pair in file.entities.items() if pair[0] not in ('echo', *SPACE_ENTITIES))


def _make_runs(root, files, series):
    """Return the Run of each series."""
    masks, tables = _FilesByEntities(TOGETHER), _FilesByEntities(NOT_OF_TABLES)
    for file in files:
        if file.suffix == 'mask' and file.entities.get('desc') == 'brain':
            masks.add(file)
        elif file.suffix in CONFOUNDS_SUFFIXES and file.entities.get('desc') == 'confounds':
            tables.add(file)
    sidecars = Sidecars(file for file in files if file.suffix == 'bold' and file.extension == '.json')
    twins = defaultdict(list)
    for file in series:
        twins[frozenset(file.entities.items())].append(file)
    return [_make_run(root, same, masks, tables, sidecars) for same in twins.values()]


def _make_run(root, same, masks, tables, sidecars):
    """Return the Run of a series, which may exist in several files."""
    file = same[0]
    found = {'bold': same, 'mask': masks.find(file), 'confounds': tables.find(file)}
    paths = {role: tuple(root / other.path for other in others) for role, others in found.items()}
    if file.extension in SURFACES:
        # CIFTI files have no vertex of the medial wall.
        pairs = find_pairs(root / file.path, CORTEX_MASK) if file.extension == GIFTI else []
        paths['mask'] = tuple(Path(pair[0]) for pair in pairs)
    of_files = [root / other.path for each in list_hemispheres(file) for other in sidecars.find(each)]
    # Those of both hemispheres, which must not contradict each other.
    sidecar_paths = tuple(dict.fromkeys(of_files))
    return Run(
        root=root,
        bold=root / file.path,
        mask=paths['mask'][0] if len(paths['mask']) == 1 else None,
        confounds=paths['confounds'][0] if len(paths['confounds']) == 1 else None,
        sidecar=sidecar_paths[-1] if sidecar_paths else None,
        sidecars=sidecar_paths,
        entities=file.entities,
        candidates={role: several for role, several in paths.items() if len(several) > 1},
    )


class _FilesByEntities:
    """Files found by the entities of a series; the ``optional`` entities may be missing in the name of a file."""

    def __init__(self, optional):
        self._optional = (*optional, 'desc')
        self._by_key = defaultdict(list)

    def add(self, file):
        """Add a file."""
        self._by_key[self._key(file)].append(file)

    def find(self, series):
        """Return the files that contradict no entity of a series and share most of them."""
        matching = [
            (sum(key in file.entities for key in self._optional), file)
            for file in self._by_key.get(self._key(series), ())
            if all(series.entities.get(key) == label for key, label in file.entities.items() if key != 'desc')
        ]
        most = max((number for number, _ in matching), default=0)
        return [file for number, file in matching if number == most]

    def _key(self, file):
        return frozenset((key, label) for key, label in file.entities.items() if key not in self._optional)
