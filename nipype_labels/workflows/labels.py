# SPDX-License-Identifier: BSD-3-Clause
"""The workflow factory: denoised region time series of one series for N atlases."""

import importlib.util

from ..core.validation import validate
from ..model.docstrings import fill_parameters
from ..model.errors import LabelsError
from ..model.outputs import document_outputs
from .nodes import build_graph
from .resources import Sizes

#: Modules of the extra that reports need.
REPORTS_NEED = ('jinja2', 'matplotlib', 'PIL')


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
    """Extract denoised region time series of one fMRI series for any number of atlases.

    Map them back to images and measure functional connectivity if ``project`` or ``connectivity`` asks for it.

    .. code-block:: text

        atlas_files ─▶ resample_labels ─▶ apply_mask ─▶ reduce ─▶ clean ─▶ project, connectivity
        bold_mask ───▶ resample_mask ─────────┘           ▲         ▲
        bold_file ──────────────────┬─────────────────────┘         │
                                    └─▶ high_variance ──────────────┤
        confounds_file, sample_mask ────────────────────────────────┘

    The number of nodes depends neither on the number of atlases nor on the number of regions. Nothing is written
    outside the folders of the nodes.

    Parameters
    ----------
    sizes : Sizes
        Sizes from which the memory of each node is estimated. Default: an hour of whole-brain fMRI and two atlases of
        1 mm.
    name : str
        Name of the workflow.

    Returns
    -------
    Workflow

    Raises
    ------
    LabelsError
        If a parameter has a wrong type or value, or parameters contradict each other.

    Inputs
    ------
    bold_file : str
        fMRI series, 4D; a 3D image is one volume.
    bold_mask : str
        Brain mask, on any voxel grid.
    bold_sidecar : str
        JSON sidecar of the series, for its repetition time.
    atlas_files : list of str
        Label images.
    atlas_luts : list of str or None
        Look-up table of each atlas; None for an atlas without one.
    confounds_file : str or list of str
        Confounds tables, a row per volume.
    sample_mask : str, list of bool or list of int
        Volumes to retain: a flag per volume, or indices.
    runs : str or list of int
        Run of each volume; runs are denoised separately.
    t_r : float
        Repetition time in s. Default: that of the sidecar, or of the header of the series.

    Outputs
    -------
    {outputs}
    """
    given = dict(use_mask=use_mask, use_luts=use_luts, use_confounds=use_confounds, use_sample_mask=use_sample_mask)
    given |= dict(labels=labels, background_label=background_label, resampling_target=resampling_target, dtype=dtype)
    given |= dict(interpolation=interpolation, unknown_orientation=unknown_orientation, smoothing_fwhm=smoothing_fwhm)
    given |= dict(strategy=strategy, nan_policy=nan_policy, missing_labels=missing_labels, min_coverage=min_coverage)
    given |= dict(confounds_columns=confounds_columns, confounds_strategy=confounds_strategy, n_compcor=n_compcor)
    given |= dict(acompcor=acompcor, fd_threshold=fd_threshold, dvars_threshold=dvars_threshold)
    given |= dict(min_segment=min_segment, non_steady_state=non_steady_state, confounds_na=confounds_na, preset=preset)
    given |= dict(high_variance_confounds=high_variance_confounds, standardize_confounds=standardize_confounds)
    given |= dict(detrend=detrend, filter=filter, low_pass=low_pass, high_pass=high_pass, standardize=standardize)
    given |= dict(fill_censored=fill_censored, censored_output=censored_output, project=project, fill_value=fill_value)
    given |= dict(connectivity=connectivity, covariance_estimator=covariance_estimator, fisher_z=fisher_z)
    given |= dict(reports=reports, atlas_names=atlas_names, num_threads=num_threads)
    return build_graph(check_parameters(given), sizes, name)


def check_parameters(given):
    """Return parameters in canonical form, without those that are None; LabelsError if they contradict each other."""
    given = {name: value for name, value in validate(given).items() if value is not None}
    if given['use_luts'] and 'labels' in given:
        raise LabelsError('names are given twice: by labels and by use_luts')
    missing = [name for name in REPORTS_NEED if given['reports'] and importlib.util.find_spec(name) is None]
    if missing:
        raise LabelsError(f'reports need {" and ".join(missing)}: pip install "nipype_labels[reports]"')
    return given


init_labels_wf.__doc__ = init_labels_wf.__doc__.replace('{outputs}', document_outputs())
