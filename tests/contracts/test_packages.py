# SPDX-License-Identifier: BSD-3-Clause
"""The wheel and the public names: complete, and without anything else."""

import configparser
import importlib.metadata
import inspect
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from contract_cases import modules

import nipype_labels

ROOT = Path(__file__).parents[2]

#: Where exceptions are defined: tests pickle those of the core, and the command's own crosses no process.
OF_EXCEPTIONS = {'nipype_labels.model.errors', 'nipype_labels.cli'}

#: Top-level folders with Python files that are not part of the wheel.
STRANGERS = ('workflows', 'tests', 'benchmarks', 'docs')


def check_all(package):
    """List faults of the public names of a package."""
    listed = getattr(package, '__all__', None)
    if listed is None:
        return
    yield from (f'{name} is listed, and not there' for name in listed if not hasattr(package, name))
    yield from (f'{name} is listed twice' for name in {name for name in listed if listed.count(name) > 1})
    given = {name for name, value in vars(package).items() if name[0] != '_' and not inspect.ismodule(value)}
    yield from (f'{name} is there, and not listed' for name in sorted(given - set(listed)))
    if listed != sorted(listed):
        yield 'is in no order'


def sources(folder):
    """Files of the package below a folder, by their names in a wheel."""
    found = (path for path in (folder / 'nipype_labels').rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found if '__pycache__' not in path.parts}


def check_wheel(names, wanted):
    """List faults of the files of a wheel."""
    shipped = {name for name in names if not name.split('/')[0].endswith('.dist-info')}
    yield from (f'{name} is shipped, and no part of the package' for name in sorted(shipped - wanted))
    yield from (f'{name} is not shipped' for name in sorted(wanted - shipped))


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A copy of the checkout, without built files."""
    folder = tmp_path_factory.mktemp('wheel') / 'checkout'
    shutil.copytree(
        ROOT / 'nipype_labels', folder / 'nipype_labels', ignore=shutil.ignore_patterns('.*', '__pycache__')
    )
    for path in [each for place in ('.', *STRANGERS) for each in (ROOT / place).iterdir() if each.is_file()]:
        copied = folder / path.relative_to(ROOT)
        copied.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, copied)
    return folder


@pytest.fixture(scope='module')
def wheel(checkout):
    """Files of the wheel, which is built by installed packages without network."""
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-index', '--no-build-isolation', '--quiet']
    command += ['--wheel-dir', str(checkout.parent), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = checkout.parent.glob('*.whl')
    with zipfile.ZipFile(path) as opened:
        yield {name: opened.read(name) for name in opened.namelist() if not name.endswith('/')}


def test_the_wheel_holds_the_package_and_nothing_else(wheel, checkout):
    assert all(list((checkout / name).rglob('*.py')) for name in STRANGERS)
    assert not list(check_wheel(wheel, sources(checkout)))


def test_metadata_of_the_wheel_have_version_licence_and_command(wheel):
    metadata = {Path(name).name: content.decode() for name, content in wheel.items() if '.dist-info/' in name}
    assert f'\nVersion: {nipype_labels.__version__}\n' in metadata['METADATA']
    assert metadata['LICENSE'] == (ROOT / 'LICENSE').read_text(encoding='utf-8')
    scripts = configparser.ConfigParser()
    scripts.read_string(metadata['entry_points.txt'])
    assert dict(scripts['console_scripts']) == {'nipype-labels': 'nipype_labels.cli.main:main'}


def test_the_description_for_package_indexes_has_no_links_into_the_repository(wheel):
    (metadata,) = (content.decode() for name, content in wheel.items() if name.endswith('/METADATA'))
    assert '\nDescription-Content-Type: text/markdown\n' in metadata
    description = metadata.split('\n\n', 1)[1]
    assert description.startswith('# nipype_labels: region time series')
    assert re.findall(r'\]\((?!https://)([^)]+)\)', description) == []
    assert 'Denoising strategies (`docs/denoising.md`)' in description


def test_changes_have_a_section_for_this_version():
    first = re.search(r'^## (\S+).*\n\n(.+)', (ROOT / 'CHANGES.md').read_text(encoding='utf-8'), re.MULTILINE)
    assert first[1] == nipype_labels.__version__
    assert not first[2].startswith('#')


def test_the_citation_names_this_version():
    assert f'\nversion: {nipype_labels.__version__}\n' in (ROOT / 'CITATION.cff').read_text(encoding='utf-8')


def test_the_installed_version_is_that_of_the_code():
    """If versions differ, the environment is of another checkout."""
    assert importlib.metadata.version('nipype_labels') == nipype_labels.__version__


@pytest.mark.parametrize('script', importlib.metadata.distribution('nipype_labels').entry_points, ids=str)
def test_commands_exist(script):
    inspect.signature(script.load()).bind()
    found = shutil.which(script.name, path=str(Path(sys.executable).parent))
    done = subprocess.run([found, '--version'], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == f'{script.name} {nipype_labels.__version__}'


@pytest.mark.parametrize('package', [module for module in modules() if hasattr(module, '__path__')])
def test_packages_list_their_public_names(package):
    assert not list(check_all(package))


def test_public_packages_list_their_names():
    listing = {module.__name__ for module in modules() if hasattr(module, '__all__')}
    assert {'nipype_labels', *(f'nipype_labels.{name}' for name in ('interfaces', 'workflows', 'reports'))} <= listing


def test_exceptions_are_defined_where_tests_pickle_them():
    found = [each for module in modules() for each in vars(module).values() if inspect.isclass(each)]
    ours = {each for each in found if issubclass(each, BaseException) and each.__module__.startswith('nipype_labels')}
    assert {each.__module__ for each in ours} == OF_EXCEPTIONS


def python(code):
    """Output of a new Python process."""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_importing_the_package_imports_no_large_library():
    large = ('nipype', 'pandas', 'nibabel', 'scipy', 'numpy', 'matplotlib')
    assert python(f'import nipype_labels, sys; print([name for name in {large} if name in sys.modules])') == '[]'


def test_public_names_are_imported_from_the_top_by_name_and_by_star():
    """The star imports exactly these names."""
    names = nipype_labels.__all__
    code = f'import nipype_labels; print(*(name in dir(nipype_labels) for name in {names}))\n'
    code += ''.join(f'from nipype_labels import {name}; print({name} is nipype_labels.{name})\n' for name in names)
    code += 'starred = {}; exec("from nipype_labels import *", starred)\n'
    code += 'print(sorted({*starred} - {"__builtins__"}))'
    printed = python(code).splitlines()
    assert set(' '.join(printed[:-1]).split()) == {'True'}
    assert printed[-1] == str(names)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match='no attribute'):
        _ = nipype_labels.init_label_wf
