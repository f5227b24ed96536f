# SPDX-License-Identifier: BSD-3-Clause
"""Which files become of a run: their names, before there is any of them."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from ..core.connectivity import CONNECTIVITIES
from ..core.errors import LabelsError
from .names import build_path, parse_name

#: What is drawn, if it is: the parameters alone do not tell.
DRAWN = ('report', 'contours', 'carpets', 'connectivity_figures')

#: Labels of ``desc`` that tell our files of one run apart; none begins like another.
OWN_DESCS = {
    'raw_signals': 'raw',
    'projected': 'projected',
    'mean_volume': 'mean',
    'kept_volumes': 'censoring',
    'high_variance_confounds': 'highvariance',
    'contours': 'contours',
    'carpets': 'carpet',
    'connectivity_figures': 'connectivity',
}

#: Suffixes and extensions of what there is for each atlas, and of what there is once.
_PER_ATLAS = {
    'raw_signals': ('timeseries', '.tsv'),
    'clean_signals': ('timeseries', '.tsv'),
    'regions': ('bold', '.tsv'),
    'labels': ('dseg', '.nii.gz'),
    'lookup': ('dseg', '.tsv'),
    'projected': ('bold', '.nii.gz'),
    'connectivity': ('relmat', '.tsv'),
    'contours': ('bold', '.svg'),
    'carpets': ('bold', '.svg'),
    'connectivity_figures': ('bold', '.svg'),
}
_PER_RUN = {
    'mean_volume': ('boldref', '.nii.gz'),
    'kept_volumes': ('timeseries', '.tsv'),
    'high_variance_confounds': ('timeseries', '.tsv'),
    'report': ('report', '.html'),
}

#: What is made of the series itself, so that its sidecar names the series first among its sources.
_DIRECT = ('raw_signals', 'regions', 'labels', 'lookup', 'mean_volume', 'kept_volumes', 'high_variance_confounds')

#: What the field ``stat`` calls Fisher z of correlations.
_FISHER_Z = {'correlation': 'fisherz', 'partial correlation': 'partialfisherz'}


@dataclass(frozen=True)
class PlannedFile:
    """A file that will be.

    Attributes
    ----------
    role : str
        The output of the extraction that it holds; ``'lookup'`` is the table of names beside the labels.
    atlas : int or None
        Place of its atlas; None if there is one such file for all.
    path : str
        Within the data set, with slashes.
    """

    role: str
    atlas: int | None
    path: str

    @property
    def sidecar(self):
        """Path of its sidecar; None for what is drawn."""
        if self.role in DRAWN:
            return None
        path = PurePosixPath(self.path)
        return str(path.with_name(path.name.split('.', 1)[0] + '.json'))

    @property
    def is_direct(self):
        """Whether its sidecar names the series first among its sources."""
        return self.role in _DIRECT


def plan_files(source, atlas_labels, parameters, desc=None, atlas_scales=None, drawn=()):
    """Plan the files of one run.

    Parameters
    ----------
    source : str
        Path of the series within its data set.
    atlas_labels : sequence of str
    parameters : dict
        Of the extraction; what lacks has its default.
    desc : str, optional
        Label that tells the files from those of other parameters.
    atlas_scales : sequence of (str or None), optional
        Label of ``scale`` for each atlas.
    drawn : sequence of str
        Which of ``DRAWN`` there are; without connectivity, there are no figures of it.

    Returns
    -------
    list of PlannedFile
        What is made of another file stands behind it.

    Raises
    ------
    LabelsError
        If the source is not named as BIDS has it, a label can't be part of a name, or two atlases have the same.

    Examples
    --------
    >>> files = plan_files('sub-01/func/sub-01_task-rest_desc-preproc_bold.nii.gz', ['AAL'], {'strategy': 'sum'})
    >>> files[1].path, files[1].sidecar.rsplit('_', 1)[1]
    ('sub-01/func/sub-01_task-rest_atlas-AAL_stat-sum_timeseries.tsv', 'timeseries.json')
    """
    entities = _entities(source)
    _check_desc(desc)
    scales = [scale or None for scale in atlas_scales or [None] * len(atlas_labels)]
    if len(scales) != len(atlas_labels):
        raise LabelsError(f'{len(scales)} scales are given for {len(atlas_labels)} atlases')
    atlases = list(zip(atlas_labels, scales, strict=True))
    for place, atlas in enumerate(atlases):
        if atlas in atlases[:place]:
            first = atlases.index(atlas) + 1
            raise LabelsError(
                f'atlases {first} and {place + 1} would write the same files: both are labelled {atlas[0]!r}'
            )
    chosen = [role for role in (*_PER_ATLAS, *_PER_RUN) if _is_made(role, parameters, drawn)]
    planned = []
    for place, (label, scale) in enumerate(atlases):
        own = entities | {'atlas': label, 'scale': scale}
        planned += [_plan(role, place, own, parameters, desc) for role in chosen if role in _PER_ATLAS]
    return planned + [_plan(role, None, entities, parameters, desc) for role in chosen if role in _PER_RUN]


def plan_others(planned, source, atlas_labels, parameters, desc=None, atlas_scales=None):
    """Files that other choices of what to compute from the same signals would have given, beside those planned.

    Parameters
    ----------
    planned : list of PlannedFile
    source : str
    atlas_labels : sequence of str
    parameters : dict
    desc : str, optional
    atlas_scales : sequence of (str or None), optional
        As :func:`plan_files` takes them, as is all before.

    Returns
    -------
    list of PlannedFile

    Raises
    ------
    LabelsError
        If :func:`plan_files` would.
    """
    choices = [{'connectivity': kind, 'fisher_z': fisher_z} for kind in CONNECTIVITIES for fisher_z in (False, True)]
    others = {}
    for choice in choices:
        everything = {**parameters, 'project': 'labels', 'high_variance_confounds': True, **choice}
        found = plan_files(source, atlas_labels, everything, desc, atlas_scales, DRAWN)
        others.update({file.path: file for file in found})
    return [file for path, file in others.items() if path not in {file.path for file in planned}]


def list_paths(planned):
    """Paths of planned files and of their sidecars, each once."""
    return list(dict.fromkeys(path for file in planned for path in (file.path, file.sidecar) if path))


def check_plans(plans):
    """Refuse sources that would write the same file.

    Parameters
    ----------
    plans : sequence of (str, list of PlannedFile)
        Source and plan of each run.

    Raises
    ------
    LabelsError
        It names both.
    """
    owners = {}
    for source, planned in plans:
        for path in list_paths(planned):
            if owners.setdefault(path, source) != source:
                raise LabelsError(
                    f'{owners[path]} and {source} would both write {path}, since their names differ in nothing that '
                    'is kept: write each to a folder of its own'
                )


def measure_label(parameters):
    """Label of ``stat`` for a matrix of connectivity."""
    kind = parameters.get('connectivity', 'none')
    return _plain(_FISHER_Z.get(kind, kind) if parameters.get('fisher_z') else kind)


def _entities(source):
    """Entities that files take over from their source: all but the one that says how it was made."""
    folders = str(source).split('/')[:-1]
    if '\\' in str(source) or any(folder in ('', '.', '..') for folder in folders):
        raise LabelsError(f'{str(source)!r} must be the path of the series within its data set, as in sub-01/func/…')
    entities, _, _ = parse_name(source)
    return {key: value for key, value in entities.items() if key != 'desc'}


def _check_desc(desc):
    """Refuse labels by which files of two sets of parameters could have one name."""
    if desc is None:
        return
    if not (isinstance(desc, str) and desc.isascii() and desc.isalnum()):
        raise LabelsError(f'desc must be of letters and digits, not {desc!r}')
    if desc in OWN_DESCS.values():
        raise LabelsError(f'desc-{desc} is what files of another kind are called: choose another desc')


def _is_made(role, parameters, drawn):
    """Whether a run gives what has this role."""
    connects = (parameters.get('connectivity') or 'none') != 'none'
    announced = {
        'connectivity': connects,
        'connectivity_figures': connects,
        'projected': (parameters.get('project') or 'none') != 'none',
        'high_variance_confounds': bool(parameters.get('high_variance_confounds')),
    }
    return announced.get(role, True) and (role in drawn or role not in DRAWN)


def _plan(role, atlas, entities, parameters, desc):
    """The file of a role."""
    suffix, extension = (_PER_RUN if atlas is None else _PER_ATLAS)[role]
    if role in ('raw_signals', 'clean_signals', 'projected'):
        entities = entities | {'stat': _plain(parameters.get('strategy', 'mean'))}
    elif role == 'regions':
        entities = entities | {'stat': 'coverage'}
    elif role == 'connectivity':
        entities = entities | {'stat': measure_label(parameters)}
    # One label behind the other: whatever desc is, no two files have one name.
    labels = [label for label in (OWN_DESCS.get(role), desc) if label]
    folder = 'figures' if extension == '.svg' else 'func'
    return PlannedFile(
        role, atlas, build_path(entities | {'desc': '+'.join(labels) or None}, suffix, extension, folder)
    )


def _plain(name):
    """The name of a choice, as a label."""
    return ''.join(character for character in name if character.isalnum())
