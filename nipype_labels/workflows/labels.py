# SPDX-License-Identifier: BSD-3-Clause
"""The factory: one series, N atlases, clean named region signals."""

from ..model.docstrings import fill_parameters
from .graph import assemble, check_parameters, name_choices
from .resources import Sizes


@fill_parameters
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
    sizes : Sizes
        Sizes to estimate memory for; by default an hour of whole-brain fMRI and two atlases of 1 mm.
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
