# SPDX-License-Identifier: Apache-2.0
"""What is archived is deleted at the server where the profile says so: once, on record, nothing that anything keeps; and the archive
gives back what the server had."""
import collections

import ews_peer
import harness
import mail
import wire
from harness import check, same
from wire import ANNA

OLD, NEW = 'Mon, 05 Mar 2012 09:00:00 +0000', 'Mon, 02 Mar 2099 09:00:00 +0000'
AGED = {'when': 'archived', 'older_than': '1 year'}


def serve(run, more=None, *options):
    messages = {f'{who}/{folder}/{age}{number}.eml': mail.message(f'{age} {number} of {who} in {folder}',
                                                                  date=OLD if age == 'old' else NEW)
                for who in ('anna', 'bert') for folder in ('Inbox', 'Projects') for age in ('old', 'new') for number in range(3)}
    folder = mail.write(run.dir / 'mail', {**messages, **(more or {})})
    sim = run.simulator('--plain', '--mail', folder, *options)
    return sim, wire.Wire(sim)


def archive(run, sim, delete, *args, expect=harness.DONE, **changes):
    objects = run.exarch('archive', sim.profile(delete=delete, **changes), '--json', *args, expect=expect).objects()
    return objects[-1], {o['mailbox']: o for o in objects if o['event'] == 'deletion'}, objects


def held_by_server(sim):
    """What is in the mailboxes' own folders; what was deleted is in none of them."""
    return collections.Counter(f for f in ews_peer.served(sim) if f[1] != '/Deleted Items')


def audit(run, archive_dir):
    objects = run.exarch('audit', archive_dir, '--json').objects()
    same('broken links of the audit', objects[-1]['broken'], 0)
    return [o for o in objects if o['event'] == 'audit' and o['action'].startswith('delete')]


def check_record(run, archive_dir, count):
    """Every deletion is announced and concluded, each item once."""
    records = audit(run, archive_dir)
    begun = [r for r in records if r['action'] == 'delete begin']
    ended = [r for r in records if r['action'] == 'delete end']
    same('ends', sorted(r['about'] for r in ended), sorted(r['number'] for r in begun))
    gone = [n for r in ended for n in r['numbers']]
    same('items on record', (len(gone), len(set(gone))), (count, count))
    check(set(gone) <= {n for r in begun for n in r['numbers']}, 'what ended had begun')
    return begun, ended


def update(asker, item, path, what):
    done = asker.ask(f'<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges>'
                     f'<t:ItemChange><t:ItemId Id="{item}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="{path}"/>'
                     f'<t:Message>{what}</t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>')
    same(f'update of {path}', done.codes(), ['NoError'])


def item_named(asker, subject):
    found = asker.find_items()
    return found.ids()[found.subjects().index(subject)]


def what_is_archived_is_deleted_and_comes_back_as_it_was(run):
    sim, asker = serve(run)
    before = held_by_server(sim)
    whole, told, _ = archive(run, sim, AGED)
    same('deleted', (whole['archived'], whole['deleted'], whole['undeleted']), (24, 12, 0))
    same('of anna', (told[ANNA]['deleted'], told[ANNA]['younger'], told[ANNA]['dry_run']), (6, 6, False))
    left = held_by_server(sim)
    same('left at the server', sum(left.values()), 12)
    harness.same_multiset('messages exported', collections.Counter(run.export(sim.archive)), before)
    same('where they are', len(asker.find_items('recoverableitemsdeletions').ids()), 6)
    check_record(run, sim.archive, 12)
    run.verify(sim.archive)

    again, told, _ = archive(run, sim, AGED)
    same('a second run', (again['archived'], again['deleted'], again['removed'], again['unexplained']), (0, 0, 0, 0))
    run.exarch('rebuild', sim.archive)
    third, _, _ = archive(run, sim, AGED)
    same('after a rebuild', (third['archived'], third['deleted'], third['unexplained']), (0, 0, 0))
    check_record(run, sim.archive, 12)


def it_is_deleted_as_the_profile_says(run):
    for how, folder in (('hard', 'recoverableitemspurges'), ('trash', 'deleteditems'), ('soft', 'recoverableitemsdeletions')):
        sub = harness.Run(run.dir / how)
        sub.dir.mkdir()
        sub.cleanup = run.cleanup
        sim, asker = serve(sub)
        whole, _, _ = archive(sub, sim, {'when': 'archived', 'how': how}, folders={'standard_exclusions': True})
        same(f'deleted {how}', whole['deleted'], 24)
        same(f'of anna in {folder}', len(asker.find_items(folder).ids()), 12)


def what_is_in_deleted_items_is_not_moved_there_again(run):
    sim, asker = serve(run)
    first, _, _ = archive(run, sim, {'when': 'archived', 'how': 'trash'})
    same('deleted', first['deleted'], 24)
    second, _, _ = archive(run, sim, {'when': 'archived', 'how': 'trash'})
    same('what was moved there is archived there', (second['archived'], second['deleted']), (24, 0))
    same('in Deleted Items', len(asker.find_items('deleteditems').ids()), 12)


def a_dry_run_says_what_would_go_and_deletes_nothing(run):
    sim, asker = serve(run)
    archive(run, sim, {'when': 'never'})
    update(asker, item_named(asker, 'old 1 of anna in Inbox'), 'item:Flag', '<t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag>')
    before, state = held_by_server(sim), harness.tree_state(sim.archive)
    sim.forget()
    whole, told, objects = archive(run, sim, AGED, '-n')
    same('would be deleted', whole['deleted'], 11)
    same('anna', {k: told[ANNA][k] for k in ('dry_run', 'deleted', 'younger', 'changed', 'flagged')},
         {'dry_run': True, 'deleted': 5, 'younger': 6, 'changed': 1, 'flagged': 0})
    items = [o for o in objects if o['event'] == 'delete_item']
    same('named', len({o['number'] for o in items}), 11)
    check(all(o['received'].startswith('2012') and o['mailbox'].endswith('sim.example') for o in items), f'{items}')
    same('requests that delete', sim.requests_of('DeleteItem'), [])
    same('at the server', held_by_server(sim), before)
    same('the archive', harness.tree_state(sim.archive), state)
    text = run.exarch('archive', sim.profile(delete=AGED), '-n').err
    check('5 items' in text and 'would be deleted at the server' in text and '6 too young' in text, text)


def flags_holds_and_rules_keep_what_they_cover(run):
    sim, asker = serve(run)
    archive(run, sim, {'when': 'never'})
    update(asker, item_named(asker, 'old 1 of anna in Inbox'), 'item:Flag', '<t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag>')
    run.exarch('hold', 'add', sim.archive, 'lawsuit', '--mailbox', 'anna@*', '--folder', '/Projects/**')
    whole, told, _ = archive(run, sim, AGED, folders={'standard_exclusions': False, 'rules': [{'exclude': '/Projects'}]})
    same('deleted', whole['deleted'], 5)  # the Inboxes but for the flag
    same('flagged', told[ANNA]['flagged'], 1)
    whole, told, _ = archive(run, sim, AGED)
    same('deleted without the rule', whole['deleted'], 3)  # bert's Projects
    same('held and flagged', (told[ANNA]['held'], told[ANNA]['flagged']), (3, 1))
    run.exarch('hold', 'remove', sim.archive, 'lawsuit')
    whole, _, _ = archive(run, sim, AGED)
    same('deleted without the hold', whole['deleted'], 3)
    check_record(run, sim.archive, 11)


def what_changes_between_listing_and_looking_stays(run):
    sim, asker = serve(run)
    archive(run, sim, {'when': 'never'})
    asker.scenario('''changes:
  - name: edited
    where: { operation: GetItem, mailbox: "anna@*" }
    when: { nth: 1 }
    do: modify-item
    folder: Inbox
    subject: "old 1*"
''')
    whole, told, _ = archive(run, sim, AGED)
    same('deleted', (whole['deleted'], whole['undeleted'], told[ANNA]['changed']), (11, 0, 1))
    asker.scenario()
    # The next run archives it as it is now; then it goes.
    whole, _, _ = archive(run, sim, AGED)
    same('the next run', (whole['archived'], whole['deleted']), (1, 1))


def mail_read_since_is_deleted_too(run):
    sim, asker = serve(run, {'anna/Inbox/x.unread.eml': mail.message('x', date=OLD)})
    archive(run, sim, {'when': 'never'})
    update(asker, item_named(asker, 'x'), 'message:IsRead', '<t:IsRead>true</t:IsRead>')
    whole, _, _ = archive(run, sim, AGED)
    same('deleted', whole['deleted'], 13)
    run.verify(sim.archive)


def no_more_than_asked_for(run):
    sim, _ = serve(run)
    whole, told, _ = archive(run, sim, AGED, '--max-delete', '7')
    same('deleted', whole['deleted'], 7)
    same('left for later', sum(t['limited'] for t in told.values()), 5)
    whole, _, _ = archive(run, sim, {**AGED, 'max': 2})
    same('deleted by the profile', whole['deleted'], 2)
    whole, told, _ = archive(run, sim, AGED, '--no-delete')
    same('deleted by none', (whole['deleted'], told), (0, {}))
    for words in (['--no-delete', '--max-delete', '1'], ['--max-delete', 'x']):
        run.exarch('archive', sim.profile(delete=AGED), *words, expect=harness.USAGE)
    run.exarch('archive', sim.profile(), '--max-delete', '1', expect=harness.USAGE)
    check_record(run, sim.archive, 9)


def a_lost_answer_is_not_asked_for_again(run):
    for number, wired in enumerate(('reset-before-headers', 'reset-after-headers', 'cut-right-length')):
        sub = harness.Run(run.dir / str(number))
        sub.dir.mkdir()
        sub.cleanup = run.cleanup
        sim, asker = serve(sub)
        archive(sub, sim, {'when': 'never'})
        asker.scenario('faults: [{ name: lost, where: { operation: DeleteItem }, when: { nth: 1, per: mailbox }, '
                       f'what: {{ wire: {wired} }} }}]')
        sim.forget()
        whole, _, _ = archive(sub, sim, AGED)
        same('deleted', (whole['deleted'], whole['undeleted']), (12, 0))
        same('requests', [r['items'] for r in sim.requests_of('DeleteItem')], [6, 6])
        check_record(sub, sim.archive, 12)


def what_is_refused_is_reported(run):
    sim, asker = serve(run)
    archive(run, sim, {'when': 'never'})
    asker.scenario('faults: [{ name: no, where: { operation: DeleteItem, subject: "old 1 of anna*" }, '
                   'what: { code: ErrorCannotDeleteObject } }]')
    whole, told, objects = archive(run, sim, AGED, expect=harness.INCOMPLETE)
    same('deleted and not', (whole['deleted'], whole['undeleted']), (10, 2))
    same('problems', [o['name'] for o in objects if o['event'] == 'problem'], ['ErrorCannotDeleteObject'] * 2)
    _, ended = check_record(run, sim.archive, 10)
    check(any('2 refused (ErrorCannotDeleteObject)' in r['detail'] for r in ended), f'{ended}')
    # Nothing else of the run is worse for it.
    same('unexplained', (whole['unexplained'], whole['failed']), (0, 0))


def a_mailbox_that_is_not_whole_is_left_alone(run):
    sim, asker = serve(run)
    asker.scenario('faults: [{ name: poison, where: { subject: "old 1 of anna in Inbox" }, '
                   'what: { code: ErrorCorruptData } }]')
    whole, told, _ = archive(run, sim, AGED, expect=harness.INCOMPLETE)
    same('of the other folders', (whole['failed'], whole['deleted']), (1, 9))
    same('kept for what is open in their folder', told[ANNA]['unsettled'], 5)


def killed_at_any_request_it_goes_on_where_it_was(run):
    points = [('GetItem', 1), ('DeleteItem', 1), ('DeleteItem', 2)]
    for number, (operation, count) in enumerate(points):
        sub = harness.Run(run.dir / str(number))
        sub.dir.mkdir()
        sub.cleanup = run.cleanup
        sim, asker = serve(sub)
        before = held_by_server(sim)
        archive(sub, sim, {'when': 'never'})
        sim.forget()
        profile = sim.profile(delete=AGED, run={'threads': 1, 'batch_items': 2})
        asker.scenario(f'faults: [{{ name: slow, where: {{ operation: {operation} }}, when: {{ nth: {count} }}, '
                       'what: { wire: stall, wait_ms: 20000 } }]')
        process = sub.start('archive', profile, '--json')
        wait_for_fault(asker, 'slow')
        process.process.kill()
        process.end()
        asker.scenario()
        gone = before - held_by_server(sim)
        announced = {n for r in audit(sub, sim.archive) for n in r['numbers'] if r['action'] == 'delete begin'}
        check(sum(gone.values()) <= len(announced), f'{gone} deleted, {announced} announced')
        harness.same_multiset('what is exported', collections.Counter(sub.export(sim.archive, f'out{number}')), before)
        whole, _, _ = archive(sub, sim, AGED)
        same('unexplained', whole['unexplained'], 0)
        same('left at the server', sum(held_by_server(sim).values()), 12)
        check_record(sub, sim.archive, 12)
        sub.verify(sim.archive)


def wait_for_fault(asker, name):
    deadline = harness.time.monotonic() + harness.PATIENCE_S
    while asker.stats()['faults'].get(name, 0) == 0:
        check(harness.time.monotonic() < deadline, f'waited in vain for {name}: {asker.stats()}')


if __name__ == '__main__':
    harness.main(what_is_archived_is_deleted_and_comes_back_as_it_was, it_is_deleted_as_the_profile_says,
                 what_is_in_deleted_items_is_not_moved_there_again, a_dry_run_says_what_would_go_and_deletes_nothing,
                 flags_holds_and_rules_keep_what_they_cover, what_changes_between_listing_and_looking_stays,
                 mail_read_since_is_deleted_too, no_more_than_asked_for, a_lost_answer_is_not_asked_for_again,
                 what_is_refused_is_reported, a_mailbox_that_is_not_whole_is_left_alone,
                 killed_at_any_request_it_goes_on_where_it_was,
                 short=(what_is_archived_is_deleted_and_comes_back_as_it_was, a_lost_answer_is_not_asked_for_again))
