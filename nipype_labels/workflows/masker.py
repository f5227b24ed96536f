# SPDX-License-Identifier: BSD-3-Clause
"""The graph that computes what a masker computes."""

from ..model.parameters import CONFOUNDS_PARAMETERS
from .labels import init_labels_wf

#: Parameters that masker and factory share.
SHARED = (
    'labels',
    'background_label',
    'standardize',
    'standardize_confounds',
    'fill_censored',
    'high_variance_confounds',
    'detrend',
    'filter',
    'low_pass',
    'high_pass',
    'dtype',
    'resampling_target',
    'interpolation',
    'unknown_orientation',
    'strategy',
    'nan_policy',
    'missing_labels',
    'min_coverage',
    'num_threads',
)


def as_workflow(settings, atlas_file, mask_file=None, lut_file=None, **more):
    """Build the graph of a masker.

    Parameters
    ----------
    settings : dict
        Parameters of the masker, checked.
    atlas_file : str
    mask_file, lut_file : str, optional
    **more
        Further arguments of :func:`~nipype_labels.workflows.init_labels_wf`.

    Returns
    -------
    Workflow
        It waits for ``inputnode.bold_file``.

    Raises
    ------
    LabelsError
        If parameters contradict each other.
    """
    parameters = {name: settings[name] for name in SHARED}
    parameters['smoothing_fwhm'] = settings['smoothing_fwhm'] or None
    selects = bool(settings['confounds_strategy'] or settings['confounds_columns'])
    # Parameters that do not act are not for the factory, which refuses them.
    if selects or more.get('use_confounds', False):
        parameters |= {name: settings[name] for name in CONFOUNDS_PARAMETERS}
    elif not (settings['high_variance_confounds'] or settings['filter'] == 'cosine'):
        del parameters['standardize_confounds']
    wf = init_labels_wf(**parameters, use_mask=mask_file is not None, use_luts=lut_file is not None, **more)
    inputs = wf.get_node('inputnode').inputs
    inputs.atlas_files = [atlas_file]
    if mask_file is not None:
        inputs.bold_mask = mask_file
    if lut_file is not None:
        inputs.atlas_luts = [lut_file]
    if settings['t_r'] is not None:
        inputs.t_r = float(settings['t_r'])
    return wf
