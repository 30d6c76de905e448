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


class Golden:
    """A copy of one, and what must be found in it."""

    def __init__(self, run, golden, name):
        self.run, self.dir, self.archive = run, run.dir / name, run.dir / name / 'archive'
        shutil.copytree(golden, self.dir)
        make.let_in(self.dir, json.loads((golden / 'expected.json').read_text())['secrets'])
        self.expected = json.loads((self.dir / 'expected.json').read_text())
        self.key = self.expected['open']

    def exarch(self, verb, *args, key=None):
        verb, *more = verb.split()
        return self.run.exarch(verb, *more, self.archive, *args, *(self.key if key is None else key), cwd=self.dir)

    def items(self, *states):
        return [item for item in self.expected['items'] if item['state'] in states]

    def kept(self):
        return self.items('live', 'removed', 'superseded')

    def segments(self):
        return {path.name: harness.file_sha256(path) for path in self.archive.rglob('*.xseg')}

    def reader(self, verb, *args):
        done = subprocess.run([sys.executable, harness.ROOT / 'tests/reader.py', verb, *self.key, self.archive, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=harness.PATIENCE_S, check=False, cwd=self.dir)
        harness.same(f'reader.py {verb} ({done.stderr.decode()}): exit code', done.returncode, 0)
        return done.stdout.decode()


def same_items(what, found, expected, *keys):
    harness.same_multiset(what, collections.Counter(tuple(item[k] for k in keys) for item in found),
                          collections.Counter(tuple(item[k] for k in keys) for item in expected))


def lists_as_expected(g):
    same_items('items', g.exarch('list', '--all-versions', '--json').objects(), g.kept(), 'mailbox', 'folder', 'sha256', 'bytes',
               'state')
    expired = g.exarch('list', '--expired', '--json').objects()
    same_items('expired items', expired, g.items('expired'), 'mailbox', 'folder', 'bytes', 'state')
    harness.same('the rules they expired by', {item['rule'] for item in expired}, {g.expected['rule']} if expired else set())
    for item in expired:
        told = g.run.exarch('show', g.archive, item['number'], *g.key, cwd=g.dir, expect=harness.FAILED).err
        harness.contains('show of an expired item', told, f'item {item["number"]} was expired', item['rule'])


def exports_as_expected(g):
    g.exarch('export', '--all-versions', '--to', g.run.dir / 'out')
    harness.same_multiset('messages', collections.Counter(digest for *_, digest in harness.exported(g.run.dir / 'out')),
                          collections.Counter(item['sha256'] for item in g.kept()))


def verifies_at_every_level(g):
    for level in ('headers', 'bytes', 'blobs', 'messages'):
        g.exarch('verify', '--level', level)
    for level in ('headers', 'bytes'):  # nobody needs a key for these
        g.exarch('verify', '--level', level, key=[])


def holds_and_record_are_as_expected(g):
    harness.same('holds', {hold['name']: hold['in_force'] for hold in g.exarch('hold list', '--all', '--json').objects()},
                 g.expected['holds'])
    *events, chains = g.exarch('audit', '--json').objects()
    harness.same('the record', [event['action'] for event in events if event['event'] == 'audit'], g.expected['audit'])
    harness.same('chains that are broken', chains['broken'], 0)


def the_other_reader_agrees(g):
    if 'not looked into' in g.reader('check'):  # no zstd in Python: it has checked what is outside
        return
    names = ('mailbox', 'folder', 'number', 'state', 'received', 'bytes', 'sha256')
    listed = [dict(zip(names, line.split('\t'))) for line in g.reader('list').splitlines()]
    same_items('items by reader.py', [{**i, 'bytes': int(i['bytes'])} for i in listed if i['state'] != 'expired'], g.kept(),
               'mailbox', 'folder', 'sha256', 'bytes', 'state')
    same_items('expired items by reader.py', [i for i in listed if i['state'] == 'expired'],
               [{**i, 'sha256': i['sha256'][:16]} for i in g.items('expired')], 'mailbox', 'folder', 'sha256')
    g.reader('extract', g.run.dir / 'extracted')
    harness.same_multiset('messages by reader.py',
                          collections.Counter(harness.file_sha256(p) for p in (g.run.dir / 'extracted').iterdir()),
                          collections.Counter(item['sha256'] for item in g.items('live')))


def a_key_is_asked_for(g):
    if not g.key:
        return
    for verb in ('list', 'rebuild'):
        told = g.run.exarch(verb, g.archive, expect=harness.SIGN_IN).err
        harness.contains(f'{verb} without a key', told, 'encrypted')


def reads_for_ever(run, golden):
    g = Golden(run, golden, 'golden')
    before = g.segments()
    a_key_is_asked_for(g)
    g.exarch('rebuild')
    lists_as_expected(g)
    exports_as_expected(g)
    holds_and_record_are_as_expected(g)
    verifies_at_every_level(g)
    the_other_reader_agrees(g)
    harness.same('the segments', g.segments(), before)
    harness.check(len(before) > 1, 'there are several segments')


def continues(run, golden):
    """This build archives on into it, and fetches nothing that is there already or has expired."""
    g, folder = Golden(run, golden, 'continued'), run.dir / 'mail'
    make.serve(folder)
    make.change(folder)
    if g.items('expired'):
        make.come_late(folder)
    g.exarch('rebuild')
    sim = run.simulator('--mail', folder)
    summary = run.archive(sim.profile(archive=str(g.archive)), *g.key, cwd=g.dir)
    harness.same('items fetched and unexplained', (sim.fetched_items(), summary['unexplained']), (0, 0))
    lists_as_expected(g)
    g.exarch('verify')


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
    kept = {path.parent.name: named(a_golden_archive, 'what_is_kept_of', path.parent.name)
            for path in sorted(GOLDEN.glob('*/expected.json'))}
    harness.main(*kept.values(), *(named(a_new_archive, 'what_this_build_makes_of', name) for name in make.KINDS),
                 short=[kept['1.0-cut'], kept['1.0-encrypted-keyfile']])
