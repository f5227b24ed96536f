# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables: contradictory and damaged ones are refused by file and row, and any name is a valid column."""

import gzip
import json

import numpy as np
import pytest
from coverage_frames import read_regions
from hostile_cases import NAMES, Case, ask, both, cases, contents, folder, image, nothing, remove, text

from nipype_labels.files.tables import read_signals

LUT = 'lut.tsv'
TABLE = 'index\tname\n' + ''.join(f'{i}\t{name}\n' for i, name in NAMES.items())
ENTITIES = ''.join(f'<!ENTITY {one} "{f"&{other};" * 10}">' for one, other in zip('abcdefgh', 'bcdefghi', strict=True))
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [{ENTITIES}<!ENTITY i "boom">]><atlas><label index="1">&a;</label></atlas>'
LEAK = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><atlas><label index="1">&e;</label></atlas>'


def lut(content):
    return text(LUT, content)


def more(*rows):
    """Further rows behind those of the table."""
    return text(LUT, TABLE + ''.join(f'{row}\n' for row in rows))


@cases(
    ('missing', remove(LUT), f'no such look-up table | {LUT}'),
    ('a folder', folder(LUT), f'no such look-up table | {LUT}'),
    ('empty', lut(''), f'{LUT} has no names of regions'),
    ('blank lines', lut('\n\n  \n'), f'{LUT} has no names of regions'),
    ('a heading alone', lut('index\tname\n'), f'{LUT} has no names of regions'),
    ('junk', lut(bytes(range(256)) * 4), f'{LUT} is binary, not text'),
    ('noise', lut(np.random.default_rng(0).bytes(3000)), LUT),
    ('packed', lut(gzip.compress(TABLE.encode())), LUT),
    ('NUL bytes alone', lut(bytes(100)), f'{LUT} is binary, not text'),
    ('NUL bytes behind', lut(TABLE.encode() + bytes(9)), f'{LUT} is binary, not text'),
    ('a NUL byte in a name', lut(TABLE.replace('Insula', 'In\0sula')), f'{LUT} is binary, not text'),
    ('the image of the atlas', ask(lut='atlas.nii.gz'), 'atlas.nii.gz has no AFNI label table in its header'),
    ('no column of ids', lut(TABLE.replace('index', 'volume')), f"{LUT} has no known form | 'volume\\tname'"),
    ('no column of names', lut(TABLE.replace('name', 'colour')), f"{LUT} has no known form | 'index\\tcolour'"),
    ('two columns of ids', lut('index\tindex\tname\n1\t2\tA\n'), f'{LUT} has columns of the same name: index, index'),
    ('two columns of names', lut('index\tname\tname\n1\tA\tB\n'), f'{LUT} has columns of the same name: index, name'),
    ('an id twice', more('2\tOther'), f"{LUT} has duplicate values of index (1): index 2 for name ['Insula'"),
    ('a name twice', more('3\tInsula'), f'{LUT} has duplicate values of name (1): name Insula for index [2, 3]'),
    ('a name twice but for a space', more('3\t Insula '), f'{LUT} | name Insula for index [2, 3]'),
    ('a row too short', more('3'), f"{LUT}: a row does not fit the headings index, name: ['3']"),
    ('a row too long', more('3\tA\tB'), f"{LUT}: a row does not fit the headings index, name: ['3', 'A', 'B']"),
    ('an id that is a word', more('x\tOther'), f"{LUT}: a row does not fit | ['x', 'Other']"),
    ('no id', more('\tOther'), f"{LUT}: a row does not fit | ['', 'Other']"),
    ('an id between two', more('1.5\tOther'), f"{LUT}: a row does not fit | ['1.5', 'Other']"),
    ('an id of NaN', more('nan\tOther'), f"{LUT}: a row does not fit | ['nan', 'Other']"),
    ('an id in another number system', more('0x10\tOther'), f"{LUT}: a row does not fit | ['0x10', 'Other']"),
    ('an id in other digits', more('٣\tOther'), f"{LUT}: a row does not fit | ['٣', 'Other']"),
    ('an id beyond 31 bits', more(f'{2**31}\tOther'), f"{LUT} has ids beyond 32 bits, for the names ['Other']"),
    ('ids that floats take for one', more(f'{2**53}\tA', f'{2**53 + 1}\tB'), f"{LUT} has ids beyond | ['A', 'B']"),
    ('an id beyond 64 bits', more(f'{2**64}\tOther'), f"{LUT} has ids beyond 32 bits, for the names ['Other']"),
    ('an id beyond floats', more(f'{"9" * 400}\tOther'), f'{LUT}: a row does not fit | 999'),
    ('an id beyond integers', more(f'{"9" * 5000}\tOther'), f'{LUT}: a row does not fit | 999'),
    ('no name', more('3\t'), f"{LUT} has names that are empty, n/a or not printable: ['']"),
    ('a name of spaces', more('3\t   '), f"{LUT} has names that are empty, n/a or not printable: ['']"),
    ('a name that is none', more('3\tn/a'), f"{LUT} has names that are empty, n/a or not printable: ['n/a']"),
    ('a name that colours terminals', more('3\ta\x1b[31mb'), f"{LUT} has names that are empty, n/a | ['a\\x1b[31mb']"),
    ('a name that is written backwards', more('3\t\u202eabc'), f"{LUT} has names that are empty, n/a | ['\\u202eabc']"),
    ('a name with a tab', lut('index,name\n1,"A\tB"\n'), f"{LUT} has names that are empty, n/a | ['A\\tB']"),
    ('a name of two lines', lut('index,name\n1,"A\nB"\n7,C\n'), f"{LUT} has names that are empty, n/a | ['A\\nB']"),
    ('a name that begins a quoted cell', more('3\t"A'), f"{LUT} has names that begin with a quotation mark | ['\"A']"),
    ('a name that is a quotation mark', lut('1 A\n2 "\n7 C\n'), f'{LUT} has names that begin with a quotation mark'),
    ('a quotation mark left open', lut('index,name\n1,"A\n2,B\n7,C\n'), f'{LUT} is not a table | quotation mark'),
    ('a cell without end', lut(f'index,name\n1,"{"x" * 200_000}"\n'), f'{LUT} is not a table: field larger than'),
    ('fewer names than regions', lut('A\nB\n'), f'{LUT} has 2 names without ids for 3 regions'),
    ('an id twice in lines', lut('1 A\n2 B\n2 C\n'), f'{LUT} | index 2 for name'),
    ('XML that does not end', lut('<atlas><label index="1">A</lab>'), f'{LUT} is not valid XML: mismatched tag'),
    ('XML of something else', lut('<html></html>'), f'{LUT} has no known form'),
    ('XML without end', lut('<a>' * 100_000), f'{LUT} is not valid XML'),
    ('XML that grows', lut(BOMB), f'{LUT} defines XML entities'),
    ('XML that reads other files', lut(LEAK), f'{LUT} defines XML entities'),
    (
        'XML with an id beyond bounds',
        lut('<a><label index="99999999999">A</label></a>'),
        f"{LUT} has ids beyond | ['A']",
    ),
    ('an empty table of AFNI', lut('<VALUE_LABEL_DTABLE>'), f'{LUT} has no names of regions'),
    ('names that repeat', ask(lut=None), 'labels has duplicate values of name (1): name A', '--labels A A B'),
    ('too few names', ask(lut=None), 'labels has 2 names without ids for 3 regions', '--labels A B'),
    ('names and a table', nothing, 'names are given twice: by labels and by --lut', '--labels A B C'),
)
def test_a_table_that_names_no_regions_is_refused(case, refuse_cheaply):
    refuse_cheaply(case)


@cases(
    ('line ends of old Macs', lut(TABLE.replace('\n', '\r'))),
    ('XML', lut('<a>' + ''.join(f'<label index="{i}.0">{name}</label>' for i, name in NAMES.items()) + '</a>')),
    ('the background too', lut(f'{TABLE}0\tBackground\n')),
)
def test_an_unusual_but_valid_table_changes_no_byte(case, unchanged):
    unchanged(case)


#: Names with markup, paths, formulas or control characters.
WILD = {
    'a way out': '../../x',
    'an absolute path': '/etc/passwd',
    'a script': '<script>alert(1)</script>',
    'an attribute': 'x" onload="alert(1)',
    'long': 'x' * 300,
    'longer than a page': 'x' * 100_000,
    'in other scripts': 'Île-de-Ré 左 🧠',
    'one quotation mark': 'left"',
    'a comma': 'a, b',
    'an escape': 'a\\tb\\n',
    'a formula': '=1+1',
    'a comment': '# no comment',
    'a number': '3.5',
    'a number that is none': 'nan',
    'infinite': '-inf',
    'a heading': 'index',
    'a key': 'Sources',
    'a format': '%s {x} ${y}',
    'another case': 'INSULA',
    'an accent in two parts': 'Re\u0301',
}


def test_names_with_special_characters_head_their_columns(accept):
    def damage(given):
        ids = range(1, len(WILD) + 1)
        lut('index\tname\n' + ''.join(f'{i}\t{name}\n' for i, name in zip(ids, WILD.values(), strict=True)))(given)
        image('atlas.nii.gz', lambda labels: np.resize(ids, labels.shape).astype(labels.dtype))(given)

    given = accept(Case('wild', damage, options='--project labels --connectivity correlation'))
    out, names = given / 'out', list(WILD.values())
    assert read_signals(out / 'atlas' / 'timeseries.tsv')[0] == names
    assert read_signals(out / 'atlas' / 'connectivity.tsv')[0] == names
    assert read_regions(out / 'atlas' / 'regions.tsv')['name'].tolist() == names
    json.loads((out / 'cleaning.json').read_text(encoding='utf-8'))
    written = {path for path in contents(given.folder) if path.startswith('out')}
    assert {path.count('/') for path in written} <= {0, 1, 2}
    assert {path.rsplit('/', 1)[-1] for path in written} == {
        *('out', 'atlas', 'timeseries.tsv', 'timeseries_raw.tsv', 'regions.tsv', 'labels.nii.gz', 'projected.nii.gz'),
        *('connectivity.tsv', 'connectivity.json', 'mean.nii.gz', 'censoring.tsv', 'cleaning.json'),
    }


def test_names_with_markup_run_no_script_in_a_report(accept):
    names = [WILD['a script'], WILD['an attribute'], WILD['in other scripts']]
    table = 'index\tname\n' + ''.join(f'{i}\t{name}\n' for i, name in zip((7, 1, 2), names, strict=True))
    page = (accept(Case('wild', lut(table), options='--reports')) / 'out' / 'report.html').read_text(encoding='utf-8')
    assert '<script>alert' not in page
    assert '&lt;script&gt;alert(1)' in page
    assert '" onload="alert' not in page
    assert 'Île-de-Ré' in page


#: Names of atlases that are paths, or names of outputs.
ATLASES = ['..nii.gz', '...nii.gz', '.nii.gz', 'work.nii.gz', 'mean.nii.gz.nii.gz', 'report.html.nii', 'a\nb.nii.gz']


@pytest.mark.parametrize('name', ATLASES)
def test_an_atlas_is_written_to_a_folder_of_its_own_whatever_its_name(name, accept):
    def damage(given):
        content = (given / 'atlas.nii.gz').read_bytes()
        (given / name).write_bytes(content if name.endswith('.gz') else gzip.decompress(content))
        ask(atlas=name)(given)

    given = accept(Case('named', damage))
    (folder,) = [path.parent for path in given.folder.rglob('timeseries.tsv')]
    assert folder.parent == given / 'out'
    assert folder.name not in ('work', 'mean.nii.gz', 'report.html')
    assert (given / 'out' / 'mean.nii.gz').is_file()


def test_atlases_never_share_a_folder(accept):
    def damage(given):
        for name in ('b/atlas', 'c/atlas-2', 'd/ATLAS'):
            (given / f'{name}.nii.gz').parent.mkdir()
            (given / f'{name}.nii.gz').write_bytes((given / 'atlas.nii.gz').read_bytes())

    options = '--atlas b/atlas.nii.gz --atlas c/atlas-2.nii.gz --atlas d/ATLAS.nii.gz'
    given = accept(Case('three', both(damage, image('atlas.nii.gz')), options=options))
    written = [path.parent for path in given.folder.glob('out/*/timeseries.tsv')]
    assert len({str(path).lower() for path in written}) == 4
