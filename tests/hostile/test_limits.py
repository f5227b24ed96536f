# SPDX-License-Identifier: BSD-3-Clause
"""Files and arguments of extreme sizes: read or refused in little time and memory."""

import gc
import gzip
import lzma
import os
import time
import tracemalloc
import zipfile

import nibabel as nib
import numpy as np
import pytest
from hostile_cases import SHAPE, ask, both, cases, plugin, text

from nipype_labels.files.lut import read_lookup_table

#: Limits of memory, and of CPU time while memory is traced.
MOST_BYTES, SECONDS = 5e8, 5

MIB = 2**20

pytestmark = pytest.mark.slow


@pytest.fixture
def limited():
    """Check the time and the memory that a test has taken."""
    tracemalloc.start()
    began = time.process_time()
    try:
        yield
        assert time.process_time() - began < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def gzipped(head, megabytes, byte=b'\0'):
    """Gzipped bytes and a bomb behind them; each member is an MiB."""
    return gzip.compress(head, mtime=0) + gzip.compress(byte * MIB, mtime=0) * megabytes


def extended(option, suffix='.nii', size=2**30, content=b''):
    """Ask for an image whose header extension has a size; most of it is a hole in the file."""

    def damage(given):
        image = nib.Nifti1Image(np.zeros(SHAPE, np.int16), np.eye(4))
        header = image.header
        header['vox_offset'], header['magic'] = 352 + size, b'n+1'
        head = header.binaryblock + bytes([1, 0, 0, 0]) + size.to_bytes(4, 'little') + (4).to_bytes(4, 'little')
        path = given.folder.parent / f'extended{suffix}'  # not among the files that are compared
        if suffix == '.nii':
            path.write_bytes(head + content)
            os.truncate(path, 352 + size + image.get_fdata().size * 2)
        else:
            path.write_bytes(gzipped(head, size // MIB + 1))
        ask(**{option: str(path)})(given)

    return damage


def archive(name, kind):
    """A compressed table of 1 GiB, or 80 MiB where compressing takes long."""

    def damage(given):
        path = given / name
        if kind == 'gz':
            path.write_bytes(gzipped(b'csf\n', 1024, b'0'))
        elif kind == 'xz':
            path.write_bytes(lzma.compress(b'0' * 80 * MIB, preset=0))
        else:
            with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
                packed.writestr('table.tsv', b'0' * 80 * MIB)

    return damage


def pipe(name):
    """Put a pipe without a writer in the place of a file."""

    def damage(given):
        (given / name).unlink(missing_ok=True)
        os.mkfifo(given / name)

    return damage


#: A table of 100,000 columns.
WIDE = '\n'.join(['\t'.join(f'c{i}' for i in range(100_000))] + ['\t'.join(map(str, range(100_000)))] * 40)

#: AFNI's opening tag again and again, and no end: searched from each place to the end, it takes hours.
TAGS = b'<VALUE_LABEL_DTABLE ' * 200_000


@cases(
    (
        'an extension of an atlas of 1 GiB',
        extended('atlas'),
        'extended.nii | header extensions of 1074 MB, more than 67 MB',
    ),
    ('a compressed one', extended('atlas', '.nii.gz'), 'extended.nii.gz | header extensions of 1074 MB'),
    ('an extension of a mask', extended('mask'), 'extended.nii | header extensions of 1074 MB'),
    ('an extension of a series', extended('bold'), 'extended.nii | header extensions of 1074 MB'),
    ('tags of AFNI without an end', extended('atlas', size=5_000_000, content=TAGS), 'extended.nii'),
    ('a table of AFNI without an end', text('lut.tsv', TAGS), 'lut.tsv has no names of regions'),
    ('confounds, gzipped, of 1 GiB', archive('confounds.tsv', 'gz'), 'confounds.tsv holds more than 67 MB'),
    ('confounds, zipped', archive('confounds.tsv', 'zip'), 'confounds.tsv holds more than 67 MB'),
    ('confounds, xz', archive('confounds.tsv', 'xz'), 'confounds.tsv holds more than 67 MB'),
    ('confounds of 100,000 columns', text('confounds.tsv', WIDE), 'confounds.tsv has 100000 columns'),
    ('confounds of a million rows', text('confounds.tsv', lambda: '1\n' * 1_000_000), 'confounds.tsv has 1000000 rows'),
    ('confounds in one line', text('confounds.tsv', lambda: '1 ' * 10_000_000), 'confounds.tsv has 10000000 columns'),
    ('a sample mask of 1 GiB', archive('keep.tsv', 'gz'), 'keep.tsv'),
    (
        'a sidecar of 30 MB',
        text('sidecar.json', lambda: '[' + '0,' * 15_000_000 + '0]'),
        'sidecar.json holds more than 17 MB',
    ),
    (
        'a table of names of 30 MB',
        text('lut.tsv', lambda: 'index\tname\n' + '1\ta\n' * 8_000_000),
        'lut.tsv holds more than 17 MB',
    ),
    ('a pipe as confounds', pipe('confounds.tsv'), 'confounds.tsv'),
    ('a pipe as a table of names', pipe('lut.tsv'), 'lut.tsv'),
    ('a pipe as a sidecar', pipe('sidecar.json'), 'sidecar.json'),
    ('a pipe as a sample mask', pipe('keep.tsv'), 'keep.tsv'),
    ('a pipe as a series', pipe('bold.nii.gz'), 'bold.nii.gz'),
    ('a pipe as an atlas', pipe('atlas.nii.gz'), 'atlas.nii.gz'),
    ('zeros without end as a sidecar', ask(sidecar='/dev/zero'), '/dev/zero'),
    ('zeros without end as confounds', ask(confounds='/dev/zero'), '/dev/zero'),
    ('zeros without end as a table of names', ask(lut='/dev/zero'), '/dev/zero'),
    ('zeros without end as a sample mask', ask(sample_mask='/dev/zero'), '/dev/zero'),
    ('zeros without end as runs', ask(runs='/dev/zero'), '/dev/zero'),
    ('zeros without end as a series', ask(bold='/dev/zero'), '/dev/zero'),
    ('a pipe for the plugin', both(pipe('p.json'), ask(plugin_args_file='p.json')), '--plugin-args-file | p.json'),
    ('zeros without end for the plugin', ask(plugin_args_file='/dev/zero'), '--plugin-args-file | /dev/zero'),
    ('a list for the plugin', plugin('[1]'), '--plugin-args-file | object'),
    ('100,000 processes', ask(nprocs='100000'), '--nprocs must be 1 to 1024, not 100000'),
    ('no process', ask(nprocs='0'), '--nprocs must be 1 to 1024, not 0'),
    ('processes in words', plugin('{"n_procs": "two"}'), "n_procs must be a whole number, 1 to 1024, not 'two'"),
    ('100,000 processes of the plugin', plugin('{"n_procs": 100000}'), 'n_procs must be a whole number, 1 to 1024'),
    ('no process of the plugin', plugin('{"n_procs": 0}'), 'n_procs must be a whole number'),
    ('processes that are true', plugin('{"n_procs": true}'), 'n_procs must be a whole number'),
    ('memory in words', plugin('{"memory_gb": "8 GB"}'), "memory_gb must be a number of 0.01 or more, not '8 GB'"),
    ('no memory', plugin('{"memory_gb": 0}'), 'memory_gb must be a number of 0.01 or more, not 0'),
    ('memory of NaN', plugin('{"memory_gb": NaN}'), 'memory_gb must be a number of 0.01 or more'),
    ('an unknown method to start', plugin('{"mp_context": "thread"}'), "mp_context must be one of 'fork', 'spawn'"),
    ('an unknown scheduler', plugin('{"scheduler": 5}'), "scheduler must be one of 'tsort', 'mem_thread', not 5"),
    ('a choice in words', plugin('{"raise_insufficient": "no"}'), "raise_insufficient must be true or false, not 'no'"),
    ('a number of jobs in words', plugin('{"max_jobs": "all"}'), 'max_jobs must be a whole number'),
)
def test_extreme_values_are_refused(case, refuse, limited):
    refuse(case)


#: Blanks within names, which regular expressions may try to divide in all ways.
BLANKS = ' ' * 200_000


@cases(
    ('a name with many blanks', text('lut.tsv', f'1 A{BLANKS}B\n2 C\n7 D\n')),
    ('a name with many blanks before a code', text('lut.tsv', f'1 A{BLANKS}12345\n2 C 1\n7 D 1\n')),
    ('many blanks before a colour', text('lut.tsv', f'1 A{BLANKS}B #zz0000\n2 C #000000\n7 D #000000\n')),
    ('many blanks before the id', text('lut.tsv', f'{BLANKS}1 A\n2 C\n7 D\n')),
    ('a table in a header with many blanks', text('lut.tsv', f'<VALUE_LABEL_DTABLE>"1"{BLANKS}"A" "2"{BLANKS}\n')),
)
def test_many_blanks_take_no_time(case, given, call, limited):
    case.damage(given)
    _, said = call(*given.arguments())
    assert 'Traceback' not in said


@pytest.mark.parametrize(
    'form',
    ['{0}\tRegion {0}', '{0} Region_{0}', '{0},Region {0}', '{0}\tRegion {0}\t1\t2\t3', '{0} Region {0} 12 13 14 0'],
)
def test_a_table_of_20_000_names_is_read(form, given):
    (given / 'lut.tsv').write_text('\n'.join(map(form.format, range(1, 20_001))))
    # Collecting garbage among the objects of other tests would take longer than the table.
    gc.disable()
    began = time.process_time()
    assert len(read_lookup_table(given / 'lut.tsv')['name']) == 20_000
    took = time.process_time() - began
    gc.enable()
    assert took < 1


@pytest.mark.parametrize('value', ['0', '-1', '1e-9', 'nan', 'inf', '-inf'])
def test_memory_that_no_node_can_have_is_refused(value, tmp_path, call):
    status, said = call(
        'derivatives', str(tmp_path), str(tmp_path / 'out'), 'participant', '--atlas', 'x', f'--mem-gb={value}'
    )
    assert status == 2
    assert '--mem-gb must be 0.001 or more' in said
