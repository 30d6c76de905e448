# SPDX-License-Identifier: Apache-2.0
"""A bad day: twenty mailboxes, a service that fails in all ways at once (fixtures/scenarios/hostile.yaml), items that can't be had,
mailboxes that are denied, and people at work. What is archived then, what is said of the rest, and that one quiet run repairs it.

With EXARCH_LONG the whole of it, 20x1000, with 1, 2 and 8 threads; each prints its figures."""
import collections
import sys

import ews_peer
import harness
import wire
from harness import INCOMPLETE, check, same, same_multiset

POISON, REMOVED, MOVED, ADDED = 10, 3, 5 + 4, 4  # what the scenario does
DENIED = {'ben': 'ErrorImpersonateUserDenied', 'david': 'ErrorNonExistentMailbox', 'felix': 'ErrorAccessDenied'}
TOKEN_LIFETIME_S = 20
HARMLESS = {'references', 'prefixes', 'short-page'}  # faults that make an answer odd, not wrong


def first_name(mailbox):
    return mailbox.split('.', 1)[0]


def served(sim):
    return collections.Counter(ews_peer.served(sim))


def contents(found):
    """What is where, without the folder: those are renamed, and items move between them."""
    count = collections.Counter()
    for (mailbox, _, sha), n in found.items():
        count[mailbox, sha] += n
    return count


def reachable(found):
    return collections.Counter({key: n for key, n in found.items() if first_name(key[0]) not in DENIED})


def of_poison(asker, mailbox):
    """The ids of the items that can't be had."""
    folder = asker.folder_id('Old projects', mailbox)
    check(folder, 'the folder was renamed')
    found = asker.find_items(folder, most=1000, mailbox=mailbox)
    return {i for i, subject in zip(found.ids(), found.subjects()) if subject == 'poison'}


def what_was_told(run, result, archive, poison, mailboxes):
    """Exactly the poison items are failed, exactly the denied mailboxes reported."""
    whole = result.summary()
    same('mailboxes', (whole['mailboxes'], whole['mailboxes_failed']), (mailboxes, len(DENIED)))
    same('failed, pending, unexplained', (whole['failed'], whole['pending'], whole['unexplained']), (POISON, 0, 0))
    ends = {o['mailbox']: o for o in result.objects() if o['event'] == 'mailbox'}
    errors = {first_name(box): o['error']['name'] for box, o in ends.items() if o['error']}
    same('mailboxes that are reported', errors, DENIED)
    failed = run.exarch('list', archive, '--failed', '--json').objects()
    same('the items that failed', {o['item_id'] for o in failed}, poison)
    same('and how often each is named', len(failed), POISON)
    check(all('ErrorCorruptData' in o['why'] for o in failed), f'why: {failed}')


def what_is_missing(before, after, archived):
    """Of what was there all the time all is archived, but for what moved behind the back of the listing."""
    stayed = contents(reachable(before)) & contents(reachable(after))
    missing = stayed - contents(archived)
    moved = contents(reachable(after - before))  # elsewhere than before
    same_multiset('what could be archived and is not', missing - moved, collections.Counter())
    check(sum(missing.values()) <= MOVED, f'missed: {sum(missing.values())}')


def figures(sim, seconds):
    """For docs/testing.md."""
    asked = [r for r in sim.requests if r.get('agent', '').startswith('exarch/')]
    failed = [r for r in asked if r.get('fault', '') not in {'', 'poison'} | HARMLESS or (r['status'] != 200 and not r.get('fault'))]
    waits = sum(1 for r in asked if r.get('told_ms'))
    tokens = sum(r['path'].endswith('/token') for r in asked)
    print(f'# {seconds:.1f} s, {len(asked)} requests, {len(failed)} failed ({100 * len(failed) / len(asked):.1f} %), '
          f'{waits} back-offs told, {tokens} tokens', file=sys.stderr)


def play(run, mailboxes, items, threads, batch):
    sim = run.simulator('--plain', '--generate', f'{mailboxes}x{items}', '--mean-size', 'small', '--token-lifetime', TOKEN_LIFETIME_S)
    asker, profile = wire.Wire(sim), sim.profile(sign_in='secret', run={'batch_items': batch})
    before = served(sim)
    same('the bad day begins', asker.scenario((harness.FIXTURES / 'scenarios/hostile.yaml').read_text()).status, 204)
    sim.forget()
    first = run.exarch('archive', profile, '--json', '--threads', threads, expect=INCOMPLETE)
    sim.settle()
    figures(sim, first.summary()['elapsed_ms'] / 1000)
    same('the bad day ends', wire.Wire(sim).scenario().status, 204)

    asker = wire.Wire(sim)  # the token's time is over
    after, archived = served(sim), collections.Counter(run.export(sim.archive, 'first'))
    anna = next(box for box, _, _ in after if first_name(box) == 'anna')
    what_was_told(run, first, sim.archive, of_poison(asker, anna), mailboxes)
    what_is_missing(before, after, archived)
    same('what came and went', (sum((contents(after) - contents(before)).values()), sum((contents(before) - contents(after)).values())),
         (POISON + ADDED, REMOVED))
    same_multiset('archived, though never served', contents(archived) - contents(before) - contents(after), collections.Counter())

    second = run.archive(profile, '--threads', threads)
    same('a quiet run', {k: second[k] for k in ('failed', 'pending', 'unexplained', 'mailboxes_failed')},
         {'failed': 0, 'pending': 0, 'unexplained': 0, 'mailboxes_failed': 0})
    run.verify(sim.archive)
    exported = collections.Counter(run.export(sim.archive, 'second'))
    same_multiset('served and not exported', after - exported, collections.Counter())
    kept = exported - after  # what was removed, and moved or renamed away: the archive keeps it
    check(sum(kept.values()) <= REMOVED + MOVED, f'{sum(kept.values())} exported that nobody serves: {harness.shorten(repr(kept))}')
    same_multiset('kept, though never served', contents(kept) - contents(before), collections.Counter())
    third = run.archive(profile, '--threads', threads)
    same('and another', (third['archived'], third['removed'], third['unexplained']), (0, 0, 0))


def day_of(mailboxes, items, threads, batch=50):
    def test(run):
        play(run, mailboxes, items, threads, batch)
    test.__name__ = f'a bad day of {mailboxes} mailboxes with {items} items each, with {threads} thread{"s" if threads > 1 else ""}'
    return test


if __name__ == '__main__':
    SMALL = [day_of(6, 120, threads, batch=5) for threads in (1, 8)]
    WHOLE = [day_of(20, 1000, threads) for threads in (1, 2, 8)] if harness.LONG else []
    harness.main(*SMALL, *WHOLE, short=[SMALL[1], *WHOLE], at_once=1 if harness.LONG else 2)  # figures want to be alone
