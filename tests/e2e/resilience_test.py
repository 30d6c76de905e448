# SPDX-License-Identifier: Apache-2.0
"""exarch against every scenario under fixtures/scenarios: what it archives while the server misbehaves, what it says of the rest,
that it obeys, and that the next run finds everything once the trouble is over.

A row says what the first run must come to; what isn't said is that all is archived and the exit status is 0. Each row runs with
one thread and with eight. docs/ews.md has the rows as a table, made by `resilience_test.py table`."""
import collections
import dataclasses
import re
import sys

import ews_peer
import harness
import mail
import wire
from harness import DONE, INCOMPLETE, SIGN_IN, check, same
from wire import ANNA, BERT

SCENARIOS = harness.FIXTURES / 'scenarios'
MAIL = {
    'anna/Inbox/one.eml': mail.message('one', 'Mon, 02 Mar 2026 09:00:00 +0000'),
    'anna/Inbox/two.eml': mail.message('two', 'Mon, 02 Mar 2026 08:00:00 +0000'),
    'anna/Inbox/three.eml': mail.message('three', 'Mon, 02 Mar 2026 07:00:00 +0000'),
    'anna/Inbox/bad.eml': mail.message('some poison', 'Mon, 02 Mar 2026 06:00:00 +0000'),
    'anna/Projects/plan.eml': mail.message('plan'), 'bert/Inbox/four.eml': mail.message('four')}
ALL, ANNAS, BERTS = 6, 5, 1


@dataclasses.dataclass
class Row:
    says: str  # what is expected, for people
    archived: int = ALL
    code: int = DONE
    failed: int = 0
    gone: int = 0
    native: int = 0  # of those archived, as native streams alone
    names: tuple = ()  # words in what the first run tells of problems
    then: int | None = None  # archived by the second run; None: what the first left
    asked: dict = dataclasses.field(default_factory=dict)  # exact numbers: requests by operation, 'items' of GetItem
    profile: dict = dataclasses.field(default_factory=dict)
    generated: str = ''  # MAILBOXESxITEMS instead of MAIL
    racing: bool = False  # with several threads the first run may come too early to see it all
    slow: bool = False  # exarch waits for long: only with EXARCH_LONG
    short: bool = False  # for the sanitizers, too


AS_EVER = 'all archived'
ONE_BY_ONE = {'run': {'mailbox_concurrency': 1}}  # so that changes meet anna's mailbox
ITEMS_ONCE = {'items': ALL}


def again(what):
    return f'{what}: asked again, all archived'


ROWS = {
    # speed and limits
    'latency': Row(AS_EVER, asked=ITEMS_ONCE),
    'bandwidth': Row(AS_EVER, asked=ITEMS_ONCE),
    'gzip': Row(AS_EVER, asked=ITEMS_ONCE),
    'limit-per-mailbox': Row('refused requests wait as told, fewer at a time; all archived'),
    'limit-total': Row('the same'),
    'budget-fault': Row('nothing is asked before the back-off is over; all archived', short=True),
    'budget-fault-at-200': Row('the same'),
    'budget-inline': Row('the same'),
    'budget-wrapped': Row('the same'),
    'budget-503': Row('the same, by Retry-After'),
    'budget-429': Row('the same, by Retry-After'),
    'budget-punishes': Row('nothing is asked before the back-off is over, so it is never begun anew; all archived'),

    # status
    'status-503': Row(again('held back by Retry-After')),
    'status-503-without-time': Row(again('after a minute'), slow=True),
    'status-429': Row(again('held back by Retry-After')),
    'status-500-cas-error': Row(again('trouble that passes')),
    'status-500-html': Row(again('the batch as it was')),
    'status-502': Row(again('trouble that passes')),
    'status-504': Row(again('trouble that passes')),
    'status-302': Row('not followed; asked again, all archived'),
    'status-200-html': Row(again('no answer'), short=True),
    'status-200-empty': Row(again('no answer')),
    'status-401-expired': Row('a new token each time, since the one before was good in between; all archived'),
    'status-401-always': Row('two new tokens, then the run ends', archived=0, code=SIGN_IN, names=('full_access_as_app',),
                             asked={'token': 3}),
    'status-403': Row('both mailboxes are refused, in words that name the policies', archived=0, code=INCOMPLETE,
                      names=('403', 'EwsEnabled', 'EwsAllowList')),
    'status-413': Row('each item is asked for alone, then as native stream; all archived so', native=ALL),
    'token-503': Row(again('signing in')),
    'token-429': Row(again('signing in, when told'), asked={'token': 2}),
    'directory-429': Row(again('the directory, when told'), profile={'mailboxes': {'from': 'directory', 'groups': ['Everyone'], 'list': None}}),
    'directory-503': Row(again('the directory, when told'), profile={'mailboxes': {'from': 'directory', 'list': None}}),

    # faults and codes
    'fault-busy': Row('the mailbox rests as long as told; all archived'),
    'fault-busy-without-time': Row('the mailbox rests for a minute; all archived', slow=True),
    'fault-at-200': Row(again('trouble that passes')),
    'fault-transient': Row(again('trouble that passes')),
    'fault-unknown-code': Row(again('what it means nobody knows')),
    'fault-no-mailbox': Row('set aside and told; the other mailbox archived', archived=BERTS, code=INCOMPLETE,
                            names=('ErrorNonExistentMailbox', ANNA)),
    'fault-impersonation': Row('set aside, told with the remedy; the other archived', archived=BERTS, code=INCOMPLETE,
                               names=('ErrorImpersonateUserDenied', 'full_access_as_app', ANNA), short=True),
    'code-no-mailbox-inline': Row('set aside and told; the other mailbox archived', archived=BERTS, code=INCOMPLETE,
                                  names=('ErrorNonExistentMailbox', ANNA)),
    'code-account-disabled': Row('set aside and told; the other mailbox archived', archived=BERTS, code=INCOMPLETE,
                                 names=('ErrorAccountDisabled', ANNA)),
    'code-move-in-progress': Row('set aside for a later run; the other mailbox archived', archived=BERTS, code=INCOMPLETE,
                                 names=('ErrorMailboxMoveInProgress', ANNA)),
    'code-access-denied': Row('that folder is left out and told', archived=ALL - 1, code=INCOMPLETE,
                              names=('ErrorAccessDenied', '/Projects')),
    'code-sync-state': Row('the empty state with "this was all" is not believed: asked again, all archived', asked=ITEMS_ONCE),
    'code-timeout': Row(again('the listing')),
    'code-store-unavailable': Row('what is behind the item that stopped the batch is asked for again; all archived',
                                  asked={'items': 4 + 3 + 2 + 1 + 1}, short=True),
    'code-busy-inline': Row('the mailbox rests as long as told, though what follows says less; all archived',
                            asked={'items': 4 + 3 + 1 + 1}, short=True),
    'code-busy-wrapped': Row('the inner code counts; all archived', asked={'items': 4 + 1 + 1 + 1}),
    'code-first-tries': Row('asked for three times; all archived', asked={'items': 3 * ALL}),
    'code-item-not-found': Row('listed all the same, so it is asked for again, then as native stream', gone=1, native=1),
    'code-unknown': Row('archived as native stream, after three tries alone', native=1,
                        asked={'items': 4 + 1 + 1 + 3 + 1, 'ExportItems': 1}),
    'poison-mime': Row('archived as native stream, after one try each alone and on a fresh connection', native=1,
                       asked={'items': 4 + 1 + 1 + 1 + 1 + 1, 'ExportItems': 1}, short=True),
    'poison-content': Row('the same', native=1, asked={'items': 4 + 1 + 1 + 1 + 1 + 1, 'ExportItems': 1}),
    'poison-corrupt': Row('it alone failed, with its code, in either form', archived=ALL - 1, failed=1, code=INCOMPLETE,
                          names=('ErrorCorruptData',), asked={'items': 4 + 1 + 1 + 1 + 1 + 1, 'ExportItems': 1}),
    'poison-times-out': Row('found by halving, and archived as native stream', native=1, slow=True),
    'poison-drops': Row('found by halving when waiting did not help and the mailbox answers; archived as native stream', native=1,
                        slow=True),

    # the wire
    'reset-before-headers': Row(again('a broken connection')),
    'reset-after-headers': Row(again('a broken connection')),
    'reset-mid-body': Row('items that were complete are kept, the others asked for again; all archived', short=True),
    'cut-wrong-length': Row('the same'),
    'cut-right-length': Row('the same: an answer is good when its envelope was closed'),
    'cut-chunked': Row('the same'),
    'broken-gzip': Row('the same'),
    'cut-gzip': Row('the same'),
    'drip': Row('slow is no failure; all archived', asked=ITEMS_ONCE),
    'stall': Row('a pause is no failure; all archived', asked=ITEMS_ONCE),

    # XML
    'illegal-references': Row('U+FFFD instead; all archived', asked=ITEMS_ONCE),
    'split-surrogates': Row('joined; all archived', asked=ITEMS_ONCE),
    'lone-surrogate': Row('U+FFFD instead; all archived', asked=ITEMS_ONCE),
    'brackets': Row(AS_EVER, asked=ITEMS_ONCE),
    'other-prefixes': Row('names are compared by namespace; all archived', asked=ITEMS_ONCE),
    'default-namespace': Row('names are compared by namespace; all archived', asked=ITEMS_ONCE),
    'bom': Row(AS_EVER, asked=ITEMS_ONCE),
    'comments': Row(AS_EVER, asked=ITEMS_ONCE),
    'padded-codes': Row('trimmed; all archived', asked=ITEMS_ONCE),
    'doctype': Row(again('refused')),
    'huge-text': Row(AS_EVER, asked=ITEMS_ONCE),
    'cdata': Row(AS_EVER, asked=ITEMS_ONCE),
    'split-cdata': Row(AS_EVER, asked=ITEMS_ONCE),
    'base64-lines': Row(AS_EVER, asked=ITEMS_ONCE),
    'bad-base64': Row(again('damaged content')),
    'short-base64': Row(again('damaged content')),
    'truncated-data': Row(again('a damaged answer')),

    # lists
    'short-pages': Row('followed to the last; all archived', asked=ITEMS_ONCE),
    'empty-pages': Row('an empty page is not the last; all archived', asked=ITEMS_ONCE),
    'fewer-messages': Row(again('what got no answer')),
    'more-messages': Row('the one too many is ignored; all archived', asked=ITEMS_ONCE),
    'reversed-messages': Row('an item that was not asked for at that place is not taken: asked again, all archived', short=True),
    'duplicate-items': Row('each is fetched once; all archived', asked=ITEMS_ONCE),
    'unknown-delete': Row('nothing is counted for it; all archived', asked=ITEMS_ONCE),

    # changes
    'change-add-items': Row('listed and fetched in the same run', archived=ALL + 3, asked={'items': ALL + 3}, profile=ONE_BY_ONE),
    'change-remove-item': Row('gone', archived=ALL - 1, gone=1, then=0, asked=ITEMS_ONCE, profile=ONE_BY_ONE),
    'change-move-item': Row('gone here; found there in the same run if that folder was still to be listed, else by the next',
                            archived=ALL, gone=1, profile=ONE_BY_ONE, racing=True, short=True),
    'change-modify-item': Row('as it is when fetched; not fetched again', asked=ITEMS_ONCE, profile=ONE_BY_ONE),
    'change-mark-unread': Row('not fetched again', asked=ITEMS_ONCE, profile=ONE_BY_ONE),
    'change-create-folder': Row('seen by the next run', asked=ITEMS_ONCE, profile=ONE_BY_ONE),
    'change-delete-folder': Row('that folder is told as gone; the next run, whose tree lacks it, is clean', archived=ALL - 1,
                                code=INCOMPLETE, names=('ErrorSyncFolderNotFound', '/Projects'), then=0, profile=ONE_BY_ONE),
    'change-rename-folder': Row('ids count; the next run has the new name', asked=ITEMS_ONCE, profile=ONE_BY_ONE),
    'change-move-folder': Row('ids count; the next run has the new place', asked=ITEMS_ONCE, profile=ONE_BY_ONE),
    'change-invalidate-sync-states': Row('folders are listed afresh, and what is known is recognised', asked=ITEMS_ONCE,
                                         profile=ONE_BY_ONE),
    'change-token-lifetime': Row('renewed in time; all archived'),
    'change-revoke-tokens': Row('one new token; all archived', asked={'token': 2}),

    # together
    'five-percent': Row(AS_EVER, archived=400, generated='4x100', profile={'run': {'batch_items': 5}}),
}


# Played by a test of its own: hostile_test.py.
ELSEWHERE = {'hostile': 'three mailboxes are told as denied, ten poison items failed; all others archived; the next run repairs it'}


# ---- a row ----


def begin(run, name, row):
    """The simulator under the scenario, and its profile."""
    content = ('--generate', row.generated, '--mean-size', 'small') if row.generated else (
        '--mail', mail.write(run.dir / 'mail', MAIL))
    sim = run.simulator('--plain', *content, '--scenario', SCENARIOS / f'{name}.yaml')
    who = {'from': 'directory'} if row.generated else {'from': 'list', 'list': [ANNA, BERT]}
    changes = {'mailboxes': who}
    harness.merge(changes, row.profile)
    return sim, sim.profile(sign_in='secret', **changes)


def obeyed(sim):
    """Nothing was asked before its time, not even what was on its way when another thread was told to wait: only then are the
    numbers of requests exact. That no more than that was asked too early is judged at the end of every test (judge.py)."""
    sim.settle()
    return not any(r.get('early_ms') or r.get('fault') == 'early' for r in sim.requests)


def requests_asked(sim):
    sim.settle()
    asked = collections.Counter(r.get('operation') or r['path'].rsplit('/', 1)[-1] for r in sim.requests)
    asked['items'] = sum(r['items'] for r in sim.requests if r.get('operation') == 'GetItem')
    return asked


def expect(summary, row, threads):
    same('native_only', summary['native_only'], row.native)
    for field in ('archived', 'failed', 'gone'):
        if not (row.racing and threads > 1):
            same(field, summary[field], getattr(row, field))
    for field in ('unexplained', 'pending', 'removed'):
        same(field, summary[field], 0)


def play(run, name, threads):
    row = ROWS[name]
    sim, profile = begin(run, name, row)
    first = run.exarch('archive', profile, '--json', '--threads', threads, expect=row.code)
    if row.code != SIGN_IN:  # then the run didn't come to its summary's numbers
        expect(first.summary(), row, threads)
    harness.contains('what it tells', first.out + first.err, *row.names)
    if obeyed(sim):  # what crossed a back-off was asked for in vain, and again
        asked = requests_asked(sim)
        for what, count in row.asked.items():
            same(f'requests: {what}', asked[what], count)

    same('the scenario ends', wire.Wire(sim).scenario().status, 204)
    there = collections.Counter(ews_peer.served(sim))
    done = first.summary()['archived'] if row.code != SIGN_IN else 0
    sim.forget()
    second = run.archive(profile, '--threads', threads)
    same('unexplained', second['unexplained'], 0)
    same('failed', second['failed'], 0)
    same('archived by the second run', second['archived'], row.then if row.then is not None else sum(there.values()) - done)
    if second['archived'] == 0:
        same('fetched by the second run', requests_asked(sim)['items'], 0)
    run.verify(sim.archive)
    exported = collections.Counter(run.export(sim.archive))
    removed = second['removed'] + (first.summary()['removed'] if row.code != SIGN_IN else 0)
    if removed > 0:  # the archive keeps them
        same('what the server no longer has', sum((exported - there).values()), removed)
        exported &= there
    if row.native > 0:  # exported as they were archived, not as messages
        same('what was not exported as a message', sum((there - exported).values()), row.native)
        there &= exported
    harness.same_multiset('the export', exported, there)


def test_of(name, threads):
    def test(run):
        play(run, name, threads)
    test.__name__ = f'{name} with {threads} thread{"s" if threads > 1 else ""}'
    return test


def every_scenario_has_its_row(run):
    same('scenarios without a row, rows without a scenario', {p.stem for p in SCENARIOS.glob('*.yaml')} ^ {*ROWS, *ELSEWHERE}, set())


def table():
    """The rows as docs/ews.md has them."""
    lines = ['| scenario | expected of the run |', '|---|---|']
    rows = {**{name: row.says for name, row in ROWS.items()}, **ELSEWHERE}
    return '\n'.join(lines + [f'| {name} | {says} |' for name, says in rows.items()])


def the_table_in_the_document_is_that_of_the_rows(run):
    text = (harness.ROOT / 'docs/ews.md').read_text()
    harness.check(table() in text, 'docs/ews.md lacks the table; `resilience_test.py table` prints it')


if __name__ == '__main__':
    if sys.argv[1:] == ['table']:
        print(table())
        sys.exit()
    TESTS = {test_of(name, threads): row for threads in (1, 8) for name, row in ROWS.items() if harness.LONG or not row.slow}
    harness.main(every_scenario_has_its_row, the_table_in_the_document_is_that_of_the_rows, *TESTS,
                 short=[test for test, row in TESTS.items() if row.short], at_once=16)
