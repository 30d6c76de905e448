# SPDX-License-Identifier: Apache-2.0
"""Every archive in fixtures/golden reads in this build as it did in the one that made it: the same items, byte for byte, by
exarch and by the reader that shares nothing with it. And what this build makes passes the same test, so that a golden
archive can be made of it at any time."""
import collections
import functools
import json
import shutil
import subprocess
import sys

import make
import harness

GOLDEN = harness.FIXTURES / 'golden'
LEVELS = ('headers', 'bytes', 'blobs', 'messages')


def reader(*args, expect):
    done = subprocess.run([sys.executable, harness.ROOT / 'tests/reader.py', *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=harness.PATIENCE_S, check=False)
    harness.same(f'reader.py {args[0]} ({done.stderr.decode()}): exit code', done.returncode, expect)
    return done.stdout.decode()


def segments(archive):
    return {path.name: harness.file_sha256(path) for path in archive.rglob('*.xseg')}


def lists_as_expected(run, archive, expected, needed):
    listed = run.exarch('list', archive, '--all-versions', '--json', *needed).objects()
    keys = ('mailbox', 'folder', 'sha256', 'bytes', 'state')
    harness.same_multiset('items', collections.Counter(tuple(item[k] for k in keys) for item in listed),
                          collections.Counter(tuple(item[k] for k in keys) for item in expected))


def exports_as_expected(run, archive, expected, needed):
    run.exarch('export', archive, '--all-versions', '--to', run.dir / 'out', *needed)
    harness.same_multiset('messages', collections.Counter(digest for *_, digest in harness.exported(run.dir / 'out')),
                          collections.Counter(item['sha256'] for item in expected))


def the_other_reader_agrees(run, archive, expected):
    told = reader('check', archive, expect=0)
    if 'not looked into' in told:  # no zstd and no AES in Python: it has checked what is outside
        return
    lines = [line.split('\t') for line in reader('list', archive, expect=0).splitlines()]
    harness.same_multiset('items by reader.py', collections.Counter((m, f, digest, int(size), state)
                                                                    for m, f, _, state, _, size, digest in lines),
                          collections.Counter((i['mailbox'], i['folder'], i['sha256'], i['bytes'], i['state'])
                                              for i in expected))
    reader('extract', archive, run.dir / 'extracted', expect=0)
    harness.same_multiset('messages by reader.py',
                          collections.Counter(harness.file_sha256(p) for p in (run.dir / 'extracted').iterdir()),
                          collections.Counter(item['sha256'] for item in expected if item['state'] == 'live'))


def reads_for_ever(run, golden):
    copy = run.dir / 'golden'
    shutil.copytree(golden, copy)
    archive, whole = copy / 'archive', json.loads((copy / 'expected.json').read_text())
    expected, needed = whole['items'], whole['open']
    before = segments(archive)
    run.exarch('rebuild', archive, *needed, cwd=copy)
    lists_as_expected(run, archive, expected, needed)
    exports_as_expected(run, archive, expected, needed)
    for level in LEVELS:
        run.exarch('verify', archive, '--level', level, *needed, cwd=copy)
    the_other_reader_agrees(run, archive, expected)
    harness.same('the segments', segments(archive), before)
    harness.check(len(before) > 1, 'there are several segments')


def continues(run, golden):
    """This build archives on into it, and fetches nothing that is there already."""
    copy, folder = run.dir / 'continued', run.dir / 'mail'
    shutil.copytree(golden, copy)
    archive, whole = copy / 'archive', json.loads((copy / 'expected.json').read_text())
    needed = whole['open']
    make.serve(folder)
    make.change(folder)
    run.exarch('rebuild', archive, *needed, cwd=copy)
    sim = run.simulator('--mail', folder)
    run.archive(sim.profile(archive=str(archive)), *needed, cwd=copy)
    harness.same('items fetched', sim.fetched_items(), 0)
    lists_as_expected(run, archive, whole['items'], needed)
    run.exarch('verify', archive, *needed, cwd=copy)


def a_golden_archive(name, run):
    reads_for_ever(run, GOLDEN / name)
    continues(run, GOLDEN / name)


def a_new_archive(name, run):
    golden = make.make(name, run.dir / 'made')
    size = sum(path.stat().st_size for path in golden.rglob('*') if path.is_file())
    harness.check(size <= 100 * 1024, f'{size} bytes are too many to be kept for ever')
    reads_for_ever(run, golden)
    continues(run, golden)


def named(test, words, name):
    found = functools.partial(test, name)
    found.__name__ = f'{words}_{name}'
    return found


if __name__ == '__main__':
    kept = sorted(path.parent.name for path in GOLDEN.glob('*/expected.json'))
    harness.main(*(named(a_golden_archive, 'what_is_kept_of', name) for name in kept),
                 *(named(a_new_archive, 'what_this_build_makes_of', name) for name in make.KINDS))
