# SPDX-License-Identifier: BSD-3-Clause
"""The graph that does what a notebook's object does."""

import os
from pathlib import Path

from ..core.errors import LabelsError
from .labels import init_labels_wf

#: Parameters that class and factory share.
SHARED = (
    'labels',
    'background_label',
    'smoothing_fwhm',
    'standardize',
    'standardize_confounds',
    'high_variance_confounds',
    'detrend',
    'filter',
    'low_pass',
    'high_pass',
    'dtype',
    'resampling_target',
    'interpolation',
    'strategy',
    'nan_policy',
    'missing_labels',
    'min_coverage',
    'num_threads',
)


def as_workflow(masker, **more):
    """Build the graph of a masker, which gives the same signals to the last bit.

    Parameters
    ----------
    masker : NiftiLabelsMasker
        Its labels, mask and look-up table must be files.
    **more
        Further arguments of :func:`~nipype_labels.workflows.init_labels_wf`, as ``use_confounds`` for confounds that
        come to ``inputnode.confounds_file``.

    Returns
    -------
    Workflow
        It waits for ``inputnode.bold_file``.

    Raises
    ------
    LabelsError
        If something is in memory that the graph needs as a file.
    """
    parameters = {name: getattr(masker, name) for name in SHARED}
    if more.get('use_confounds'):
        parameters['confounds_na'] = masker.confounds_na
    wf = init_labels_wf(**parameters, use_mask=masker.mask_img is not None, use_luts=masker.lut is not None, **more)
    inputs = wf.get_node('inputnode').inputs
    inputs.atlas_files = [_path(masker.labels_img, 'labels_img')]
    if masker.mask_img is not None:
        inputs.bold_mask = _path(masker.mask_img, 'mask_img')
    if masker.lut is not None:
        inputs.atlas_luts = [_path(masker.lut, 'lut')]
    if masker.t_r is not None:
        inputs.t_r = float(masker.t_r)
    return wf


def _path(given, name):
    """Path of a file, or of the file that an image is from."""
    path = given if isinstance(given, str | os.PathLike) else getattr(given, 'get_filename', lambda: None)()
    if path is None:
        raise LabelsError(f'{name} is in memory; a graph works on files: save it, and give its path')
    return str(Path(path).expanduser().absolute())
