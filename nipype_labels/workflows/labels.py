# SPDX-License-Identifier: BSD-3-Clause
"""The factory: one series, N atlases, clean named region signals."""

from .graph import assemble, check_parameters, name_choices
from .resources import Sizes


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
    unknown_orientation='raise',
    smoothing_fwhm=None,
    strategy='mean',
    dtype=None,
    nan_policy='omit',
    missing_labels='nan',
    min_coverage=0.0,
    high_variance_confounds=False,
    preset=None,
    confounds_columns=(),
    confounds_strategy=(),
    n_compcor=None,
    acompcor='combined',
    fd_threshold=0.5,
    dvars_threshold=1.5,
    min_segment=None,
    non_steady_state='censor',
    confounds_na=None,
    standardize_confounds=True,
    detrend=False,
    filter='butterworth',
    low_pass=None,
    high_pass=None,
    standardize=False,
    fill_censored='linear',
    censored_output='drop',
    project='none',
    fill_value=None,
    connectivity='none',
    covariance_estimator='auto',
    fisher_z=False,
    reports=False,
    atlas_names=None,
    sizes=Sizes(),
    num_threads=1,
    name='labels_wf',
):
    """Extract and clean region signals of one series for any number of atlases; project and connect them if asked to.

    .. code-block:: text

        atlas_files ─▶ resample_labels ─▶ apply_mask ─▶ reduce ─▶ clean ─▶ project, connectivity
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
    unknown_orientation : {'raise', 'accept'}
        Images on different grids if the header of one does not say left from right: raise an error, or accept the axes
        that nibabel assumes, which is then recorded.
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
    preset : {'simple', 'scrubbing', 'compcor', 'ica_aroma'}, optional
        Confounds and scrubbing of nilearn's ``load_confounds_strategy``, as a set of the next parameters. It excludes
        ``confounds_strategy``; any other parameter counts more than the preset's, and ``confounds_columns`` are added.
    confounds_columns : list of str
        Columns to select, by name or by regular expression. A table of which nothing is selected is used whole; of a
        whole table of fMRIPrep, columns must be selected.
    confounds_strategy : list of {'6P', '24P', '36P', '2Phys', '8Phys', 'GSR', 'cosines', 'aCompCor', 'ICA-AROMA', \
'scrubbing', 'all'}
        Named sets of fMRIPrep's columns, in any case of letters: motion; means of white matter and CSF (``2Phys``;
        ``8Phys`` with derivatives and squares) or of the brain; cosine drifts; components of aCompCor with cosine
        drifts. ``'ICA-AROMA'`` demands a series that ICA-AROMA has denoised, ``'scrubbing'`` censors volumes, and
        ``'all'`` selects every column.
    n_compcor : int or 'all', optional
        Components of each mask that ``'aCompCor'`` takes. Default: the preset's, or 5.
    acompcor : {'combined', 'separated'}
        Mask of these components: white matter and CSF as one, or each of the two. The JSON file next to the table
        names the mask of each component.
    fd_threshold, dvars_threshold : float
        Framewise displacement (mm) and standardised DVARS above which ``'scrubbing'`` censors a volume.
    min_segment : int, optional
        ``'scrubbing'`` also censors segments of fewer volumes between motion outliers. Default: the preset's, or 0.
    non_steady_state : {'censor', 'keep'}
        Volumes that fMRIPrep's table marks as not in the steady state, if columns of the table are selected.
    confounds_na : {'raise', 'zero', 'mean', 'backfill'}, optional
        Missing values in the first rows of the confounds: refuse them, or fill in 0, the mean, or the first value of
        the column. Default: ``'backfill'`` with a preset, or ``'raise'``.
    standardize_confounds : bool
        Scale the confounds to z-scores.
    detrend : bool
        Remove linear trends.
    filter : {'butterworth', 'cosine', 'none'}
        How to keep a frequency band, if a cut-off is given.
    low_pass, high_pass : float, optional
        Frequencies in Hz above and below which signals are cut.
    standardize : {False, True, 'zscore', 'zscore_sample', 'psc', 'psc_nilearn'}
        z-scores by the s.d. of the population (True means this too) or of the sample, percent signal change from the
        mean before denoising, or nilearn's percent signal change.
    fill_censored : {'linear', 'cubic', 'pchip', 'spectral'}
        How gaps of censored volumes are filled before a Butterworth filter; the filled values are then dropped.
        ``'cubic'`` is nilearn's.
    censored_output : {'drop', 'nan'}
        Whether volumes left out are dropped from the signals or stay as rows of n/a.
    project : {'none', 'labels', 'atlas'}
        Show the clean signals in space, on the labels' grid or the atlas's own.
    fill_value : float, optional
        What n/a becomes in the projection; NaN by default.
    connectivity : {'none', 'correlation', 'partial correlation', 'covariance', 'precision'}
        Functional connectivity of the denoised time series.
    covariance_estimator : {'auto', 'empirical', 'ledoit_wolf'}
        ``'auto'`` is ``'ledoit_wolf'`` (shrunk) for partial correlation and precision, else ``'empirical'``: Pearson's
        correlation.
    fisher_z : bool
        Return Fisher z of correlations.
    reports : bool
        Write a report to look at; needs the extra ``nipype_labels[reports]``.
    atlas_names : list of str, optional
        What the report calls the atlases; they are numbered by default.
    sizes : Sizes
        What to reckon memory for; by default an hour of whole-brain fMRI and two atlases of 1 mm.
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
    connectivity : list of str
        Matrices, a row and a column per region, if asked for.
    connectivity_info : list of str
        JSON of how each matrix was estimated, with its shrinkage.
    report : str
        HTML page, if asked for.
    contours, carpets, connectivity_figures : list of str
        SVG images of an atlas each, with the report, for hosts that collect them.
    """
    parameters = name_choices(locals())
    check_parameters(parameters)
    return assemble(parameters)
