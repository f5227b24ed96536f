# SPDX-License-Identifier: BSD-3-Clause
"""The workflow that computes what a masker computes."""

import inspect

from ..files.paths import expand
from ..model.parameters import CONFOUNDS_PARAMETERS
from .labels import init_labels_wf

#: Parameters of the factory that a masker passes on as they are.
SHARED = {*inspect.signature(init_labels_wf).parameters} - {*CONFOUNDS_PARAMETERS, 'smoothing_fwhm', 'reports'}


def as_workflow(settings, atlas_file, mask_file=None, lut_file=None, **more):
    """Return the workflow of checked parameters of a masker; ``more`` are further arguments of the factory."""
    parameters = {name: value for name, value in settings.items() if name in SHARED}
    parameters['smoothing_fwhm'] = settings['smoothing_fwhm'] or None
    selects = bool(settings['confounds_strategy'] or settings['confounds_columns'])
    # The factory refuses parameters that do not act.
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
    if settings.get('areas_file') is not None:
        inputs.areas_file = str(expand(settings['areas_file']).absolute())
    if settings['t_r'] is not None:
        inputs.t_r = float(settings['t_r'])
    return wf
