# SPDX-License-Identifier: BSD-3-Clause
"""Names of the derivatives of a run, known before any of them is written."""

from dataclasses import dataclass

from ..core.connectivity import CONNECTIVITIES
from ..core.validation import check_cifti_outputs
from ..model.errors import LabelsError
from ..model.outputs import DERIVATIVES, DRAWN, Output
from .names import build_path, parse_name
from .surfaces import CIFTI, GIFTI

#: Labels of ``desc`` that distinguish the files of one run; none begins like another.
OWN_DESCS = tuple(dict.fromkeys(output.derivative.desc for output in DERIVATIVES if output.derivative.desc))

#: Labels of ``stat`` for Fisher z of correlations.
_FISHER_Z = {'correlation': 'fisherz', 'partial correlation': 'partialfisherz'}


@dataclass(frozen=True)
class PlannedFile:
    """File that a run will write: its output, its atlas (an index; None if per run), and its path in the dataset."""

    output: Output
    atlas: int | None
    path: str

    @property
    def key(self):
        """Key of the output."""
        return self.output.key

    @property
    def sidecar(self):
        """Path of the sidecar, which files that differ in their extensions share; None for reports and figures."""
        if self.output.is_drawn:
            return None
        folder, slash, name = self.path.rpartition('/')
        return f'{folder}{slash}{name.split(".", 1)[0]}.json'

    @property
    def is_direct(self):
        """Whether the sidecar names the series first among its sources."""
        return self.output.derivative.sources[:1] == ('bold',)


def plan_files(source, atlas_labels, parameters, desc=None, atlas_scales=None, drawn=()):
    """Return the files of one run as a list of PlannedFile, each after the files it is made of.

    Parameters
    ----------
    source : str
        Path of the series within its dataset.
    atlas_labels : sequence of str
    parameters : dict
        Of the extraction; missing parameters have their default.
    desc : str, optional
        Label that distinguishes these files from those of other parameters.
    atlas_scales : sequence of (str or None), optional
        Label of ``scale`` for each atlas.
    drawn : sequence of str
        Keys of the outputs of the report that exist; without connectivity, it has no figures.

    Raises
    ------
    LabelsError
        If the source has no BIDS name, a label cannot be part of a name, two atlases have the same label, or CIFTI
        files are requested of a series that is not CIFTI.

    Examples
    --------
    >>> files = plan_files('sub-01/func/sub-01_task-rest_desc-preproc_bold.nii.gz', ['AAL'], {'strategy': 'sum'})
    >>> files[1].path, files[1].sidecar.rsplit('_', 1)[1]
    ('sub-01/func/sub-01_task-rest_atlas-AAL_stat-sum_timeseries.tsv', 'timeseries.json')
    """
    entities, kinds = _parse_source(source)
    check_cifti_outputs(parameters, source)
    _check_desc(desc)
    scales = [scale or None for scale in atlas_scales or [None] * len(atlas_labels)]
    if len(scales) != len(atlas_labels):
        raise LabelsError(f'{len(scales)} scales are given for {len(atlas_labels)} atlases')
    atlases = list(zip(atlas_labels, scales, strict=True))
    for i, atlas in enumerate(atlases):
        if atlas in atlases[:i]:
            raise LabelsError(
                f'atlases {atlases.index(atlas) + 1} and {i + 1} would write the same files: both are labelled '
                f'{atlas[0]!r}'
            )
    made = [
        output
        for output in DERIVATIVES
        if output.is_made(parameters) and (output.key in drawn or not output.is_drawn) and output.of in ('', *kinds)
    ]
    planned, choices = [], (parameters, desc, kinds)
    for i, (label, scale) in enumerate(atlases):
        own = entities | {'atlas': label, 'scale': scale}
        planned += [_plan(output, i, own, *choices) for output in made if output.per_atlas]
    return planned + [_plan(output, None, entities, *choices) for output in made if not output.per_atlas]


def plan_others(planned, source, atlas_labels, parameters, desc=None, atlas_scales=None):
    """Return the files that other outputs of the same time series would have, except those planned."""
    everything = {'project': 'labels', 'high_variance_confounds': True, 'use_confounds': True}
    everything['cifti_outputs'] = 'cifti' in _parse_source(source)[1]
    choices = [{'connectivity': kind, 'fisher_z': fisher_z} for kind in CONNECTIVITIES for fisher_z in (False, True)]
    others = {}
    for choice in choices:
        found = plan_files(source, atlas_labels, parameters | everything | choice, desc, atlas_scales, DRAWN)
        others.update({file.path: file for file in found})
    return [file for path, file in others.items() if path not in {file.path for file in planned}]


def list_paths(planned):
    """Return the paths of planned files and of their sidecars, each once."""
    return list(dict.fromkeys(path for file in planned for path in (file.path, file.sidecar) if path))


def check_plans(plans):
    """Raise LabelsError if two sources would write the same file; ``plans`` has pairs of source and planned files."""
    owners = {}
    for source, planned in plans:
        for path in list_paths(planned):
            if owners.setdefault(path, source) != source:
                raise LabelsError(
                    f'{owners[path]} and {source} would both write {path}, because the entities of derivatives are the '
                    'same for both. Write each to a separate folder'
                )


def measure_label(parameters):
    """Return the label of ``stat`` for a connectivity matrix."""
    kind = parameters.get('connectivity', 'none')
    return _plain(_FISHER_Z.get(kind, kind) if parameters.get('fisher_z') else kind)


def _parse_source(source):
    """Return the entities that derivatives of a series have too, without desc and hemi, and what the series is of."""
    folders = str(source).split('/')[:-1]
    if '\\' in str(source) or any(folder in ('', '.', '..') for folder in folders):
        raise LabelsError(f'{str(source)!r} must be the path of the series within its dataset, as in sub-01/func/…')
    entities, _, extension = parse_name(source)
    kinds = {CIFTI: ('surfaces', 'cifti'), GIFTI: ('surfaces', 'pairs')}.get(extension, ('volumes',))
    return {key: value for key, value in entities.items() if key not in ('desc', 'hemi')}, kinds


def _check_desc(desc):
    """Raise LabelsError for a label by which files of two sets of parameters could have the same name."""
    if desc is None:
        return
    if not (isinstance(desc, str) and desc.isascii() and desc.isalnum()):
        raise LabelsError(f'desc must consist of letters and digits, not {desc!r}')
    if desc in OWN_DESCS:
        raise LabelsError(f'desc-{desc} is reserved for an output of this package. Choose another desc')


def _plan(output, atlas, entities, parameters, desc, kinds):
    """Return the planned file of an output."""
    name = output.derivative
    if name.stat == 'strategy':
        entities = entities | {'stat': _plain(parameters.get('strategy', 'mean'))}
    elif name.stat == 'connectivity':
        entities = entities | {'stat': measure_label(parameters)}
    elif name.stat:
        entities = entities | {'stat': name.stat}
    # One label after the other: no two files have the same name, whatever desc is.
    entities = entities | {'desc': '+'.join(label for label in (name.desc, desc) if label) or None}
    folder = 'figures' if name.extension == '.svg' else 'func'
    extension = name.on_surfaces if 'surfaces' in kinds and name.on_surfaces else name.extension
    if 'pairs' in kinds and name.hemi:
        entities, extension = entities | {'hemi': name.hemi}, GIFTI
    return PlannedFile(output, atlas, build_path(entities, name.suffix, extension, folder))


def _plain(name):
    """Return a name without the characters that a label cannot have."""
    return ''.join(character for character in name if character.isalnum())
