# SPDX-License-Identifier: Apache-2.0
"""What is archived goes back into mailboxes as if it had never been lost, and never twice, however a restore is stopped."""
import collections
import json
import os
import random
import re
import signal
import time

import harness
import mail
import wire
from harness import check, contains, same

ANNA, BERT, EMPTY = wire.ANNA, wire.BERT, 'empty@sim.example'
ROUNDS = 20 if harness.LONG else 4
SEED = int(os.environ.get('EXARCH_SEED', '20260301'))
STALL_MS = 600_000  # longer than anybody waits here
BOTH = {'capture': ['mime', 'native'], 'filters': {'classes': ['all']}}
# What an item is, wherever it lies. What the server notes of its making (ids, created, modified) isn't the item's.
PROPERTIES = ('sent', 'read', 'draft', 'attachments', 'flag', 'categories')


def serve(run, *options):
    """Anna's mail of all kinds; Bert has the same mail as one of hers; a mailbox that has nothing."""
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': mail.message('one', 'Mon, 02 Mar 2026 09:00:00 +0000', headers='Importance: high\r\n'),
        'anna/Inbox/two.unread.eml': mail.message('two', 'Mon, 02 Mar 2026 08:00:00 +0000'),
        'anna/Inbox/twin a.eml': mail.message('twin', 'Mon, 02 Mar 2026 07:00:00 +0000'),
        'anna/Inbox/twin b.eml': mail.message('twin', 'Mon, 02 Mar 2026 07:00:00 +0000'),
        'anna/Inbox/Customers/Q&A/three.eml': 'three', 'anna/Sent Items/four.eml': 'four',
        'anna/Projekte ÄÖÜ/2026/five.eml': 'five', 'anna/Drafts/six.eml': 'six', 'anna/Deleted Items/seven.eml': 'seven',
        'anna/@archive/Old/old.eml': mail.message('old', 'Mon, 05 Mar 2012 09:00:00 +0000'),
        'bert/Inbox/one.eml': mail.message('one', 'Mon, 02 Mar 2026 09:00:00 +0000')})
    (folder / 'empty').mkdir()
    return run.simulator('--plain', '--mail', folder, *options)


def update(asker, own_id, path, what, element='Message'):
    answer = asker.ask(f'<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange>'
                       f'<t:ItemId Id="{own_id}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="{path}"/><t:{element}>{what}'
                       f'</t:{element}></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>')
    same('UpdateItem', answer.codes(), ['NoError'])


def set_properties(sim):
    """So that all of them differ somewhere."""
    asker = wire.Wire(sim)
    found = dict(zip(asker.find_items().subjects(), asker.find_items().ids()))
    update(asker, found['one'], 'item:Categories', '<t:Categories><t:String>Blue</t:String><t:String>Ümläut &amp; &lt;more&gt;'
           '</t:String></t:Categories>')
    update(asker, found['one'], 'item:Flag', '<t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag>')
    update(asker, found['two'], 'item:Flag', '<t:Flag><t:FlagStatus>Complete</t:FlagStatus></t:Flag>')


def profile_of(sim, name='profile.yaml', addresses=(ANNA,), **changes):
    return sim.profile(name, **{'mailboxes': {'from': 'list', 'list': list(addresses)}, **changes})


def restore(run, archive, profile, *args, expect=harness.DONE):
    """One `exarch restore --json`; gives its summary, which must agree with the exit code."""
    result = run.exarch('restore', archive, '--profile', profile, '--json', *args, expect=expect)
    summary = result.summary()
    same('exit code told', summary['exit_code'], result.code)
    return summary


def counts(summary, *names):
    return {name: summary[name] for name in names or ('restored', 'there', 'twins', 'replaced', 'failed')}


def expected(**some):
    return {'restored': 0, 'there': 0, 'twins': 0, 'replaced': 0, 'failed': 0, **some}


def listed(run, archive, address, *more):
    """[what is known of an item, without what its place at the server has made]"""
    items = run.exarch('list', archive, '--json', '--mailbox', address, *more).objects()
    return [{'folder': i['folder'], 'class': i['class'], 'sha256': i['sha256'], 'received': i['received'],
             'message_id': i['message_id'], **{key: i['properties'][key] for key in PROPERTIES}} for i in items]


def counted(items):
    return collections.Counter(json.dumps(i, sort_keys=True) for i in items)


def served(sim, address, base='msgfolderroot'):
    """Counter of (folder's name, subject) as the server has them now."""
    asker = wire.Wire(sim)
    found = collections.Counter()
    for own_id, name in re.findall(r'<t:FolderId Id="([^"]+)"[^>]*/>(?:(?!<t:FolderId ).)*?<t:DisplayName>([^<]*)<',
                                   asker.find_folders(address, base).text(), re.S):
        found.update((name, subject) for subject in asker.find_items(own_id, most=1000, mailbox=address).subjects())
    return found


def written(sim):
    """How often each operation that changes something was asked for."""
    return {name: len(sim.requests_of(name)) for name in
            ('CreateItem', 'UploadItems', 'UpdateItem', 'CreateFolder', 'DeleteItem', 'MoveItem', 'UpdateFolder')}


# ---- the round trip ----


def round_trip(run, **changes):
    sim = serve(run)
    set_properties(sim)
    profile = profile_of(sim, **changes)
    run.archive(profile)
    before = listed(run, sim.archive, ANNA)
    same('items', len(before), 9)
    summary = restore(run, sim.archive, profile, '--into', EMPTY)
    same('counts', counts(summary), expected(restored=9))
    again = sim.profile('again.yaml', archive=str(run.dir / 'again'), mailboxes={'from': 'list', 'list': [EMPTY]}, **changes)
    run.archive(again)
    after = listed(run, run.dir / 'again', EMPTY)
    harness.same_multiset('items', counted(after), counted(before))
    same('drafts', {i['folder'] for i in after if i['draft']}, {'/Drafts'})  # which was one before
    return sim, profile, summary


def what_is_restored_is_archived_again_as_it_was(run):
    sim, _, summary = round_trip(run)
    same('from native streams', summary['native'], 0)
    got = wire.Wire(sim).get_items(
        [i for i in wire.Wire(sim).find_items(mailbox=EMPTY).ids()], mailbox=EMPTY, mime=False, shape='AllProperties').text()
    same('importance', sorted(re.findall('<t:Importance>(.*?)<', got)), ['High', 'Normal', 'Normal', 'Normal'])


def with_native_streams_too(run):
    round_trip(run, **BOTH)


KINDS = {'Calendar/meeting.eml': mail.message('meeting', headers='Content-Type: text/calendar\r\n', body='BEGIN:VCALENDAR\r\n'),
         'Contacts/card.eml': mail.message('card', headers='Content-Type: text/vcard\r\n', body='BEGIN:VCARD\r\n'),
         'Tasks/task.eml': mail.message('task', headers='X-Sim-Class: IPM.Task\r\n'),
         'Notes of mine/note.eml': mail.message('note', headers='X-Sim-Class: IPM.StickyNote\r\n'),
         'Inbox/invitation.eml': mail.message('invitation', headers='Content-Type: text/calendar; method=REQUEST\r\n'),
         'Inbox/undelivered.eml': mail.message('undelivered', headers='Content-Type: multipart/report; '
                                               'report-type=delivery-status; boundary=b\r\n', body='--b--\r\n'),
         'Inbox/signed.eml': mail.message('signed', headers='Content-Type: multipart/signed; boundary=b\r\n', body='--b--\r\n')}


def kinds(run, **changes):
    folder = mail.write(run.dir / 'mail', {f'anna/{name}': content for name, content in KINDS.items()})
    (folder / 'empty').mkdir()
    sim = run.simulator('--plain', '--exchange-folders', '--mail', folder)
    profile = profile_of(sim, filters={'classes': ['all']}, **changes)
    run.archive(profile)
    return sim, profile


def items_of_all_kinds_come_back(run):
    sim, profile = kinds(run, capture=['mime', 'native'])
    before = listed(run, sim.archive, ANNA)
    summary = restore(run, sim.archive, profile, '--into', EMPTY)
    same('counts', counts(summary, 'restored', 'native', 'failed'), {'restored': 7, 'native': 4, 'failed': 0})
    again = sim.profile('again.yaml', archive=str(run.dir / 'again'), mailboxes={'from': 'list', 'list': [EMPTY]},
                        filters={'classes': ['all']}, capture=['mime', 'native'])
    run.archive(again)
    harness.same_multiset('items', counted(listed(run, run.dir / 'again', EMPTY)), counted(before))
    same('again', counts(restore(run, sim.archive, profile, '--into', EMPTY)), expected(there=7))
    same('uploads', sum(r['items'] for r in sim.requests_of('UploadItems')), 4)


def what_has_neither_mime_that_is_taken_nor_a_stream_fails_by_name(run):
    sim, profile = kinds(run)
    result = run.exarch('restore', sim.archive, '--profile', profile, '--into', EMPTY, expect=harness.INCOMPLETE)
    contains('stderr', result.err, 'IPM.Contact', 'capture: [mime, native]')
    same('contacts sent', served(sim, EMPTY)[('Contacts', 'card')], 0)


def folders_are_found_by_role_and_made_with_their_class(run):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one', 'anna/Inbox/A∕B/two.eml': 'two'})
    (folder / 'empty').mkdir()
    sim = run.simulator('--plain', '--mail', folder)
    asker = wire.Wire(sim)
    inbox = re.search('<t:FolderId Id="([^"]+)"', asker.get_folder('inbox', EMPTY).text()).group(1)
    made = asker.ask('<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderId><m:Folders>'
                     '<t:CalendarFolder><t:DisplayName>Kalender</t:DisplayName></t:CalendarFolder></m:Folders></m:CreateFolder>')
    own = re.search(r'FolderId Id="([^"]+)"', made.text()).group(1)
    same('made', asker.ask(f'<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId><t:FolderId Id="{own}"/>'
                           f'</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>dinner</t:Subject></t:CalendarItem></m:Items>'
                           f'</m:CreateItem>').codes(), ['NoError'])
    profile = profile_of(sim, filters={'classes': ['all']})
    run.archive(profile)
    result = run.exarch('restore', sim.archive, '--profile', profile, '--into', f'{EMPTY}/Back/Here', '--json')
    check('/Back/Here/Kalender' in {o['folder'] for o in result.objects() if o['event'] == 'folder'}, 'the folder made is told')
    found = dict(re.findall(r'<t:(\w*Folder)>(?:(?!</t:\w*Folder>).)*?<t:DisplayName>(Kalender|A[^<]*B)<',
                            asker.find_folders(EMPTY).text(), re.S))
    same('folders', found.get('CalendarFolder'), 'Kalender')
    restore(run, sim.archive, profile, '--into', EMPTY)
    check(served(sim, EMPTY)[('Inbox', 'one')] == 2 and inbox, 'into the inbox that was there, and below the new folder')


# ---- never twice ----


def a_second_run_restores_nothing(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    same('first', counts(restore(run, sim.archive, profile, '--into', f'{BERT}/Back')), expected(restored=9))
    sim.forget()
    for how in ('skip', 'copy', 'replace'):
        same(how, counts(restore(run, sim.archive, profile, '--into', f'{BERT}/Back', '--on-duplicate', how)), expected(there=9))
    same('nothing was written', set(written(sim).values()), {0})


def where_it_still_is_nothing_is_done(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    sim.forget()
    same('counts', counts(restore(run, sim.archive, profile)), expected(twins=9))
    same('nothing was written', set(written(sim).values()), {0})
    asker = wire.Wire(sim)
    gone = dict(zip(asker.find_items().subjects(), asker.find_items().ids()))['twin']
    asker.ask(f'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds><t:ItemId Id="{gone}"/></m:ItemIds></m:DeleteItem>')
    same('one of two that look alike', counts(restore(run, sim.archive, profile)), expected(restored=1, twins=8))
    same('both are there', served(sim, ANNA)[('Inbox', 'twin')], 2)
    same('again', counts(restore(run, sim.archive, profile)), expected(there=1, twins=8))


def what_is_there_is_skipped_copied_or_replaced(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    inbox = ('--into', BERT, '--folder', '/Inbox')
    same('skip', counts(restore(run, sim.archive, profile, *inbox)), expected(restored=3, twins=1))
    same('one of it', served(sim, BERT)[('Inbox', 'one')], 1)
    same('copy', counts(restore(run, sim.archive, profile, *inbox, '--on-duplicate', 'copy')), expected(restored=1, there=3))
    same('two of it', served(sim, BERT)[('Inbox', 'one')], 2)
    same('replace', counts(restore(run, sim.archive, profile, *inbox, '--on-duplicate', 'replace')), expected(there=4, replaced=1))
    same('one of it again', served(sim, BERT)[('Inbox', 'one')], 1)
    same('and again', counts(restore(run, sim.archive, profile, *inbox, '--on-duplicate', 'replace')), expected(there=4))
    same('nothing beside', served(sim, BERT), collections.Counter({('Inbox', 'one'): 1, ('Inbox', 'two'): 1, ('Inbox', 'twin'): 2}))


def in_one_go(run):
    """replace, where nothing was restored before: what is new comes first, what it replaces goes afterwards."""
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    sim.forget()
    same('counts', counts(restore(run, sim.archive, profile, '--into', BERT, '--folder', '/Inbox', '--on-duplicate', 'replace')),
         expected(restored=4, replaced=1))
    order = [r['operation'] for r in sim.requests if r.get('operation') in ('CreateItem', 'DeleteItem')]
    same('order', order, ['CreateItem', 'DeleteItem'])
    same('one of it', served(sim, BERT)[('Inbox', 'one')], 1)


def stalled(sim, process, fault):
    """Until the fault has struck: the program waits for an answer that never comes. False: it was done before."""
    asker = wire.Wire(sim)
    deadline = time.monotonic() + harness.PATIENCE_S
    while time.monotonic() < deadline:
        if asker.stats()['faults'].get(fault, 0) > 0:
            return True
        if process.process.poll() is not None:
            return False
        time.sleep(0.01)
    raise harness.Failure('neither did the fault strike nor the program end')


def misbehave(asker, text=''):
    same('scenario taken', asker.scenario(text).status, 204)


def scenario(operation, nth, what):
    return json.dumps({'faults': [{'name': 'f', 'where': {'operation': operation}, 'when': {'nth': nth}, 'what': what}]})


def kill_and_continue(run, sim, first, second, operations, **changes):
    """The moment is a request, chosen by chance: killed before the server has done what it asks, or after."""
    rng = random.Random(SEED)
    asker = wire.Wire(sim)
    profile = profile_of(sim, addresses=[first], **changes)
    run.archive(profile)

    def what_it_is(item):
        return item['class'], item['sha256'] or item['message_id'], item['received']
    whole = collections.Counter(map(what_it_is, run.exarch('list', sim.archive, '--json').objects()))
    killed = 0
    for number in range(1, ROUNDS + 1):
        into = f'{second}/round {number}'
        operation = rng.choice(operations)
        what = rng.choice([{'wait_ms': STALL_MS}, {'wire': 'stall', 'wait_ms': STALL_MS}])
        nth = rng.randint(1, 5)
        print(f'# round {number} (EXARCH_SEED={SEED}): kill in {operation} {nth}, {"after" if "wire" in what else "before"}')
        misbehave(asker, scenario(operation, nth, what))
        process = run.start('restore', sim.archive, '--profile', profile, '--into', into, '--quiet')
        if stalled(sim, process, 'f'):
            process.signal(signal.SIGKILL)
            killed += 1
        process.end(expect={-signal.SIGKILL, harness.DONE})
        misbehave(asker)
        summary = restore(run, sim.archive, profile, '--into', into)
        same('settled', summary['restored'] + summary['there'] + summary['twins'], sum(whole.values()))
    check(killed >= ROUNDS // 2, f'{killed} of {ROUNDS} were killed before they were done')
    run.archive(profile_of(sim, 'again.yaml', [second], archive=str(run.dir / 'again'), **changes))
    rounds = collections.defaultdict(collections.Counter)
    for item in run.exarch('list', run.dir / 'again', '--json', '--folder', '/round*/**').objects():
        rounds[item['folder'].split('/')[1]][what_it_is(item)] += 1
    same('rounds', len(rounds), ROUNDS)
    for name, found in rounds.items():
        harness.same_multiset(name, found, whole)


def a_killed_restore_is_continued_and_nothing_is_there_twice(run):
    sim = run.simulator('--plain', '--generate', '2x60', '--mean-size', 'small', '--seed', '5')
    first, second = (u['mail'] for u in json.loads(wire.Wire(sim).users('/v1.0/users?$top=2').body)['value'][:2])
    kill_and_continue(run, sim, first, second, ['CreateFolder', 'FindItem', 'CreateItem', 'CreateItem', 'CreateItem'])


def nor_are_native_streams(run):
    folder = mail.write(run.dir / 'mail', {
        f'anna/Tasks {n % 3}/{n}.eml': mail.message(f'task {n}', f'Mon, 02 Mar 2026 09:00:{n:02} +0000',
                                                    headers='X-Sim-Class: IPM.Task\r\n') for n in range(45)})
    (folder / 'empty').mkdir()
    sim = run.simulator('--plain', '--mail', folder)
    kill_and_continue(run, sim, ANNA, EMPTY, ['UploadItems', 'UploadItems', 'UpdateItem'], **BOTH)


def a_signal_stops_it_and_a_rerun_goes_on(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    misbehave(wire.Wire(sim), scenario('CreateItem', 1, {'wire': 'stall', 'wait_ms': STALL_MS}))
    process = run.start('restore', sim.archive, '--profile', profile, '--into', f'{BERT}/Back', '--json')
    check(stalled(sim, process, 'f'), 'it waits for an answer')
    process.signal(signal.SIGTERM)
    same('why', process.end(harness.STOPPED).summary()['stopped'], 'stopped by a signal')
    misbehave(wire.Wire(sim))
    summary = restore(run, sim.archive, profile, '--into', f'{BERT}/Back')
    same('all', summary['restored'] + summary['there'], 9)
    check(set(served(sim, BERT).values()) <= {1, 2} and sum(served(sim, BERT).values()) == 10, 'each once, and what Bert had')
    ends = [o['detail'] for o in run.exarch('audit', sim.archive, '--json').objects() if o.get('action') == 'restore end']
    contains('the audit', ends[0], 'stopped early')


def lose_answers(run, *faults):
    sim = serve(run)
    profile = profile_of(sim, source={'timeout_s': 5})
    run.archive(profile)
    asker = wire.Wire(sim)
    for number, what in enumerate(faults):
        misbehave(asker, scenario('CreateItem', 1, what))
        into = f'{BERT}/lost {number}'
        same(str(what), counts(restore(run, sim.archive, profile, '--into', into, '--folder', '/Inbox')), expected(restored=4))
        same('asked once', asker.stats()['operations']['CreateItem'], {'requests': 1, 'targets': 4})
    misbehave(asker)
    same('each once', served(sim, BERT), collections.Counter({
        ('Inbox', 'one'): 1 + len(faults), ('Inbox', 'two'): len(faults), ('Inbox', 'twin'): 2 * len(faults)}))


def a_lost_answer_repeats_nothing(run):
    """The server did it, and the connection broke."""
    lose_answers(run, {'wire': 'reset-before-headers'}, {'wire': 'reset-after-headers'}, {'wire': 'reset-mid-body'})


def an_answer_that_never_comes_repeats_nothing(run):
    lose_answers(run, {'wire': 'stall', 'wait_ms': STALL_MS})


def a_lost_answer_to_an_upload_repeats_nothing(run):
    sim, profile = kinds(run, capture=['mime', 'native'])
    asker = wire.Wire(sim)
    for how in ('skip', 'copy', 'replace'):
        for operation in ('UploadItems', *(['UpdateItem'] if how == 'skip' else [])):
            misbehave(asker, scenario(operation, 1, {'wire': 'reset-after-headers'}))
            into = f'{EMPTY}/{operation} {how}'
            same(into, counts(restore(run, sim.archive, profile, '--into', into, '--folder', '/Tasks', '--on-duplicate', how)),
                 expected(restored=1))
            same('again', counts(restore(run, sim.archive, profile, '--into', into, '--folder', '/Tasks', '--on-duplicate', how)),
                 expected(there=1))
    misbehave(asker)
    same('each once', served(sim, EMPTY), collections.Counter({('Tasks', 'task'): 4}))


def a_busy_server_is_waited_for(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    misbehave(wire.Wire(sim), scenario('CreateItem', 1, {'fault': 'ErrorServerBusy', 'back_off_ms': 1500}))
    summary = restore(run, sim.archive, profile, '--into', f'{BERT}/Back', '--threads', 1)  # of several, some would have asked already
    same('counts', counts(summary), expected(restored=9))
    same('early', wire.Wire(sim).stats()['early'], 0)


def an_encrypted_archive_gives_everything_back(run):
    """More than a batch of it: such an archive isn't walked by date."""
    folder = mail.write(run.dir / 'mail', {f'anna/Inbox/{n}.eml': mail.message(f'n {n}', f'Mon, 02 Mar 2026 {n % 24:02}:00:00 +0000')
                                           for n in range(130)})
    (folder / 'empty').mkdir()
    sim = run.simulator('--plain', '--mail', folder)
    (run.dir / 'key').write_text(bytes(range(32)).hex() + '\n')
    (run.dir / 'key').chmod(0o600)
    profile = profile_of(sim, archive_key={'key_file': str(run.dir / 'key')})
    run.archive(profile)
    key = ('--key-file', run.dir / 'key')
    same('counts', counts(restore(run, sim.archive, profile, '--into', EMPTY, *key)), expected(restored=130))
    same('again', counts(restore(run, sim.archive, profile, '--into', EMPTY, *key)), expected(there=130))
    same('where it is', counts(restore(run, sim.archive, profile, *key)), expected(twins=130))
    same('each once', set(served(sim, EMPTY).values()), {1})


# ---- what goes wrong ----


def a_dry_run_changes_nothing(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    state = harness.tree_state(sim.archive)
    sim.forget()
    same('counts', counts(restore(run, sim.archive, profile, '--into', f'{BERT}/Back', '-n'), 'restored', 'folders'),
         {'restored': 9, 'folders': 9})
    same('beside what is there', counts(restore(run, sim.archive, profile, '-n')), expected(twins=9))
    same('nothing was written', set(written(sim).values()), {0})
    same('the archive', harness.tree_state(sim.archive), state)


def one_bad_item_costs_one_item(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    for code in ('ErrorMessageSizeExceeded', 'ErrorItemCorrupt', 'ErrorAccessDenied'):
        misbehave(wire.Wire(sim), json.dumps({'faults': [{'where': {'operation': 'CreateItem', 'folder': 'Inbox', 'item': 2},
                                                        'when': {'first': 1}, 'what': {'code': code}}]}))
        into = f'{BERT}/{code}'
        result = run.exarch('restore', sim.archive, '--profile', profile, '--into', into, '--json', expect=harness.INCOMPLETE)
        same(code, counts(result.summary()), expected(restored=8, failed=1))
        same('name', [o['name'] for o in result.objects() if o.get('outcome') == 'failed'], [code])
        same('a rerun', counts(restore(run, sim.archive, profile, '--into', into)), expected(restored=1, there=8))


def a_full_mailbox_costs_that_mailbox(run):
    sim = serve(run)
    profile = profile_of(sim, addresses=[ANNA, BERT])
    run.archive(profile)
    asker = wire.Wire(sim)
    for address in (ANNA, BERT):
        asker.ask(f'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>'
                  f'{"".join(f"<t:ItemId Id={chr(34)}{i}{chr(34)}/>" for i in asker.find_items(mailbox=address).ids())}'
                  f'</m:ItemIds></m:DeleteItem>', address)
    misbehave(asker, json.dumps({'faults': [{'where': {'operation': 'CreateItem', 'mailbox': ANNA}, 'what': {'code': 'ErrorQuotaExceeded'}}]}))
    result = run.exarch('restore', sim.archive, '--profile', profile, '--json', expect=harness.INCOMPLETE)
    done = {o['mailbox']: o for o in result.objects() if o['event'] == 'mailbox'}
    same('anna', (done[ANNA]['error']['name'], done[ANNA]['complete']), ('ErrorQuotaExceeded', False))
    same('bert', (done[BERT]['error'], done[BERT]['restored']), (None, 1))
    misbehave(asker)
    same('later', counts(restore(run, sim.archive, profile), 'restored', 'there'), {'restored': 4, 'there': 1})


def a_wrong_target_is_named(run):
    sim = serve(run, '--deny', BERT)
    profile = profile_of(sim)
    run.archive(profile)
    for into, name in ((BERT, 'ErrorImpersonateUserDenied'), ('nobody@sim.example', 'ErrorNonExistentMailbox')):
        result = run.exarch('restore', sim.archive, '--profile', profile, '--into', into, '--json', expect=harness.INCOMPLETE)
        same('mailboxes failed', result.summary()['mailboxes_failed'], 1)
        same('name', [o['error']['name'] for o in result.objects() if o['event'] == 'mailbox'], [name])
    for args, words in ((('--into', 'Restored'), ('--into', 'address')), (('--on-duplicate', 'ask'), ('skip, copy or replace',)),
                        (('--threads', '0'), ('--threads',))):
        contains('stderr', run.exarch('restore', sim.archive, '--profile', profile, *args, expect=harness.USAGE).err, *words)
    contains('stderr', run.exarch('restore', sim.archive, expect=harness.USAGE).err, '--profile')


def a_part_that_takes_nothing_back_needs_a_folder(run):
    folder = mail.write(run.dir / 'mail', {'anna/@recoverable/Deletions/gone.eml': 'gone', 'bert/Inbox/x.eml': 'x'})
    sim = run.simulator('--plain', '--mail', folder)
    profile = profile_of(sim, mailboxes={'from': 'list', 'list': [ANNA], 'parts': ['primary', 'recoverable']})
    run.archive(profile)
    contains('stderr', run.exarch('restore', sim.archive, '--profile', profile, expect=harness.USAGE).err, '--into', ANNA)
    same('counts', counts(restore(run, sim.archive, profile, '--into', f'{ANNA}/Back')), expected(restored=1))


def the_audit_says_who_restored_what_to_where(run):
    sim = serve(run)
    profile = profile_of(sim)
    run.archive(profile)
    restore(run, sim.archive, profile, '--into', f'{BERT}/Back', '--folder', '/Inbox')
    begin, end = [o for o in run.exarch('audit', sim.archive, '--json').objects() if o.get('action', '').startswith('restore')]
    same('actions', (begin['action'], end['action'], end['about']), ('restore begin', 'restore end', begin['number']))
    same('counts', (begin['items'], end['items'], len(end['numbers'])), (4, 4, 4))
    contains('detail', begin['detail'], '/Inbox', f'{BERT}/Back')
    run.exarch('audit', sim.archive, '--verify')


if __name__ == '__main__':
    harness.main(a_lost_answer_to_an_upload_repeats_nothing, an_answer_that_never_comes_repeats_nothing,
                 a_lost_answer_repeats_nothing, what_is_restored_is_archived_again_as_it_was, with_native_streams_too, items_of_all_kinds_come_back,
                 what_has_neither_mime_that_is_taken_nor_a_stream_fails_by_name, folders_are_found_by_role_and_made_with_their_class,
                 a_second_run_restores_nothing, where_it_still_is_nothing_is_done, what_is_there_is_skipped_copied_or_replaced,
                 in_one_go, a_killed_restore_is_continued_and_nothing_is_there_twice, nor_are_native_streams,
                 a_signal_stops_it_and_a_rerun_goes_on, a_busy_server_is_waited_for,
                 an_encrypted_archive_gives_everything_back, a_dry_run_changes_nothing,
                 one_bad_item_costs_one_item, a_full_mailbox_costs_that_mailbox, a_wrong_target_is_named,
                 a_part_that_takes_nothing_back_needs_a_folder, the_audit_says_who_restored_what_to_where,
                 short=(what_is_restored_is_archived_again_as_it_was, what_is_there_is_skipped_copied_or_replaced), at_once=4)
