# SPDX-License-Identifier: BSD-3-Clause
"""Reports of series of surfaces: views of the coverage on surfaces, bars without them, and the rest of the page."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from surface_cases import (
    DLABEL,
    TSERIES,
    elements,
    icosahedron,
    noise,
    save_dlabel,
    save_dscalar,
    save_label_gii,
    save_surf_gii,
    save_tseries,
)

from nipype_labels import SurfaceLabelsMasker
from nipype_labels.model.errors import LabelsError
from nipype_labels.workflows import init_labels_wf

SVG = '{http://www.w3.org/2000/svg}'
LINK = '{http://www.w3.org/1999/xlink}href'
EVERY = elements(np.arange(12), np.arange(12))
TABLE = {0: '???', 1: 'left', 2: 'right', 3: 'stem', 4: 'zero', 5: 'gone'}
#: Corners of the outermost triangle of the left hemisphere, which are always 0.
ZERO = np.array(max(icosahedron()[1].tolist(), key=lambda corners: -icosahedron()[0][corners, 0].sum()))
#: Left: one region, but another one at ZERO; right: one region on half of the vertices; voxels.
LABELS = np.concatenate([np.where(np.isin(np.arange(12), ZERO), 4, 1), [2] * 6, [0] * 6, [3] * 4])


class Visited(HTMLParser):
    """Headings of the table and all words of a page."""

    def __init__(self, text):
        super().__init__()
        self.words, self.buttons, self._tag = [], [], ''
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._tag = tag

    def handle_data(self, data):
        self.words.append(data)
        if self._tag == 'button' and data.strip():
            self.buttons.append(data.strip())


@pytest.fixture
def bold(tmp_path):
    """Series of 20 volumes; three vertices of the left hemisphere are always 0."""
    values = noise(20, 28)
    values[:, ZERO] = 0
    return save_tseries(tmp_path / TSERIES, values, EVERY)


@pytest.fixture
def atlas(tmp_path):
    return save_dlabel(tmp_path / DLABEL, {'m': (LABELS, TABLE)}, EVERY)


@pytest.fixture
def surfaces(tmp_path):
    """Surfaces of 12 vertices of both hemispheres."""
    return [save_surf_gii(tmp_path / f'x.{side}.surf.gii', *icosahedron(), side) for side in 'LR']


@pytest.fixture
def extract(in_process, tmp_path, monkeypatch):
    """Run ``extract --reports``; return the figure of coverage and the page, or the error."""
    monkeypatch.chdir(tmp_path)

    def run(bold, atlas, *options, code=0):
        given = ['extract', bold, '--atlas', atlas, '--reports', *options, '-o', tmp_path / 'out']
        status, _, said = in_process(*map(str, given))
        assert status == code, said
        if code:
            return said
        (figure,) = (tmp_path / 'out').rglob('*_coverage.svg')
        return ElementTree.parse(figure).getroot(), (tmp_path / 'out' / 'report.html').read_text(encoding='utf-8')

    return run


def read_views(figure):
    """Return the pictures of a figure, arrays of rows, columns and RGB, by their names."""
    return {
        image.findtext(f'{SVG}title'): np.asarray(
            Image.open(io.BytesIO(base64.b64decode(image.get(LINK).partition(',')[2]))).convert('RGB')
        )
        for image in figure.iter(f'{SVG}image')
        if image.get('class') == 'view'
    }


def read_bars(figure):
    """Return the bars of a figure by the names of their regions: whether the region is lost, and its coverage."""
    return {
        group.findtext(f'{SVG}text'): (group.get('class') == 'lost', group.findall(f'{SVG}text')[1].text)
        for group in figure.iter(f'{SVG}g')
        if group.get('class') in ('lost', 'bar')
    }


def count_hues(picture):
    """Return the fractions of the mesh that are blue, red and grey."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    mesh = ~((red > 250) & (green > 250) & (blue > 250))
    hues = [blue > red + 20, red > blue + 20, np.abs(red - blue) <= 20]
    return [float((hue & mesh).sum() / mesh.sum()) for hue in hues]


def count_sand(picture):
    """Return the fraction of the mesh that is about as green as red, and less blue."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    mesh = ~((red > 250) & (green > 250) & (blue > 250))
    return float(((green > 0.75 * red) & (blue < 0.8 * green) & mesh).sum() / mesh.sum())


def test_four_views_show_coverage_and_missing_regions(bold, atlas, surfaces, extract):
    figure, page = extract(bold, atlas, '--surface', *surfaces)
    views = read_views(figure)
    assert list(views) == [f'{side} hemisphere, {view}' for view in ('lateral', 'medial') for side in ('Left', 'Right')]
    hues = {name: count_hues(picture) for name, picture in views.items()}
    # Of the left hemisphere, all is in a region, and the lost one is on the outside.
    blue, red, grey = hues['Left hemisphere, lateral']
    assert (min(blue, red) > 0.1, grey < 0.02) == (True, True)
    blue, red, grey = hues['Left hemisphere, medial']
    assert (blue > 0.98, red, grey < 0.02) == (True, 0, True)
    # Half of the right one is in no region.
    for name in ('lateral', 'medial'):
        blue, red, grey = hues[f'Right hemisphere, {name}']
        assert red == 0
        assert min(blue, grey) > 0.1
    assert read_bars(figure) == {'gone': (True, 'n/a'), 'stem': (False, '100 %')}
    assert 'zero' in page
    assert count_sand(views['Left hemisphere, lateral']) < 0.001
    assert 'not in the series' not in page
    assert Visited(page).buttons == ['Index', 'Name', 'Vertices and voxels', 'Coverage', 'Status', 'tSNR']


@pytest.mark.parametrize('case', ['series', 'mask'])
def test_vertices_without_data_do_not_look_like_those_of_no_region(case, atlas, surfaces, tmp_path, extract):
    """The series does not have half of the vertices of the left hemisphere, or they are outside its mask."""
    axis = elements(np.arange(6), np.arange(12)) if case == 'series' else EVERY
    bold = save_tseries(tmp_path / TSERIES, noise(20, len(axis)), axis)
    inside = (np.arange(len(axis)) > 5)[None].astype('f4')
    mask = ['--mask', save_dscalar(tmp_path / 'mask.dscalar.nii', inside, axis)] if case == 'mask' else []
    figure, _ = extract(bold, atlas, '--surface', *surfaces, *mask)
    views = read_views(figure)
    assert 0.2 < count_sand(views['Left hemisphere, lateral']) < 0.8
    assert count_sand(views['Right hemisphere, lateral']) < 0.001
    assert 'not in the series, or outside its mask' in [text.text for text in figure.iter(f'{SVG}text')]
    assert min(count_hues(views['Right hemisphere, lateral'])[::2]) > 0.1


def test_without_surfaces_all_regions_have_bars(bold, atlas, extract):
    figure, page = extract(bold, atlas, '--connectivity', 'correlation')
    assert read_views(figure) == {}
    assert read_bars(figure) == {
        'zero': (True, '0 %'),
        'gone': (True, 'n/a'),
        **dict.fromkeys(('left', 'right', 'stem'), (False, '100 %')),
    }
    titles = re.findall(r'<title>([^<.]+)\.', page)
    assert titles[:1] == ['Coverage of the regions']
    assert {'Region time series before and after denoising', 'Spectra before and after denoising'} <= set(titles)
    assert not [title for title in titles if 'mean volume' in title]


def test_bars_of_many_regions_are_those_with_the_least_coverage(tmp_path, extract):
    axis = elements(np.arange(162), np.arange(162), [], 162)
    values = noise(9, 324)
    values[:, 100] = 0
    bold = save_tseries(tmp_path / TSERIES, values, axis)
    labels = np.arange(324) + 1
    atlas = save_dlabel(tmp_path / DLABEL, {'m': (labels, {i: f'r{i}' for i in labels})}, axis)
    figure, _ = extract(bold, atlas)
    bars = read_bars(figure)
    assert len(bars) == 60
    assert next(iter(bars.items())) == ('r101', (True, '0 %'))
    (note,) = [text.text for text in figure.iter(f'{SVG}text') if text.get('class') == 'note']
    assert note == 'The 60 worst of 324 regions (no surface is known for views); the others have 100 %'


@pytest.mark.parametrize('layout', ['next to the series', 'in anat'])
def test_surfaces_of_the_participant_are_found(layout, atlas, tmp_path, extract):
    func = tmp_path / 'sub-01' / 'ses-1' / 'func'
    anat = func if layout == 'next to the series' else tmp_path / 'sub-01' / 'anat'
    for folder in (func, anat):
        folder.mkdir(parents=True, exist_ok=True)
    bold = save_tseries(func / 'sub-01_ses-1_space-fsLR_den-91k_bold.dtseries.nii', noise(20, 28), EVERY)
    for side in 'LR':
        # Those of another mesh are not taken, nor is half a pair.
        save_surf_gii(anat / f'sub-01_hemi-{side}_midthickness.surf.gii', *icosahedron(), side)
        save_surf_gii(anat / f'sub-01_hemi-{side}_space-fsLR_den-32k_inflated.surf.gii', *icosahedron(), side)
    save_surf_gii(anat / 'sub-01_hemi-L_space-fsLR_den-32k_midthickness.surf.gii', *icosahedron(), 'L')
    figure, page = extract(bold, atlas)
    assert (len(read_views(figure)), set(re.findall(r'\w+\.surf\.gii', page))) == (4, {'32k_inflated.surf.gii'})
    save_surf_gii(anat / 'sub-01_hemi-R_space-fsLR_den-32k_midthickness.surf.gii', *icosahedron(), 'R')
    _, page = extract(bold, atlas)
    assert set(re.findall(r'\w+\.surf\.gii', page)) == {'32k_midthickness.surf.gii'}


@pytest.mark.parametrize(
    ('case', 'message'),
    [
        ('mesh', 'has 4 vertices, and {bold} (24 of 24 vertices'),
        ('same', 'the left hemisphere is given twice'),
        ('labels', 'it is not a surface (.surf.gii)'),
        ('missing', 'no such file'),
    ],
)
def test_other_surfaces_are_refused(case, message, bold, atlas, surfaces, tmp_path, extract):
    left, right = surfaces
    if case == 'mesh':
        tetrahedron = np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]])
        save_surf_gii(right, np.eye(4)[:, :3], tetrahedron, 'R')
    elif case == 'same':
        right = left
    elif case == 'labels':
        save_label_gii(right, np.arange(12), TABLE, 'R')
    else:
        right.unlink()
    said = extract(bold, atlas, '--surface', left, right, code=2)
    assert message.partition('{')[0] in said


def test_surfaces_without_a_report_or_with_a_volume_are_refused(bold, atlas, surfaces, in_process, tmp_path):
    given = ['extract', bold, '--atlas', atlas, '--surface', *surfaces, '-o', tmp_path / 'out']
    status, _, said = in_process(*map(str, given))
    assert (status, '--surface given, but it only acts with reports' in said) == (2, True)
    volume = tmp_path / 'volume.nii.gz'
    nib.Nifti1Image(np.ones((3, 3, 3, 9), np.int16), np.eye(4)).to_filename(volume)
    given = ['extract', volume, '--atlas', volume, '--reports', '--surface', *surfaces, '-o', tmp_path / 'out']
    status, _, said = in_process(*map(str, given))
    assert (status, '--surface given, but it only acts with series of surfaces' in said) == (2, True)


def test_derivatives_have_pages_and_figures(dataset, derivatives, tmp_path):
    """The report is drawn again when surfaces appear, and when others are given."""

    def run(*options):
        status, said = derivatives('--atlas', f'B={tmp_path}/b.L.label.gii', '--space', 'fsaverage5', *options)
        assert status == 0, said
        return ElementTree.parse(figure).getroot(), said

    out = tmp_path / 'out'
    figure = out / 'sub-01' / 'figures' / 'sub-01_task-rest_space-fsaverage5_atlas-B_desc-coverage_bold.svg'
    drawn, _ = run()
    assert (len(read_views(drawn)), list(read_bars(drawn))) == (0, ['L_a', 'L_b', 'R_a', 'R_b'])
    report = 'sub-01_task-rest_space-fsaverage5_report.html'
    assert report in (out / 'index.html').read_text(encoding='utf-8')
    assert report in (out / 'sub-01.html').read_text(encoding='utf-8')
    assert Visited((out / 'sub-01' / 'func' / report).read_text(encoding='utf-8')).buttons[2] == 'Vertices'
    anat = dataset / 'sub-01' / 'anat'
    anat.mkdir()
    for side in 'LR':
        name = f'sub-01_hemi-{side}_space-fsaverage_den-10k_inflated.surf.gii'
        save_surf_gii(anat / name, *icosahedron(), side)
    assert f'  surfaces: sub-01/anat/{name.replace("hemi-R", "hemi-L")}, sub-01/anat/{name}\n' in run('--dry-run')[1]
    drawn, said = run()
    assert (len(read_views(drawn)), read_bars(drawn)) == (4, {})
    before = figure.stat().st_mtime_ns
    run()
    assert figure.stat().st_mtime_ns == before
    others = [save_surf_gii(tmp_path / f'o.{side}.surf.gii', *icosahedron(), side) for side in 'LR']
    points, triangles = icosahedron()
    for path, side in zip(others, 'LR', strict=True):
        save_surf_gii(path, points * [1, 2, 1], triangles, side)
    again, said = run('--surface', *others)
    assert 'processed again' in said
    assert {name: view.shape for name, view in read_views(again).items()} != {
        name: view.shape for name, view in read_views(drawn).items()
    }


def test_another_surface_reruns_only_the_report_of_a_graph(bold, atlas, surfaces, tmp_path):
    """Only the report is made again if a surface changes, or its name, which the page shows."""
    wf = init_labels_wf(reports=True)
    inputs = wf.get_node('inputnode').inputs
    inputs.bold_file, inputs.atlas_files, inputs.surface_files = str(bold), [str(atlas)], list(map(str, surfaces))
    wf.base_dir = str(tmp_path / 'work')

    def run():
        graph = wf.run('Linear')
        results = {node.name: node.result.outputs for node in graph.nodes if node.name in ('reduce', 'report')}
        (figure,) = results['report'].coverage_svg_files
        (signals,) = results['reduce'].out_files
        return read_views(ElementTree.parse(figure).getroot()), Path(signals).stat().st_mtime_ns

    views, before = run()
    assert len(views) == 4
    points, triangles = icosahedron()
    save_surf_gii(surfaces[1], points * [1, 1, 3], triangles, 'R')
    again, after = run()
    assert again['Left hemisphere, lateral'].shape != views['Left hemisphere, lateral'].shape
    assert after == before
    inputs.surface_files = [str(path.rename(path.with_name(f'y.{path.name}'))) for path in surfaces]
    run()
    (page,) = (tmp_path / 'work').rglob('report.html')
    assert 'y.x.L.surf.gii' in page.read_text(encoding='utf-8')


def test_the_masker_reports_by_bars(bold, atlas):
    masker = SurfaceLabelsMasker(atlas, reports=True)
    with pytest.raises(LabelsError, match='nothing to report yet'):
        masker.fit().generate_report()
    with pytest.warns(UserWarning, match='without a signal: absent_from_atlas: gone'):
        masker.fit_transform(bold)
    page = str(masker.generate_report())
    figure = re.search(r'<figure[^>]*>(<svg .*?</svg>)\s*</figure>', page, re.DOTALL)[1]
    assert list(read_bars(ElementTree.fromstring(figure))) == ['zero', 'gone', 'left', 'right', 'stem']
