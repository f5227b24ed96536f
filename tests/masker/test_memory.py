# SPDX-License-Identifier: BSD-3-Clause
"""The cache of the masker: found by content, safe for threads and processes, and never damaged."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import nibabel
import numpy as np
import pytest
from masker_cases import AAL, SERIES, held
from numpy.testing import assert_array_equal

from nipype_labels import NiftiLabelsMasker
from nipype_labels.model.errors import LabelsError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning'),
    pytest.mark.filterwarnings('ignore:.*no look-up table in its header:UserWarning'),
]


@pytest.fixture
def reads(capsys):
    """Return how many series were read since the last call."""
    return lambda: capsys.readouterr().out.count('reading')


def small(seed=0, shape=(4, 4, 3), **parameters):
    """A masker of three regions and a series of ten volumes."""
    labels = nibabel.Nifti1Image((np.arange(np.prod(shape)).reshape(shape) % 4).astype('int16'), np.eye(4))
    series = nibabel.Nifti1Image(np.random.default_rng(seed).normal(10, 1, (*shape, 10)), np.eye(4))
    return NiftiLabelsMasker(labels, verbose=1, **parameters), series


@pytest.mark.parametrize('kind', [str, lambda folder: joblib.Memory(folder, verbose=0)])
def test_time_series_are_found_again_for_the_same_voxels(kind, tmp_path, reads):
    def signals(imgs=SERIES, **parameters):
        masker = NiftiLabelsMasker(AAL, memory=kind(tmp_path / 'memory'), verbose=1, **parameters)
        return masker.fit_transform(imgs)

    first = signals()
    assert reads() == 1
    assert_array_equal(signals(detrend=False), first)
    assert not np.array_equal(signals(standardize=True), first)
    assert reads() == 0
    signals(strategy='sum')
    assert reads() == 1
    image = held(SERIES)
    signals(image)
    assert_array_equal(signals(held(SERIES)), signals(image))
    assert reads() == 1
    image.get_fdata()[8, 8, 4, 3] += 1
    signals(nibabel.Nifti1Image(image.get_fdata(), image.affine))
    assert reads() == 1


def test_what_changes_numbers_changes_the_key(tmp_path, reads, monkeypatch):
    for shape in ((4, 4, 3), (3, 4, 4)):
        masker, series = small(memory=tmp_path, shape=shape)
        masker.fit_transform(series)
    assert reads() == 2
    wide = nibabel.Nifti1Image(series.dataobj, np.diag([2.0, 1, 1, 1]))
    labels = nibabel.Nifti1Image(masker.labels_img.dataobj, wide.affine)
    NiftiLabelsMasker(labels, smoothing_fwhm=2.0, memory=tmp_path, verbose=1).fit_transform(wide)
    NiftiLabelsMasker(labels, smoothing_fwhm=np.float64(2), memory=tmp_path, verbose=1).fit_transform(wide)
    masker.set_params(smoothing_fwhm=2.0).fit_transform(series)
    assert reads() == 2
    for library in (np, nibabel):
        monkeypatch.setattr(library, '__version__', '99.0')
        masker.fit_transform(series)
        assert reads() == 1


@pytest.mark.filterwarnings('ignore::UserWarning:joblib')
@pytest.mark.parametrize('damage', ['cut', 'bit', 'empty', 'other'])
def test_a_damaged_file_is_computed_again(damage, tmp_path, reads):
    masker, series = small(memory=tmp_path)
    expected = masker.fit_transform(series)
    (kept,) = tmp_path.rglob('output.pkl')
    content = bytearray(kept.read_bytes())
    if damage == 'cut':
        content = content[: len(content) // 2]
    elif damage == 'bit':
        content[len(content) // 2] ^= 64
    elif damage == 'empty':
        content = b''
    else:
        masker.set_params(strategy='sum').fit_transform(series)
        masker.set_params(strategy='mean')
        content = next(path for path in tmp_path.rglob('output.pkl') if path != kept).read_bytes()
    kept.write_bytes(content)
    reads()
    assert_array_equal(masker.fit_transform(series), expected)
    assert reads() == 1
    assert_array_equal(masker.fit_transform(series), expected)
    assert reads() == 0


def test_threads_share_a_cache_and_a_masker(tmp_path):
    masker, _ = small(memory=tmp_path, standardize='zscore')
    masker.set_params(verbose=0)
    series = [small(seed)[1] for seed in range(6)]
    expected = [small(standardize='zscore')[0].fit_transform(one) for one in series]
    masker.fit()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(masker.transform, series * 5))
    for signals, one in zip(found, expected * 5, strict=True):
        assert_array_equal(signals, one)


@pytest.mark.endurance
def test_processes_share_a_cache(tmp_path):
    script = (
        'import sys, warnings\n'
        'from nipype_labels import NiftiLabelsMasker\n'
        'warnings.simplefilter("ignore", UserWarning)\n'
        f'for strategy in ("mean", "median"):\n'
        f'    masker = NiftiLabelsMasker({AAL!r}, strategy=strategy, memory=sys.argv[1])\n'
        f'    print(masker.fit_transform({SERIES!r}).tobytes().hex())\n'
    )
    command = [sys.executable, '-W', 'error', '-W', 'ignore::DeprecationWarning', '-c', script, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0] * 2, told
    assert len({out for out, _ in told}) == 1
    assert not any(err for _, err in told)


def test_changing_returned_arrays_changes_neither_report_nor_cache(tmp_path):
    masker, series = small(memory=tmp_path)
    signals = masker.fit_transform(series)
    page = masker.generate_report()._repr_html_()
    expected = signals.copy()
    signals[:] = 0
    assert masker.generate_report()._repr_html_() == page
    assert_array_equal(masker.transform(series), expected)


@pytest.mark.parametrize('memory', [7, ['folder'], joblib])
def test_an_invalid_memory_is_refused(memory):
    with pytest.raises(LabelsError, match='memory must be'):
        small(memory=memory)[0].fit()


def test_a_memory_that_can_not_be_written_is_refused(tmp_path):
    (tmp_path / 'file').write_text('')
    masker, series = small(memory=tmp_path / 'file')
    with pytest.raises(LabelsError, match='can not be used as a cache'):
        masker.fit_transform(series)


def test_without_joblib_a_memory_is_refused_and_its_extra_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'joblib', None)
    masker, series = small(memory='folder')
    with pytest.raises(LabelsError, match=r'pip install "\.\[cache\]" in a checkout'):
        masker.fit_transform(series)
    assert masker.set_params(memory=None).fit_transform(series).shape == (10, 3)
