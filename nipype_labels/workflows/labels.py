# SPDX-License-Identifier: BSD-3-Clause
"""The factory: one series, N atlases, clean named region signals."""

import numpy as np
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from ..core.errors import LabelsError
from ..core.filters import check_filter
from ..core.smooth import check_fwhm
from ..core.spelling import spell
from ..files.confounds import DVARS_THRESHOLD, FD_THRESHOLD, N_COMPCOR
from ..interfaces import ApplyMask, CleanSignal, HighVarianceConfounds, InverseProject, ReduceLabels, Resample
from .resources import LARGE, estimate

#: What varies from run to run.
INPUTS = (
    'bold_file',
    'bold_mask',
    'bold_sidecar',
    'atlas_files',
    'atlas_luts',
    'confounds_file',
    'sample_mask',
    'runs',
    't_r',
)

#: What a run gives; lists have an entry per atlas, in the order of the atlases.
OUTPUTS = (
    'raw_signals',
    'clean_signals',
    'regions',
    'labels',
    'mean_volume',
    'kept_volumes',
    'cleaning',
    'high_variance_confounds',
    'projected',
)

#: Where signals are projected to: nowhere, the labels' grid, or the atlas's own.
PROJECTIONS = ('none', 'labels', 'atlas')


def init_labels_wf(
    *,
    use_mask=False,
    use_luts=False,
    use_confounds=False,
    use_sample_mask=False,
    labels=None,
    background_label=0,
    resampling_target='data',
    interpolation='cubic',
    smoothing_fwhm=None,
    strategy='mean',
    dtype=None,
    nan_policy='omit',
    missing_labels='nan',
    min_coverage=0.0,
    high_variance_confounds=False,
    confounds_columns=(),
    confounds_strategy=(),
    n_compcor=N_COMPCOR,
    fd_threshold=FD_THRESHOLD,
    dvars_threshold=DVARS_THRESHOLD,
    confounds_na='raise',
    standardize_confounds=True,
    detrend=False,
    filter='butterworth',
    low_pass=None,
    high_pass=None,
    standardize=False,
    censored_output='drop',
    project='none',
    fill_value=None,
    n_atlases=1,
    series_size=LARGE,
    num_threads=1,
    name='labels_wf',
):
    """Extract, clean and, if asked for, project back region signals of one series for any number of atlases.

    .. code-block:: text

        atlas_files ─▶ resample_labels ─▶ apply_mask ─▶ reduce ─▶ clean ─▶ project
        bold_mask ───▶ resample_mask ─────────┘           ▲         ▲
        bold_file ──────────────────┬─────────────────────┘         │
                                    └─▶ high_variance ──────────────┤
        confounds_file, sample_mask ────────────────────────────────┘

    The number of nodes depends neither on the number of atlases nor on that of regions. Nothing is written outside the
    nodes' own folders.

    Parameters
    ----------
    use_mask, use_luts, use_confounds, use_sample_mask : bool
        Whether ``bold_mask``, ``atlas_luts``, ``confounds_file`` and ``sample_mask`` come in. What comes in without
        being announced, or does not although it was, is an error: an input lost upstream never changes numbers.
    labels : list of str, optional
        Names of the regions of the only atlas, in the order of their ids; instead of a look-up table.
    background_label : int
        Id of voxels that belong to no region.
    resampling_target : {'data', 'labels', None}
        Bring the labels (and the mask) to the series' grid, sample the series on the labels' grid, or demand that
        all agree.
    interpolation : {'cubic', 'linear', 'nearest'}
        How the series is sampled on the labels' grid.
    smoothing_fwhm : float or list of 3 floats, optional
        Full width at half maximum in mm of a Gaussian, for all axes or one per axis.
    strategy : {'mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation'}
        How the voxels of a region become one value.
    dtype : {None, 'auto', 'float32', 'float64'}
        What voxels are cast to as they are read; ``'auto'`` is float32 but for integers.
    nan_policy : {'omit', 'zero', 'raise'}
        Non-finite voxels are left out, count as 0, or are refused.
    missing_labels : {'nan', 'zero', 'drop', 'raise'}
        What becomes of the column of a region without a signal.
    min_coverage : float
        Part of its volume that a region needs to have a signal.
    high_variance_confounds : bool
        Regress out five time courses of the 2 % of voxels that vary most, within the mask if there is one.
    confounds_columns : list of str
        Columns to use, by name or by regular expression; with ``confounds_strategy`` empty too, all.
    confounds_strategy : list of {'6P', '24P', '36P', 'GSR', 'aCompCor', 'scrubbing'}
        Named sets of fMRIPrep's columns.
    n_compcor : int
        Components that ``'aCompCor'`` uses.
    fd_threshold, dvars_threshold : float
        Framewise displacement (mm) and standardised DVARS above which ``'scrubbing'`` leaves a volume out.
    confounds_na : {'raise', 'zero', 'mean'}
        What becomes of missing values in the first rows of the confounds.
    standardize_confounds : bool
        z-score the confounds.
    detrend : bool
        Remove linear trends.
    filter : {'butterworth', 'cosine', 'none'}
        How to keep a frequency band, if a cut-off is given.
    low_pass, high_pass : float, optional
        Frequencies in Hz above and below which signals are cut.
    standardize : {False, True, 'zscore', 'zscore_sample', 'psc'}
        z-scores by the s.d. of the population (True means this too) or of the sample, or percent signal change.
    censored_output : {'drop', 'nan'}
        Whether volumes left out are dropped from the signals or stay as rows of n/a.
    project : {'none', 'labels', 'atlas'}
        Show the clean signals in space, on the labels' grid or the atlas's own.
    fill_value : float, optional
        What n/a becomes in the projection; NaN by default.
    n_atlases : int
        How many atlases to reckon memory for.
    series_size : SeriesSize
        What to reckon memory for; by default an hour of whole-brain fMRI.
    num_threads : int
        Threads of the nodes that read the series.
    name : str

    Returns
    -------
    Workflow

    Raises
    ------
    LabelsError
        If parameters contradict each other.
    TraitError
        If one has a wrong type or value.

    Inputs
    ------
    bold_file : str
        Series, 4D or 3D.
    bold_mask : str
        Mask, on any grid.
    bold_sidecar : str
        JSON sidecar of the series, for its repetition time.
    atlas_files : list of str
        Label images.
    atlas_luts : list of str or None
        A look-up table for each atlas, None where there is none.
    confounds_file : str or list of str
        Confounds, a row per volume.
    sample_mask : str, list of bool or list of int
        Volumes to keep.
    runs : str or list of int
        Run of each volume; each is cleaned for itself.
    t_r : float
        Repetition time in s; the sidecar's or the header's by default.

    Outputs
    -------
    raw_signals, clean_signals : list of str
        Tables, a column per region, before and after cleaning.
    regions : list of str
        Tables, a row per region: how much of it is left, and why if nothing is.
    labels : list of str
        Label images that were used.
    mean_volume : str
        Mean volume of the series.
    kept_volumes : str
        Table of the volumes that were kept.
    cleaning : str
        JSON of what cleaning did.
    high_variance_confounds : str
        Table of them, if asked for.
    projected : list of str
        Signals in space, if asked for.
    """
    parameters = _spelled(locals())
    _check(parameters)
    reading = {'n_procs': num_threads}
    memory = estimate(
        series_size,
        n_atlases,
        num_threads,
        sampled=parameters['resampling_target'] == 'labels',
        smoothed=bool(smoothing_fwhm),
    )
    wf = pe.Workflow(name=name)
    wf.add_nodes(
        [
            pe.Node(niu.IdentityInterface(fields=list(INPUTS), mandatory_inputs=False), name='inputnode'),
            pe.Node(niu.IdentityInterface(fields=list(OUTPUTS), mandatory_inputs=False), name='outputnode'),
            _init_node(ApplyMask, 'apply_mask', parameters, mem_gb=memory['mask']),
            _init_node(ReduceLabels, 'reduce', parameters, mem_gb=memory['reduce'], **reading),
            _init_node(
                CleanSignal,
                'clean',
                parameters | {'use_high_variance': parameters['high_variance_confounds']},
                mem_gb=memory['clean'],
            ),
        ]
    )
    edges = [*_EDGES, *_resample(wf, parameters, memory)]
    if high_variance_confounds:
        own = {'use_mask': parameters['use_mask']}
        wf.add_nodes(
            [_init_node(HighVarianceConfounds, 'high_variance', own, mem_gb=memory['high_variance'], **reading)]
        )
        edges += _HIGH_VARIANCE_EDGES
    if project != 'none':
        wf.add_nodes([_init_node(InverseProject, 'project', parameters, mem_gb=memory['project'])])
        edges += _PROJECT_EDGES
        edges.append(
            ('inputnode.atlas_files' if project == 'atlas' else 'apply_mask.out_files', 'project.labels_files')
        )
    for source, target in edges:
        (source, field), (target, into) = source.split('.'), target.split('.')
        wf.connect(wf.get_node(source), field, wf.get_node(target), into)
    return wf


#: Who feeds whom, whatever the parameters.
_EDGES = (
    ('inputnode.atlas_files', 'apply_mask.atlas_files'),
    ('inputnode.atlas_luts', 'apply_mask.lut_files'),
    ('inputnode.bold_file', 'reduce.in_file'),
    ('apply_mask.out_files', 'reduce.labels_files'),
    ('apply_mask.regions_files', 'reduce.regions_files'),
    ('reduce.out_files', 'clean.signals_files'),
    ('reduce.t_r', 'clean.header_t_r'),
    ('inputnode.bold_sidecar', 'clean.sidecar_file'),
    ('inputnode.t_r', 'clean.t_r'),
    ('inputnode.confounds_file', 'clean.confounds_files'),
    ('inputnode.sample_mask', 'clean.sample_mask'),
    ('inputnode.runs', 'clean.runs'),
    ('reduce.out_files', 'outputnode.raw_signals'),
    ('reduce.regions_files', 'outputnode.regions'),
    ('reduce.mean_file', 'outputnode.mean_volume'),
    ('apply_mask.out_files', 'outputnode.labels'),
    ('clean.out_files', 'outputnode.clean_signals'),
    ('clean.kept_volumes_file', 'outputnode.kept_volumes'),
    ('clean.cleaning_file', 'outputnode.cleaning'),
)
_HIGH_VARIANCE_EDGES = (
    ('inputnode.bold_file', 'high_variance.in_file'),
    ('high_variance.out_file', 'clean.high_variance_file'),
    ('high_variance.out_file', 'outputnode.high_variance_confounds'),
)
_PROJECT_EDGES = (
    ('clean.out_files', 'project.signals_files'),
    ('clean.t_r', 'project.t_r'),
    ('reduce.regions_files', 'project.regions_files'),
    ('project.out_files', 'outputnode.projected'),
)


def _resample(wf, parameters, memory):
    """Add the nodes that bring labels and mask onto one grid; the edges to and from them."""
    target, edges = parameters['resampling_target'], []

    def add(name, source, reference, *onto, **own):
        resample = _init_node(Resample, name, own, mem_gb=memory['resample'])
        wf.add_nodes([resample])
        edges.append((f'inputnode.{source}', f'{name}.in_files'))
        edges.append((f'inputnode.{reference}', f'{name}.reference_files'))
        edges.extend((f'{name}.out_files', into) for into in onto)

    searched = ['high_variance.mask_file'] if parameters['high_variance_confounds'] else []
    if target == 'data':
        fill = {'background_label': parameters['background_label']}
        add('resample_labels', 'atlas_files', 'bold_file', 'apply_mask.labels_files', **fill)
    else:
        edges.append(('inputnode.atlas_files', 'apply_mask.labels_files'))
    if not parameters['use_mask'] or target == 'none':
        searched = searched if parameters['use_mask'] else []
        edges.extend(('inputnode.bold_mask', into) for into in ['apply_mask.mask_files', *searched])
    elif target == 'data':
        add('resample_mask', 'bold_mask', 'bold_file', 'apply_mask.mask_files', *searched)
    else:
        add('resample_mask', 'bold_mask', 'atlas_files', 'apply_mask.mask_files')
        if searched:
            # The voxels that vary most are looked for in the series, which has a grid of its own here.
            add('resample_mask_to_series', 'bold_mask', 'bold_file', *searched)
    return edges


def _init_node(interface, name, parameters, **resources):
    """A node whose traits are set by the parameters of the same names, and whose files are hashed by content."""
    traits = interface.input_spec().copyable_trait_names()
    node = pe.Node(interface(**{key: parameters[key] for key in traits if key in parameters}), name=name, **resources)
    # A file that is only touched or rewritten then reruns nothing, whatever the host's own setting.
    node.config = {'execution': {'hash_method': 'content'}}
    return node


def _spelled(arguments):
    """Arguments under the names and as the types that traits take, without those that are not given."""
    spelled = {key: _plain(spell(key, value)) for key, value in arguments.items()}
    return {key: value for key, value in spelled.items() if value is not None}


def _plain(value):
    """A value as plain Python, since Nipype hashes what it looks like: NumPy's scalars as Python's, tuples as lists."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return [_plain(entry) for entry in value] if isinstance(value, tuple | list) else value


def _check(parameters):
    """Refuse parameters that contradict each other."""
    check_fwhm(parameters.get('smoothing_fwhm', 0))
    check_filter(parameters['filter'], parameters.get('low_pass'), parameters.get('high_pass'), None)
    if not parameters['use_confounds'] and (parameters['confounds_columns'] or parameters['confounds_strategy']):
        raise LabelsError('confounds_columns or confounds_strategy given, but use_confounds is False')
    if parameters['use_luts'] and 'labels' in parameters:
        raise LabelsError('names are given twice: by labels and by use_luts')
    if parameters['project'] not in PROJECTIONS:
        raise LabelsError(f'project must be one of {", ".join(PROJECTIONS)}, not {parameters["project"]!r}')
    if 'fill_value' in parameters and parameters['project'] == 'none':
        raise LabelsError("fill_value given, but project='none' fills nothing")
