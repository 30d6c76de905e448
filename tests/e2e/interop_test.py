# SPDX-License-Identifier: Apache-2.0
"""A client that we did not write against the simulator: what exchangelib lists, syncs, fetches, creates, changes and deletes, and that
exarch archives just what it fetched. Skipped where the Debian package python3-exchangelib isn't installed."""
import collections
import datetime
import functools
import json
import shutil

import harness
import mail
from harness import check, same

ANNA = 'anna@sim.example'
ADMIN, PASSWORD = 'admin@sim.example', 'not a secret'


@functools.cache
def library():
    try:
        import exchangelib
    except ImportError:
        raise harness.Skip('python3-exchangelib is not installed') from None

    class FlagStatus(exchangelib.ExtendedProperty):
        """2: flagged. exchangelib has no name for it."""
        property_tag = 0x1090
        property_type = 'Integer'

    for kind in (exchangelib.Message, exchangelib.CalendarItem, exchangelib.Contact):
        kind.register('flag_status', FlagStatus)
    return exchangelib


def serve(run):
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': mail.message('one', 'Mon, 02 Mar 2026 09:00:00 +0000'),
        'anna/Inbox/two.eml': mail.message('two', 'Mon, 02 Mar 2026 08:00:00 +0000'),
        'anna/Projects/2026/plan.eml': 'plan', 'anna/@archive/Old/old.eml': 'old', 'bert/Inbox/four.eml': 'four'})
    return run.simulator('--plain', '--mail', folder, '--basic', f'{ADMIN}:{PASSWORD}')


def account(sim, address=ANNA):
    x = library()
    configuration = x.Configuration(
        service_endpoint=f'{sim.url}/EWS/Exchange.asmx', credentials=x.Credentials(ADMIN, PASSWORD), auth_type=x.BASIC,
        version=x.Version(x.version.EXCHANGE_2016))
    return x.Account(address, config=configuration, autodiscover=False, access_type=x.IMPERSONATION)


def it_walks_folders_and_lists_items(run):
    anna = account(serve(run))
    names = [f.name for f in anna.msg_folder_root.walk()]
    check({'Inbox', 'Sent Items', 'Projects', '2026'} <= set(names) and 'Old' not in names, f'folders: {names}')
    same('newest first', [i.subject for i in anna.inbox.all().order_by('-datetime_received')], ['one', 'two'])
    same('a restriction', [i.subject for i in anna.inbox.filter(subject__icontains='TW')], ['two'])
    same('a date', [i.subject for i in anna.inbox.filter(datetime_received__gt=anna.inbox.get(subject='two').datetime_received)],
         ['one'])
    same('the archive', [f.name for f in anna.archive_msg_folder_root.walk() if f.name == 'Old'], ['Old'])


def it_syncs_folders_and_items(run):
    anna = account(serve(run))
    check(len([kind for kind, _ in anna.root.sync_hierarchy()]) > 8, 'the hierarchy')
    first = list(anna.inbox.sync_items(only_fields=['subject']))
    same('first', [(kind, item.subject) for kind, item in first], [('create', 'one'), ('create', 'two')])
    library().Message(account=anna, folder=anna.inbox, subject='three', body='b').save()
    anna.inbox.get(subject='two').soft_delete()
    same('then', sorted(kind for kind, _ in anna.inbox.sync_items(only_fields=['subject'])), ['create', 'delete'])


def it_creates_changes_moves_and_deletes(run):
    x = library()
    anna = account(serve(run))
    content = mail.message('raw')
    x.Message(account=anna, folder=anna.inbox, mime_content=content).save()
    raw = anna.inbox.get(subject='raw')
    same('message', raw.mime_content, content)
    raw.is_read, raw.categories = True, ['Blue', 'A & B']
    raw.save(update_fields=['is_read', 'categories'])
    same('categories', anna.inbox.get(subject='raw').categories, ['Blue', 'A & B'])
    made = x.Folder(parent=anna.msg_folder_root, name='Made')
    made.save()
    raw.move(made)
    same('moved', [i.subject for i in made.all()], ['raw'])
    stream = anna.export([made.get(subject='raw')])[0]
    anna.upload([(anna.inbox, stream)])
    same('uploaded', anna.inbox.get(subject='raw').mime_content, content)
    anna.inbox.get(subject='raw').delete()
    anna.inbox.get(subject='one').soft_delete()
    anna.inbox.get(subject='two').move_to_trash()
    same('left', list(anna.inbox.all()), [])
    same('recoverable', [i.subject for i in anna.recoverable_items_deletions.all()], ['one'])
    same('trash', [i.subject for i in anna.trash.all()], ['two'])


def what_it_changes_keeps_what_it_does_not_name(run):
    anna = account(serve(run))
    item = anna.inbox.get(subject='one')
    item.flag_status = 2
    item.save(update_fields=['flag_status'])
    item.is_read = False
    item.save(update_fields=['is_read'])
    again = anna.inbox.get(subject='one')
    same('read, flag', (again.is_read, again.flag_status), (False, 2))
    again.flag_status = None
    again.save(update_fields=['flag_status'])
    same('flag taken away', anna.inbox.get(subject='one').flag_status, None)


def exarch_archives_what_it_fetches(run):
    sim = serve(run)
    anna = account(sim)
    library().Message(account=anna, folder=anna.inbox, mime_content=mail.message('from another client')).save()
    run.archive(sim.profile(sign_in='basic', mailboxes={'from': 'list', 'list': [ANNA]}))
    archived = collections.Counter(digest for _, _, digest in run.export(sim.archive))
    fetched = collections.Counter(harness.sha256(item.mime_content) for folder in anna.msg_folder_root.walk()
                                  for item in folder.all().only('mime_content'))
    check(sum(fetched.values()) == 4, f'four messages: {fetched}')
    harness.same_multiset('messages', archived, fetched)


def change_some(anna):
    """So that all properties differ somewhere."""
    x = library()
    first, second, third = anna.inbox.all().only('subject', 'is_read', 'categories', 'flag_status')[:3]
    first.is_read = False
    first.save(update_fields=['is_read'])
    second.flag_status, second.categories = 2, ['Blue', 'Ümläut & <more>']
    second.save(update_fields=['flag_status', 'categories'])
    third.flag_status = 1
    third.save(update_fields=['flag_status'])
    x.Message(account=anna, folder=anna.drafts, subject='a draft', body='not done', categories=['Red']).save()
    x.Message(account=anna, folder=anna.sent, mime_content=mail.message('moved')).save()
    anna.sent.get(subject='moved').move(anna.inbox)


def seconds(moment):
    return datetime.datetime.fromtimestamp(int(moment.timestamp()), datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def as_it_sees(folder, item):
    """None: items of that class have no such thing."""
    path, mime = '/' + '/'.join(part.name for part in reversed([folder, *parents(folder)])), item.mime_content or b''
    return {'folder': path, 'class': item.item_class, 'sha256': harness.sha256(mime), 'bytes': len(mime),
            'received': seconds(item.datetime_received), 'sent': seconds(item.datetime_sent),
            'created': seconds(item.datetime_created), 'modified': seconds(item.last_modified_time),
            'read': getattr(item, 'is_read', None), 'draft': item.is_draft, 'attachments': item.has_attachments,
            'categories': item.categories or [], 'flag': {None: 'none', 1: 'complete', 2: 'flagged'}[item.flag_status]}


def parents(folder):
    while (folder := folder.parent).name != folder.root.tois.name:
        yield folder


def exarch_lists_item_by_item_what_it_sees(run):
    """Everything exarch keeps of an item, over the project's own mail and what another client made of it."""
    sim = run.simulator('--plain', '--mail', harness.FIXTURES / 'mail', '--basic', f'{ADMIN}:{PASSWORD}')
    addresses = sorted(path.name for path in (harness.FIXTURES / 'mail').iterdir() if '@' in path.name)
    change_some(account(sim, addresses[0]))
    run.archive(sim.profile(sign_in='basic', mailboxes={'from': 'list', 'list': addresses}))
    listed = {item['item_id']: item for item in run.exarch('list', sim.archive, '--json').objects()}
    check(len(listed) > 60, f'mail of all kinds: {len(listed)}')
    same('messages exported', len(run.export(sim.archive)), len(listed))
    for address in addresses:
        client = account(sim, address)
        for folder in client.msg_folder_root.walk():
            for item in client.fetch(folder.all().values_list('id', 'changekey')):
                archived = listed.pop(item.id, None)
                check(archived is not None, f'{item.id} in {folder.absolute} is archived')
                archived |= archived.pop('properties')
                expected = as_it_sees(folder, item)  # the export's bytes have this SHA-256, or it would have failed
                same(f'item {archived["number"]}', {key: archived[key] for key in expected}, expected)
    same('archived, but not seen', list(listed.values()), [])


def as_a_user_has_it(folder, item):
    """Of as_it_sees, what a restore gives back."""
    seen = as_it_sees(folder, item)
    return {key: seen[key] for key in seen if key not in ('created', 'modified')} | {'importance': item.importance}


def what_exarch_restores_another_client_finds_as_it_was(run):
    """Into an empty mailbox, over the project's own mail: every item in its folder, with all that a client can see of it."""
    folder = run.dir / 'mail'
    shutil.copytree(harness.FIXTURES / 'mail', folder)
    addresses = sorted(path.name for path in folder.iterdir() if '@' in path.name)
    (folder / 'empty@contoso.example').mkdir()
    sim = run.simulator('--plain', '--mail', folder, '--basic', f'{ADMIN}:{PASSWORD}')
    change_some(account(sim, addresses[0]))
    profile = sim.profile(sign_in='basic', mailboxes={'from': 'list', 'list': addresses})
    run.archive(profile)
    run.exarch('restore', sim.archive, '--profile', profile, '--mailbox', addresses[0], '--into', 'empty@contoso.example')
    before, after = ([json.dumps(as_a_user_has_it(f, item), sort_keys=True) for f in client.msg_folder_root.walk()
                      for item in client.fetch(f.all().values_list('id', 'changekey'))]
                     for client in (account(sim, addresses[0]), account(sim, 'empty@contoso.example')))
    check(len(before) > 20, f'mail of all kinds: {len(before)}')
    harness.same_multiset('items', collections.Counter(after), collections.Counter(before))


if __name__ == '__main__':
    harness.main(it_walks_folders_and_lists_items, it_syncs_folders_and_items, it_creates_changes_moves_and_deletes,
                 what_it_changes_keeps_what_it_does_not_name, exarch_archives_what_it_fetches,
                 exarch_lists_item_by_item_what_it_sees, what_exarch_restores_another_client_finds_as_it_was)
