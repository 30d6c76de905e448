# SPDX-License-Identifier: Apache-2.0
"""Runs that follow one another: exactly what is new is fetched, and what the server deleted stays."""
import collections
import shutil

import ews_peer
import harness
import mail
import wire
from ews_peer import served

MAILBOXES, ITEMS = (2, 30) if harness.SHORT else (20, 1000) if harness.LONG else (5, 100)
ADDED, REMOVED = (10, 4) if harness.SHORT else (200, 50) if harness.LONG else (20, 5)
GENERATE = ('--generate', f'{MAILBOXES}x{ITEMS}', '--seed', '7')


def counter_of_served(sim):
    counted = collections.Counter(served(sim))
    sim.forget()
    return counted


def only_what_is_new_is_fetched_and_what_was_deleted_stays(run):
    sim = run.simulator(*GENERATE)
    before = counter_of_served(sim)
    first = run.archive(sim.written_profile)
    harness.same('items of the first run', first['archived'], MAILBOXES * ITEMS)
    harness.same('items fetched by the first run', sim.fetched_items(), MAILBOXES * ITEMS)
    sim.forget()
    run.archive(sim.written_profile)
    harness.same('items fetched by a run with nothing new', sim.fetched_items(), 0)
    sim.stop()

    sim = run.simulator(*GENERATE, '--add', ADDED, '--remove', REMOVED)
    after = counter_of_served(sim)
    third = run.archive(sim.written_profile)
    harness.same('items fetched when there was something new', sim.fetched_items(), ADDED)
    harness.same('archived', third['archived'], ADDED)
    harness.same('removed', third['removed'], REMOVED)
    harness.same('unexplained', third['unexplained'], 0)
    harness.same_multiset('messages exported', collections.Counter(run.export(sim.archive)), before | after)
    states = collections.Counter(item['state'] for item in run.exarch('list', sim.archive, '--json').objects())
    harness.same('states', states, {'live': MAILBOXES * ITEMS + ADDED - REMOVED, 'removed': REMOVED})
    run.verify(sim.archive)


def a_run_with_nothing_new_asks_little(run):
    sim = run.simulator(*GENERATE)
    run.archive(sim.written_profile)
    folders = len({(i['mailbox'], i['folder']) for i in run.exarch('list', sim.archive, '--json').objects()})
    first = collections.Counter(r['operation'] for r in sim.requests)
    sim.forget()
    run.archive(sim.written_profile)
    asked = collections.Counter(r['operation'] for r in sim.requests)
    harness.same('FindFolder requests', asked['FindFolder'], MAILBOXES)
    harness.same('items named by listings', sum(r['items'] for r in sim.requests_of('SyncFolderItems')), 0)
    harness.check(asked['SyncFolderItems'] <= max(folders, first['SyncFolderItems']), f'requests: {asked}')
    harness.same('other requests', asked.keys() - {'token', 'graph', 'FindFolder', 'GetFolder', 'SyncFolderItems'}, set())


def a_run_with_nothing_new_costs_one_request_a_mailbox(run):
    """Promise 8, over 100 mailboxes of 30 folders each."""
    mailboxes, folders = 100, 30
    sim = run.simulator('--generate', f'{mailboxes}x30', '--mean-size', 'small', '--more-folders', 20)
    peer = ews_peer.Peer(sim)
    harness.same('folders of a mailbox', len(peer.folders(peer.mailboxes()[0])), folders)
    profile = sim.profile(folders={'standard_exclusions': False}, run={'threads': 2, 'mailbox_concurrency': 8})
    harness.same('archived', run.archive(profile)['archived'], mailboxes * 30)
    sim.forget()
    second = run.archive(profile)
    sim.settle()
    asked = collections.Counter(r['operation'] for r in sim.requests)
    del asked['token'], asked['graph']
    harness.same('known', second['known'], mailboxes * 30)
    harness.same('unexplained', second['unexplained'], 0)
    harness.check(sum(asked.values()) <= 1.1 * mailboxes, f'requests for {mailboxes} mailboxes: {asked}')
    harness.same('requests that list folders', asked['FindFolder'], mailboxes)


def changes_in_a_mailbox_are_followed(run):
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': 'one', 'anna/Inbox/two.eml': 'two', 'anna/Projects/three.eml': 'three'})
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)

    (folder / 'anna/Inbox/one.eml').unlink()
    mail.write(folder, {'anna/Inbox/four.eml': 'four', 'anna/New/Deep/five.eml': 'five', 'bert/Inbox/six.eml': 'six'})
    sim.forget()
    second = run.archive(sim.written_profile)
    harness.same('items fetched', sim.fetched_items(), 3)
    harness.same('removed', second['removed'], 1)
    subjects = sorted(item['subject'] for item in run.exarch('list', sim.archive, '--json').objects())
    harness.same('subjects listed', subjects, ['five', 'four', 'one', 'six', 'three', 'two'])


def items_that_move_are_followed_without_a_fetch(run):
    sim = run.simulator('--plain', '--generate', '3x60', '--mean-size', 'small', '--seed', '7')
    asker = wire.Wire(sim)
    run.archive(sim.written_profile)
    anna = min(i['mailbox'] for i in run.exarch('list', sim.archive, '--json').objects())
    before = {(i['folder'], i['subject']) for i in run.exarch('list', sim.archive, '--mailbox', anna, '--json').objects()}
    asker.scenario(f"""changes:
  - {{ name: sorted, where: {{ operation: FindFolder }}, when: {{ nth: 1 }}, mailbox: "{anna}", do: move-item, folder: Inbox,
      count: 7, to: Projects }}
""")
    sim.forget()
    second = run.archive(sim.written_profile)
    harness.same('messages fetched', sim.fetched_messages(), 0)
    harness.same('followed, removed, unexplained', (second['archived'], second['removed'], second['unexplained']), (7, 7, 0))
    listed = run.exarch('list', sim.archive, '--mailbox', anna, '--json').objects()
    after = {(i['folder'], i['subject']) for i in listed if i['state'] == 'live'}
    harness.same('items in their new folder', len(after - before), 7)
    harness.same('folders that got them', {folder for folder, _ in after - before}, {'/Inbox/Projects'})
    harness.same('states', collections.Counter(i['state'] for i in listed), {'live': 60, 'removed': 7})
    run.verify(sim.archive)
    live = collections.Counter(served(sim))
    everything = collections.Counter(run.export(sim.archive, 'out1'))
    harness.same('what is exported beside what the server has', sum((everything - live).values()), 7)
    harness.same('what the server has and is not exported', live - everything, {})

    shutil.rmtree(sim.archive / 'idx')
    run.exarch('rebuild', sim.archive)
    run.verify(sim.archive)
    harness.same_multiset('the export after a rebuild', collections.Counter(run.export(sim.archive, 'out2')), everything)
    sim.forget()
    third = run.archive(sim.written_profile)
    harness.same('messages fetched after a rebuild', (sim.fetched_messages(), third['archived']), (0, 0))


def items_moved_while_the_run_lists_are_found_by_it(run):
    sim = run.simulator('--plain', '--generate', '1x80', '--mean-size', 'small')
    asker = wire.Wire(sim)
    asker.scenario("""changes:
  - { name: sorted, where: { operation: GetItem }, when: { nth: 1 }, do: move-item, folder: Inbox, count: 5, to: Projects }
  - { name: back, where: { operation: GetItem }, when: { nth: 2 }, do: move-item, folder: Newsletters, count: 2, to: Customers }
""")
    summary = run.archive(sim.profile(run={'threads': 1, 'batch_items': 10}))
    harness.same('unexplained', summary['unexplained'], 0)
    asker.scenario()
    live = collections.Counter(served(sim))
    harness.same('what the server has and the first run did not archive',
                 live - collections.Counter(run.export(sim.archive)), {})


def a_changed_item_is_fetched_again_and_the_newest_is_shown(run):
    folder = mail.write(run.dir / 'mail', {'anna/Drafts/plan.eml': 'plan', 'anna/Inbox/other.eml': 'other'})
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    mail.write(folder, {'anna/Drafts/plan.eml': mail.message('plan', body='A longer plan than before.\r\n')})
    sim.forget()
    run.archive(sim.written_profile)
    harness.same('items fetched', sim.fetched_items(), 1)
    harness.same_multiset('messages exported', collections.Counter(run.export(sim.archive)),
                          collections.Counter(mail.of_files(folder)))


def a_whole_mailbox_that_left_stays_in_the_archive(run):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one', 'bert/Inbox/two.eml': 'two'})
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    everything = collections.Counter(mail.of_files(folder))
    sim.stop()
    (folder / 'bert/Inbox/two.eml').unlink()
    (folder / 'bert/Inbox').rmdir()
    (folder / 'bert').rmdir()
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    harness.same_multiset('messages exported', collections.Counter(run.export(sim.archive)), everything)


if __name__ == '__main__':
    harness.main(only_what_is_new_is_fetched_and_what_was_deleted_stays,
                 a_run_with_nothing_new_asks_little,
                 a_run_with_nothing_new_costs_one_request_a_mailbox,
                 changes_in_a_mailbox_are_followed,
                 items_that_move_are_followed_without_a_fetch,
                 items_moved_while_the_run_lists_are_found_by_it,
                 a_changed_item_is_fetched_again_and_the_newest_is_shown,
                 a_whole_mailbox_that_left_stays_in_the_archive,
                 short=(only_what_is_new_is_fetched_and_what_was_deleted_stays,))
