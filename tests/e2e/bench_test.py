# SPDX-License-Identifier: Apache-2.0
"""exarch bench: the advice it gives, and that nothing is left of it, here or at the server."""
import collections
import signal
import xml.etree.ElementTree

import harness
from harness import check, same

READING = {'FindFolder', 'GetFolder', 'SyncFolderItems', 'GetItem'}
SMALL = {'threads': 8, 'batch_items': 5}  # the judge of requests reads how many may be on the way here


def begin(run, *args, **changes):
    sim = run.simulator('--generate', '4x30', '--seed', 5, '--mean-size', 'small', *args)
    scratch = run.dir / 'scratch'
    scratch.mkdir()
    return sim, sim.profile(run=SMALL, **changes), scratch


def by_event(result):
    found = collections.defaultdict(list)
    for line in result.objects():
        found[line['event']].append(line)
    return found


def more_threads_are_advised_where_latency_is_all_there_is(run):
    sim, profile, scratch = begin(run, '--latency', 40, delete={'when': 'archived', 'how': 'hard'})
    picture = run.dir / 'bench.svg'
    told = by_event(run.exarch('bench', profile, '--threads', '4,1', '--items', 80, '--scratch', scratch, '--svg', picture,
                               '--json'))
    same('threads', [p['threads'] for p in told['point']], [1, 4])
    same('items of each run', [p['items'] for p in told['point']], [80, 80])
    same('throttled', [p['throttled'] for p in told['point']], [0, 0])
    same('advised', (told['advice'][0]['threads'], told['advice'][0]['limit']), (4, 'not-reached'))
    for point in told['point']:
        check(point['median_ms'] >= 40, f'no request was faster than the latency: {point}')
        check(point['p95_ms'] >= point['median_ms'] and point['cpu_s'] > 0 and point['peak_rss_bytes'] > 1 << 20, f'{point}')
    same('the picture', xml.etree.ElementTree.parse(picture).getroot().tag, '{http://www.w3.org/2000/svg}svg')
    same('left of it', list(scratch.iterdir()), [])
    same('in the archive', list(sim.archive.glob('*')), [])
    same('items asked for, by both runs', sim.fetched_items(), 160)
    asked = {r['operation'] for r in sim.requests if 'Exchange.asmx' in r['path']}
    check(asked <= READING, f'operations: {asked}')
    same('requests as counted', told['point'][0]['requests'] + told['point'][1]['requests'],
         sum(r['operation'] in READING for r in sim.requests) - requests_of_the_choice(sim))


def requests_of_the_choice(sim):
    """Before the runs each mailbox that is looked at is asked for its folders: the root, and those below."""
    first = next(i for i, r in enumerate(sim.requests) if r['operation'] == 'SyncFolderItems')
    mailboxes = len({r['mailbox'] for r in sim.requests[:first] if r['operation'] == 'FindFolder'})
    return 2 * mailboxes


def no_more_threads_are_advised_than_the_server_bears(run):
    sim, profile, scratch = begin(run, '--latency', 60, '--scenario', harness.FIXTURES / 'scenarios/limit-total.yaml')
    result = run.exarch('bench', profile, '--threads', '2,8', '--items', 40, '--scratch', scratch)
    harness.contains('the table', result.out, 'run.threads: 2\n', "the tenant's limit, not exarch's")
    harness.contains('what is said before', result.err, "tenant's budget", 'nothing is written')
    same('left of it', list(scratch.iterdir()), [])
    check(any(r['status'] == 503 for r in sim.requests_of('GetItem') + sim.requests), 'the server was busy')


def rounds_are_told_with_their_spread(run):
    _, profile, scratch = begin(run)
    told = by_event(run.exarch('bench', profile, '--threads', '1,2', '--items', 40, '--rounds', 3, '--scratch', scratch, '--json'))
    same('order of the runs', [r['threads'] for r in told['run']], [1, 2, 2, 1, 1, 2])
    for point in told['point']:
        rates = sorted(r['items'] / r['seconds'] for r in told['run'] if r['threads'] == point['threads'])
        for name, rate in zip(('items_per_s_least', 'items_per_s', 'items_per_s_most'), rates):
            check(abs(point[name] - rate) <= rate * 1e-9, f'{name} of {point["threads"]} threads: {point}, {rates}')


def a_run_ends_at_its_time(run):
    _, profile, scratch = begin(run, '--latency', 150)
    told = by_event(run.exarch('bench', profile, '--threads', 1, '--duration', '1 s', '--scratch', scratch, '--json'))
    check(told['point'][0]['cut_short'] and told['point'][0]['items'] < 120, f'{told["point"]}')
    same('left of it', list(scratch.iterdir()), [])


def stopped_by(run, number):
    sim, profile, scratch = begin(run, '--latency', 50)
    process = run.start('bench', profile, '--threads', '1,2', '--scratch', scratch)
    sim.wait_for('GetItem', 2, also=lambda: process.process.poll() is not None)
    check(list(scratch.iterdir()), 'there is a scratch archive')
    process.signal(number)
    result = process.end(harness.STOPPED)
    same('left of it', list(scratch.iterdir()), [])
    harness.contains('the error', result.err, 'stopped by a signal')


def sigint_leaves_nothing(run):
    stopped_by(run, signal.SIGINT)


def sigterm_leaves_nothing(run):
    stopped_by(run, signal.SIGTERM)


def an_encrypted_archive_has_an_encrypted_scratch(run):
    """As far as one sees it: a generated name stands in no file of it."""
    sim, profile, scratch = begin(run, '--latency', 50, archive_key={'key_file': str(run.dir / 'key')})
    run.exarch('init', sim.archive, '--encrypt', '--key-file', run.dir / 'key')
    process = run.start('bench', profile, '--threads', 1, '--scratch', scratch)
    sim.wait_for('GetItem', 2, also=lambda: process.process.poll() is not None)
    made = {p.name for p in scratch.rglob('*')}
    process.signal(signal.SIGTERM)
    process.end(harness.STOPPED)
    check({'FORMAT', 'KEYRING'} <= made, f'files of the scratch archive: {made}')


def wrong_options_are_named(run):
    sim, profile, scratch = begin(run)
    for args, names in ((('--threads', '1,,2'), ('--threads', '1,,2')), (('--threads', '65'), ('64',)),
                        (('--threads', ''), ('--threads',)), (('--items', '0'), ('--items',)), (('--items', 'x'), ('--items',)),
                        (('--rounds', '101'), ('--rounds', '100')), (('--duration', 'long'), ('--duration',)),
                        (('--compression', 'lzma'), ('zstd',)), (('--svg', run.dir / 'no/x.svg'), ('--svg',)),
                        (('--mailbox', 'nobody@*'), ('no mailbox',)), (('--scratch', run.dir / 'no'), ('--scratch',))):
        result = run.exarch('bench', profile, *args, expect={harness.USAGE, harness.FAILED})
        harness.contains(f'{result}: the error', result.err, *names)
        same(f'{result}: stdout', result.out, '')
    same('items asked for', sim.fetched_items(), 0)
    same('left of it', list(scratch.iterdir()), [])


if __name__ == '__main__':
    harness.main(more_threads_are_advised_where_latency_is_all_there_is,
                 no_more_threads_are_advised_than_the_server_bears,
                 rounds_are_told_with_their_spread,
                 a_run_ends_at_its_time,
                 sigint_leaves_nothing,
                 sigterm_leaves_nothing,
                 an_encrypted_archive_has_an_encrypted_scratch,
                 wrong_options_are_named,
                 short=(sigterm_leaves_nothing, rounds_are_told_with_their_spread), at_once=4)
