# SPDX-License-Identifier: Apache-2.0
"""`exarch diff` names what the archive and the server don't share, and touches neither."""
import json

import harness
import mail
import wire
from harness import same

ANNA, BERT = wire.ANNA, wire.BERT
OLD = 'Mon, 05 Mar 2012 09:00:00 +0000'
ALL = ('listed', 'same', 'server_only', 'failed', 'changed', 'archive_only', 'excluded', 'deferred', 'removed')


def serve(run, *options):
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': 'one', 'anna/Inbox/two.eml': 'two', 'anna/Inbox/three.eml': 'three', 'anna/Inbox/Sub/four.eml': 'four',
        'anna/Private/five.eml': 'five', 'anna/Junk Email/six.eml': 'six', 'bert/Inbox/seven.eml': 'seven'})
    return run.simulator('--plain', '--mail', folder, *options)


def diff(run, archive, profile, *args, expect=harness.DONE):
    """(objects, summary)"""
    objects = run.exarch('diff', archive, profile, '--json', *args, expect=expect).objects()
    same('the last line', objects[-1]['event'], 'diff')
    return objects, objects[-1]


def counts(summary, **expected):
    same('counts', {name: summary[name] for name in ALL}, {**dict.fromkeys(ALL, 0), **expected})


def told(objects):
    return sorted((o['what'], o['folder'], o['number'] is not None) for o in objects if o['event'] == 'difference')


def right_after_a_run_there_is_no_difference(run):
    sim = serve(run)
    profile = sim.profile()
    run.archive(profile)
    state = harness.tree_state(sim.archive)
    sim.forget()
    counts(diff(run, sim.archive, profile)[1], listed=7, same=7)
    same('bodies fetched', sim.fetched_items(), 0)
    same('the archive', harness.tree_state(sim.archive), state)
    harness.contains('in words', run.exarch('diff', sim.archive, profile).out, 'no difference', 'bert@sim.example: 1 the same')
    counts(diff(run, sim.archive, profile, '--mailbox', BERT)[1], listed=1, same=1)
    counts(diff(run, sim.archive, profile, '--folder', '/Inbox/**')[1], listed=1, same=1)
    same('and the next run fetches nothing', run.archive(profile)['archived'], 0)


def each_difference_is_told_with_its_place(run):
    sim = serve(run)
    profile = sim.profile()
    run.archive(profile)
    asker = wire.Wire(sim)
    found = dict(zip(asker.find_items().subjects(), asker.find_items().ids()))
    asker.ask(f'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds><t:ItemId Id="{found["one"]}"/></m:ItemIds></m:DeleteItem>')
    asker.ask(f'<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange>'
              f'<t:ItemId Id="{found["two"]}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Categories"/><t:Message>'
              f'<t:Categories><t:String>Red</t:String></t:Categories></t:Message></t:SetItemField></t:Updates></t:ItemChange>'
              f'</m:ItemChanges></m:UpdateItem>')
    mail.write(run.dir / 'mail', {'anna/Inbox/new.eml': 'new', 'anna/Later/also new.eml': 'also new'})
    objects, summary = diff(run, sim.archive, profile, expect=harness.INCOMPLETE)
    counts(summary, listed=8, same=5, server_only=2, changed=1, archive_only=1)
    same('items', told(objects), [('archive_only', '/Inbox', True), ('changed', '/Inbox', True), ('server_only', '/Inbox', False),
                                  ('server_only', '/Later', False)])
    run.archive(profile)
    counts(diff(run, sim.archive, profile)[1], listed=8, same=8, removed=1)


def a_folder_that_is_gone_is_in_the_archive_only(run):
    sim = serve(run)
    profile = sim.profile()
    run.archive(profile)
    asker = wire.Wire(sim)
    asker.ask(f'<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="{asker.folder_id("Sub")}"/></m:FolderIds>'
              f'</m:DeleteFolder>')
    objects, summary = diff(run, sim.archive, profile, expect=harness.INCOMPLETE)
    counts(summary, listed=6, same=6, archive_only=1)
    same('items', told(objects), [('archive_only', '/Inbox/Sub', True)])


def what_a_rule_holds_back_is_no_difference(run):
    sim = serve(run)
    rules = {'folders': {'standard_exclusions': True, 'rules': [{'exclude': '/Private'}]}, 'filters': {'before': '2026-01-01T00:00:00Z'}}
    mail.write(run.dir / 'mail', {'anna/Inbox/old.eml': mail.message('old', OLD)})
    profile = sim.profile(**rules)
    run.archive(profile)
    counts(diff(run, sim.archive, profile)[1], listed=6, same=1, deferred=5, excluded=2)
    counts(diff(run, sim.archive, sim.profile('all.yaml'), expect=harness.INCOMPLETE)[1], listed=8, same=1, server_only=7)


def trouble_costs_what_it_touches(run):
    sim = serve(run, '--deny', BERT)
    profile = sim.profile(mailboxes={'from': 'list', 'list': [ANNA, BERT]})
    run.archive(profile, expect=harness.INCOMPLETE)
    objects, summary = diff(run, sim.archive, profile, expect=harness.INCOMPLETE)
    counts(summary, listed=6, same=6)
    same('failed', (summary['mailboxes'], summary['mailboxes_failed']), (2, 1))
    same('why', [o['error']['name'] for o in objects if o['event'] == 'mailbox' and o['error']], ['ErrorImpersonateUserDenied'])
    wire.Wire(sim).scenario(json.dumps({'faults': [{'where': {'operation': 'SyncFolderItems', 'folder': 'Inbox'}, 'when': {'nth': 1},
                                                    'what': {'wire': 'reset-mid-body'}}]}))
    counts(diff(run, sim.archive, profile, '--mailbox', ANNA)[1], listed=6, same=6)


if __name__ == '__main__':
    harness.main(right_after_a_run_there_is_no_difference, each_difference_is_told_with_its_place,
                 a_folder_that_is_gone_is_in_the_archive_only, what_a_rule_holds_back_is_no_difference,
                 trouble_costs_what_it_touches, short=(each_difference_is_told_with_its_place,))
