# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives with fewer digits than nodes pass on."""

import json
from pathlib import Path

import numpy as np
from derivatives_cases import make_run, saver
from folders import tree

from nipype_labels.files.tables import read_signals


def test_with_fewer_digits_tables_of_numbers_are_rounded_and_all_other_files_are_the_same(tmp_path, run):
    made = make_run(tmp_path)
    run(saver(made, tmp_path / 'exact'))
    run(saver(made, tmp_path / 'rounded', digits=5))
    exact, rounded = tree(tmp_path / 'exact'), tree(tmp_path / 'rounded')
    changed = {Path(name).name for name in exact if rounded[name] != exact[name]}
    tables = ('stat-mean_timeseries', 'desc-raw_timeseries', 'stat-correlation_relmat', 'desc-highvariance_timeseries')
    named = [name for name in map(Path, exact) if name.stem.endswith(tables)]
    assert changed == {name.name for name in named}
    for path in (name for name in named if name.suffix == '.tsv'):
        names, numbers = read_signals(tmp_path / 'exact' / path)
        assert read_signals(tmp_path / 'rounded' / path)[0] == names
        np.testing.assert_array_equal(
            read_signals(tmp_path / 'rounded' / path)[1],
            [[float(f'{number:.4e}') for number in row] for row in numbers.tolist()],
        )
        told = json.loads((tmp_path / 'rounded' / path).with_suffix('.json').read_text(encoding='utf-8'))
        known = json.loads((tmp_path / 'exact' / path).with_suffix('.json').read_text(encoding='utf-8'))
        assert told == known | {'SignificantDigits': 5}
