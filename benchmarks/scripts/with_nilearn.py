# SPDX-License-Identifier: BSD-3-Clause
"""Mean signals of regions by nilearn, as a table."""

import sys

import pandas as pd
from nilearn.maskers import NiftiLabelsMasker

series, atlas, table = sys.argv[1:]
masker = NiftiLabelsMasker(atlas, reports=False)
signals = masker.fit_transform(series)
pd.DataFrame(signals, columns=list(masker.region_ids_.values())[1:]).to_csv(table, sep='\t', index=False)
