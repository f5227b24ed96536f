# SPDX-License-Identifier: BSD-3-Clause
"""Metadata of denoising, the contents of ``cleaning.json``."""

import numpy as np

from ..core.quality import LEAST_FREEDOM
from .base import logger

#: Gaps that are reported, in s: they hide a whole cycle of the slow fluctuations that are studied.
LONG_GAP = 30


def describe_cleaning(parameters, confounds, censored, tables, results):
    """Return the metadata of denoising; log warnings of what makes the time series unreliable.

    ``censored`` has flags of shape (T,) by reason; ``tables`` are names and time series of each atlas before denoising.
    """
    first = results[0]
    if first.degrees_of_freedom < LEAST_FREEDOM:
        logger.warning(
            'denoising leaves %.3g degrees of freedom: correlations of these time series are noise',
            first.degrees_of_freedom,
        )
    if first.longest_gap * (parameters['t_r'] or 0) > LONG_GAP:
        logger.warning(
            'a gap of %d censored volumes (%.3g s) was filled before filtering; the volumes next to it depend on '
            'fill_censored',
            first.longest_gap,
            first.longest_gap * parameters['t_r'],
        )
    filtered = not (parameters['low_pass'] is None and parameters['high_pass'] is None)
    if not filtered:
        parameters = parameters | {'filter': 'none'}
    if parameters['filter'] != 'butterworth':
        parameters = {name: value for name, value in parameters.items() if name != 'fill_censored'}
    lost = [_lost_regions(*table, result) for table, result in zip(tables, results, strict=True)]
    return {
        'Parameters': parameters,
        **confounds,
        'NumberOfConfounds': first.n_confounds,
        'RankOfConfounds': first.rank,
        'NumberOfVolumes': len(first.kept),
        'NumberOfVolumesRetained': int(first.kept.sum()),
        'VolumesCensored': {reason: int(flags.sum()) for reason, flags in censored.items()},
        'LongestGapFilled': first.longest_gap,
        'DegreesOfFreedom': first.degrees_of_freedom,
        'UnavailableRegions': lost if any(lost) else [],
    }


def _lost_regions(names, raw, result):
    """Return the regions that lost their time series in denoising, by reason; coverage tables list the others."""
    reasons = {'not_finite': result.not_finite & np.isfinite(raw).any(axis=0), 'constant': result.constant}
    return {reason: np.asarray(names)[flags].tolist() for reason, flags in reasons.items() if flags.any()}
