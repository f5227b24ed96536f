# SPDX-License-Identifier: BSD-3-Clause
"""Random parameter sets give nilearn's numbers, except for the documented differences."""

import nibabel as nib
import numpy as np
import pytest
from nilearn_sets import CENSORED, N_VOLUMES, Case, atlas, compare, disagreements, draw, series

pytestmark = pytest.mark.slow


def test_random_parameter_sets_agree_with_nilearn_except_where_documented():
    found = disagreements(40, seed=1)
    assert [case for case, _ in found if not case.differs] == []
    assert len(found) < 20


def test_a_series_without_the_censored_volumes_restores_nilearns_trend():
    rng = np.random.default_rng(2)
    restored = 0
    while restored < 3:
        case = draw(rng)
        if case.differs == 'trend after censoring' and case.parameters['filter'] != 'cosine':
            image = series()
            retained = np.setdiff1d(np.arange(N_VOLUMES), CENSORED[case.censored])
            cut = nib.Nifti1Image(image.get_fdata()[..., retained], image.affine, image.header)
            plain = Case({**case.parameters, 'high_variance_confounds': False}, 'none', False)
            assert compare(plain, (atlas(), cut)) < 1e-8
            restored += 1
