# SPDX-License-Identifier: BSD-3-Clause
"""Atlases by name, in BIDS datasets, in XCP-D's AtlasPack, and in TemplateFlow by its own client."""

import functools
import http.server
import re
import subprocess
import sys
import threading

import pytest
from atlas_cases import TEMPLATE, make_atlases, make_atlaspack, make_home, name_schaefer, write_image, write_table

from nipype_labels import find_atlas
from nipype_labels.model.errors import LabelsError

NAME = 'Schaefer2018:100Parcels7Networks'
TABLE = name_schaefer().replace('_res-02', '').replace('.nii.gz', '.tsv')

#: An address where no server listens.
NOWHERE = 'http://127.0.0.1:9'


@pytest.fixture
def bids(tmp_path):
    return make_atlases(tmp_path / 'atlases')


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / 'templateflow')


def refuse(message, *arguments, **settings):
    with pytest.raises(LabelsError, match=re.escape(message)):
        find_atlas(*arguments, **settings)


@pytest.mark.parametrize(
    ('name', 'space', 'image', 'table'),
    [
        ('Lausanne:1', f'{TEMPLATE}:res-2', f'tpl-{TEMPLATE}/tpl-{TEMPLATE}_atlas-Lausanne_scale-1_res-02_dseg', ''),
        (
            'Lausanne:scale-2:res-1',
            f'{TEMPLATE}:res-2',
            f'tpl-{TEMPLATE}/tpl-{TEMPLATE}_atlas-Lausanne_scale-2_res-01_dseg',
            f'tpl-{TEMPLATE}/tpl-{TEMPLATE}_atlas-Lausanne_scale-2_dseg.tsv',
        ),
        (
            'Lausanne',
            'MNIInfant:cohort-2:res-1',
            'tpl-MNIInfant/cohort-2/tpl-MNIInfant_cohort-2_atlas-Lausanne_dseg',
            '',
        ),
    ],
)
def test_an_atlas_of_a_bids_dataset_has_the_nearest_table(bids, name, space, image, table):
    found = find_atlas(name, space, {'mine': bids})
    assert found == (bids / f'{image}.nii.gz', bids / (table or 'atlas-Lausanne_dseg.tsv'), 'mine')


def test_maps_are_found_where_no_label_image_has_the_name(tmp_path):
    folder = tmp_path / f'tpl-{TEMPLATE}'
    stem = f'tpl-{TEMPLATE}_res-02_atlas-DiFuMo_desc-64dimensions_probseg'
    maps, table = write_image(folder / f'{stem}.nii.gz'), write_table(folder / f'{stem.replace("_res-02", "")}.tsv')
    write_image(folder / f'tpl-{TEMPLATE}_res-02_atlas-DiFuMo_label-GM_probseg.nii.gz')
    assert find_atlas('DiFuMo', f'{TEMPLATE}:res-2', {'mine': tmp_path}) == (maps, table, 'mine')
    labels = write_image(folder / f'tpl-{TEMPLATE}_res-02_atlas-DiFuMo_dseg.nii.gz')
    assert find_atlas('DiFuMo', f'{TEMPLATE}:res-2', {'mine': tmp_path}) == (labels, None, 'mine')
    assert find_atlas('DiFuMo:64dimensions', f'{TEMPLATE}:res-2', {'mine': tmp_path}) == (maps, table, 'mine')


def test_the_layout_of_xcp_d_is_read(tmp_path):
    root = make_atlaspack(tmp_path / 'pack')
    image, lut, _ = find_atlas('4S156Parcels', TEMPLATE, {'pack': root})
    assert image.name == f'atlas-4S156Parcels_space-{TEMPLATE}_res-01_dseg.nii.gz'
    assert lut == root / 'atlas-4S156Parcels' / 'atlas-4S156Parcels_dseg.tsv'
    # The earlier layout, without folders; the first dataset wins.
    flat = write_image(tmp_path / 'flat' / f'tpl-{TEMPLATE}_atlas-4S156Parcels_res-01_dseg.nii.gz')
    table = write_table(tmp_path / 'flat' / 'atlas-4S156Parcels_dseg.tsv')
    assert find_atlas('4S156Parcels', TEMPLATE, {'flat': flat.parent, 'pack': root}) == (flat, table, 'flat')


def test_datasets_do_without_templateflow(bids):
    code = (
        f'import sys, nipype_labels; nipype_labels.find_atlas("Lausanne:1", "{TEMPLATE}:res-1", {{"mine": "{bids}"}});'
        'print([name for name in ("templateflow", "bids", "requests") if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    assert done.stdout == '[]\n', done.stderr


def test_datasets_are_named_too_where_templateflow_is_not_installed(bids, monkeypatch):
    monkeypatch.setitem(sys.modules, 'templateflow', None)
    refuse(
        f'Lausane: no such atlas in the space {TEMPLATE} (mine). Available: Lausanne, Maps. Or pass the path of an '
        "image; did you mean 'Lausanne'? (TemplateFlow was not searched: TemplateFlow is not installed. Run: ",
        'Lausane',
        TEMPLATE,
        {'mine': bids},
    )
    refuse('Lausane: TemplateFlow is not installed. Run: ', 'Lausane', TEMPLATE)
    refuse("or a folder of atlases by datasets={'NAME': 'PATH'}", 'Lausane', TEMPLATE)
    refuse('or a folder of atlases by --datasets NAME=PATH', 'Lausane', TEMPLATE, option='--atlas ')


@pytest.mark.parametrize(
    ('name', 'space', 'message'),
    [
        (
            'Lausanne:1',
            TEMPLATE,
            f'--atlas Lausanne:1: 2 atlases match in {TEMPLATE} (mine). '
            'Pass one of: --atlas Lausanne:scale-1:res-01, --atlas Lausanne:scale-1:res-02',
        ),
        (
            'Lausanne',
            f'{TEMPLATE}:res-2',
            f'--atlas Lausanne: 2 atlases match in {TEMPLATE}:res-2 (mine). '
            'Pass one of: --atlas Lausanne:scale-1, --atlas Lausanne:scale-2',
        ),
        (
            'Lausanne:3',
            f'{TEMPLATE}:res-2',
            f'no such atlas in the space {TEMPLATE} (mine, TemplateFlow). '
            'Pass one of: --atlas Lausanne:scale-1, --atlas Lausanne:scale-2',
        ),
        (
            'Lausanne',
            'MNIInfant:cohort-1',
            'It exists in MNI152NLin2009cAsym, MNI152NLin6Asym, MNIInfant:cohort-2: choose series in one of these',
        ),
        ('Schafer2018', TEMPLATE, "Schaefer2018. Or pass the path of an image; did you mean 'Schaefer2018'?"),
        ('AAL', 'T1w', 'No atlas is available in this space. Or pass the path of an image'),
        ('DiFuMo:63', f'{TEMPLATE}:res-2', 'Pass one of: --atlas DiFuMo:1024dimensions, --atlas DiFuMo:128dimensions'),
    ],
)
def test_messages_list_the_names_that_can_be_passed(bids, home, name, space, message):
    refuse(message, name, space, {'mine': bids}, home, option='--atlas ')


def test_every_name_listed_in_a_message_is_found(bids, home):
    """Also if one atlas has an entity that another one does not have."""
    write_image(bids / f'tpl-{TEMPLATE}' / f'tpl-{TEMPLATE}_atlas-Plain_dseg.nii.gz')
    write_image(bids / f'tpl-{TEMPLATE}' / f'tpl-{TEMPLATE}_atlas-Plain_res-1_desc-thin_dseg.nii.gz')
    for name in ('Plain', 'Lausanne'):
        with pytest.raises(LabelsError) as raised:
            find_atlas(name, TEMPLATE, {'mine': bids})
        names = str(raised.value).partition('Pass one of: ')[2].split(', ')
        assert len({find_atlas(each, TEMPLATE, {'mine': bids}).image for each in names}) == len(names) > 1


def test_two_images_or_two_tables_of_one_atlas_are_refused(bids, tmp_path):
    twin = write_image(bids / 'tpl-MNIInfant' / 'cohort-2' / 'tpl-MNIInfant_cohort-2_atlas-Lausanne_dseg.nii')
    refuse('mine has several files of one atlas: ', 'Lausanne', 'MNIInfant:cohort-2', {'mine': bids})
    twin.unlink()
    for name in ('cohort-2_atlas-Lausanne_dseg.tsv', 'tpl-MNIInfant_atlas-Lausanne_dseg.tsv'):
        write_table(twin.with_name(name))
    refuse('has two look-up tables: ', 'Lausanne', 'MNIInfant:cohort-2', {'mine': bids})
    refuse('the dataset x does not exist', 'Lausanne', TEMPLATE, {'x': tmp_path / 'x'})


def test_an_image_of_templateflow_is_used_without_network(home):
    image = write_image(home / name_schaefer())
    found = find_atlas(NAME, f'{TEMPLATE}:res-2', templateflow_home=home)
    assert found == (image, home / TABLE, 'TemplateFlow')
    assert found.lut.read_text().startswith('index\tname')


def test_templateflow_home_is_read_from_the_environment(home, monkeypatch):
    monkeypatch.setenv('TEMPLATEFLOW_HOME', str(home))
    image = write_image(home / name_schaefer())
    assert find_atlas(f'{NAME}:res-2', TEMPLATE).image == image


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    refuse(
        f'x: the folder of TemplateFlow cannot be used ({tmp_path}/file/home: Not a directory). Set TEMPLATEFLOW_HOME',
        'x',
        TEMPLATE,
        templateflow_home=tmp_path / 'file' / 'home',
    )


@pytest.fixture
def server(tmp_path):
    """Serve the folder ``served`` as TemplateFlow's store."""
    (tmp_path / 'served').mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / 'served')
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{running.server_port}'
        running.shutdown()
        thread.join()


def fetch(home, *addresses):
    """Return the errors of the client when it downloads the image, in a process of its own: it leaves sockets open."""
    code = (
        'from nipype_labels.bids.index import File\n'
        'from nipype_labels.bids.names import split_name\n'
        'from nipype_labels.bids.templateflow import Archive\n'
        f'path = "{name_schaefer()}"\n'
        f'for address in {addresses}:\n'
        f'    try: Archive("{home}", s3_root=address).fetch(File(path, *split_name(path)))\n'
        '    except ValueError as e: print(e)'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_client_downloads_an_image_once(home, server, tmp_path):
    served = write_image(tmp_path / 'served' / name_schaefer())
    assert fetch(home, server) == ''
    assert (home / name_schaefer()).read_bytes() == served.read_bytes()
    served.unlink()
    assert fetch(home, server) == ''
    assert list(home.glob('.nipype*')) == []


@pytest.mark.slow
def test_a_failed_download_explains_how_to_prefetch(home, server):
    start = f'{home / name_schaefer()} has not been downloaded yet, and downloading it failed: '
    call = f"get('{TEMPLATE}', atlas='Schaefer2018', desc='100Parcels7Networks', suffix='dseg')"
    reasons = ('no connection. ', f'Failed to download {server}/')
    for said, reason in zip(fetch(home, NOWHERE, server).splitlines(), reasons, strict=True):
        assert said.startswith(start + reason)
        assert f'Where the network is available, run: python -c "from templateflow.api import get; {call}"' in said
        assert f'copy the folder {home} and set TEMPLATEFLOW_HOME to the copy' in said
