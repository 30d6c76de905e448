# SPDX-License-Identifier: Apache-2.0
"""What clients can change in the simulator's mailboxes, and that it answers and syncs afterwards as Exchange would."""
import base64
import re

import harness
import mail
import wire
from harness import check, same
from wire import ANNA

FLAGS, RECEIVED = '<t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/>', \
                  '<t:ExtendedFieldURI PropertyTag="0x0E06" PropertyType="SystemTime"/>'
MARK = '<t:ExtendedFieldURI PropertySetId="11111111-2222-3333-4444-AAAAAAAAAAAA" PropertyName="job" PropertyType="String"/>'


def serve(run, *options):
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': mail.message('one', 'Mon, 02 Mar 2026 09:00:00 +0000'),
        'anna/Inbox/two.eml': mail.message('two', 'Mon, 02 Mar 2026 08:00:00 +0000'),
        'anna/Inbox/three.eml': mail.message('three', 'Mon, 02 Mar 2026 07:00:00 +0000'),
        'anna/Projects/plan.eml': 'plan', 'anna/@archive/2019/old.eml': 'old', 'anna/@recoverable/Deletions/gone.eml': 'gone',
        'bert/Inbox/four.eml': 'four'})
    return wire.Wire(run.simulator('--plain', '--mail', folder, *options))


def property_of(uri, value):
    return f'<t:ExtendedProperty>{uri}<t:Value>{value}</t:Value></t:ExtendedProperty>'


def create(asker, content, folder='inbox', before='', after='', disposition='MessageDisposition="SaveOnly"'):
    mime = f'<t:MimeContent>{base64.b64encode(content).decode()}</t:MimeContent>' if content else ''
    return asker.ask(f'<m:CreateItem {disposition}><m:SavedItemFolderId>{asker.folder_element(folder)}</m:SavedItemFolderId>'
                     f'<m:Items><t:Message>{mime}{before}{after}</t:Message></m:Items></m:CreateItem>')


def named(ids):
    return '<m:ItemIds>' + ''.join(f'<t:ItemId Id="{i}"/>' for i in ids) + '</m:ItemIds>'


def delete(asker, ids, how, more=''):
    return asker.ask(f'<m:DeleteItem DeleteType="{how}" {more}>{named(ids)}</m:DeleteItem>')


def a_message_is_created_as_it_was(run):
    asker = serve(run)
    known = asker.sync().state()
    content = mail.message('brought back', 'Tue, 03 Mar 2020 08:00:00 +0000')
    made = create(asker, content, before='<t:Categories><t:String>Red</t:String><t:String>A &amp; B</t:String></t:Categories>'
                  '<t:Importance>High</t:Importance>' + property_of(FLAGS, 1) + property_of(RECEIVED, '2020-03-03T08:00:05Z') +
                  property_of(MARK, 'job 7'))
    same('codes', made.codes(), ['NoError'])
    more = f'<t:AdditionalProperties><t:FieldURI FieldURI="item:Categories"/>{FLAGS}{MARK}</t:AdditionalProperties>'
    got = asker.get_items(made.ids(), shape='AllProperties', more=more)
    same('message', got.messages(), [content])
    for text in ('<t:String>Red</t:String><t:String>A &amp; B</t:String>', '<t:DateTimeReceived>2020-03-03T08:00:05Z<',
                 '<t:IsDraft>false<', '<t:IsRead>true<', '<t:Importance>High<', 'PropertyName="job"', '<t:Value>job 7<'):
        check(text in got.text(), f'{text}: {got.text()}')
    same('sync', asker.sync(state=known).kinds(), [('Create', made.ids()[0])])
    same('by age the last', asker.find_items().subjects()[-1], 'brought back')
    wanted = (f'<m:Restriction><t:IsEqualTo>{MARK}<t:FieldURIOrConstant><t:Constant Value="job 7"/></t:FieldURIOrConstant>'
              '</t:IsEqualTo></m:Restriction>')
    same('found by its mark', asker.find_items(restriction=wanted).ids(), made.ids())


def without_flags_it_is_a_draft_of_now(run):
    asker = serve(run)
    made = create(asker, mail.message('draft', 'Tue, 03 Mar 2020 08:00:00 +0000'))
    got = asker.get_items(made.ids(), shape='AllProperties')
    check('<t:IsDraft>true<' in got.text() and 'DateTimeReceived>2020' not in got.text(), 'a draft, received now')
    refused = create(asker, b'x', disposition='')
    same('codes', refused.codes(), ['ErrorMessageDispositionRequired'])
    same('read-only', create(asker, b'x', before='<t:DateTimeReceived>2020-03-03T08:00:05Z</t:DateTimeReceived>').codes(),
         ['ErrorInvalidPropertySet'])
    wrong = create(asker, b'x', before='<t:Importance>High</t:Importance><t:Subject>late</t:Subject>')
    same('wrong order', (wrong.status, wrong.codes()), (500, ['ErrorSchemaValidation']))


def deleting_has_three_ways(run):
    asker = serve(run)
    first = asker.sync()
    one, two, three = first.ids()
    same('soft', delete(asker, [one], 'SoftDelete').codes(), ['NoError'])
    same('hard', delete(asker, [two], 'HardDelete').codes(), ['NoError'])
    same('to deleted items', delete(asker, [three], 'MoveToDeletedItems').codes(), ['NoError'])
    same('again', delete(asker, [one], 'SoftDelete').codes(), ['ErrorItemNotFound'])
    same('sync', sorted(asker.sync(state=first.state()).kinds()), sorted(('Delete', i) for i in (one, two, three)))
    same('recoverable', sorted(asker.find_items('recoverableitemsdeletions').subjects()), ['gone', 'one'])
    same('purges', asker.find_items('recoverableitemspurges').subjects(), ['two'])
    same('deleted items', asker.find_items('deleteditems').subjects(), ['three'])
    same('for good', delete(asker, asker.find_items('recoverableitemspurges').ids(), 'HardDelete').codes(), ['NoError'])
    same('then', asker.find_items('recoverableitemspurges').ids(), [])
    same('no way given', asker.ask(f'<m:DeleteItem>{named([one])}</m:DeleteItem>').codes(), ['ErrorSchemaValidation'])


def tasks_and_meetings_want_a_word_when_deleted(run):
    asker = serve(run)
    ids = {}
    for element, kind, folder, how in (('Task', 'IPF.Task', 'Tasks', 'MessageDisposition="SaveOnly"'),
                                       ('CalendarItem', 'IPF.Appointment', 'Calendar', 'SendMeetingInvitations="SendToNone"')):
        made = asker.ask(f'<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderId>'
                         f'<m:Folders><t:{element.replace("Item", "")}{"s" * (element == "Task")}Folder><t:DisplayName>{folder}'
                         f'</t:DisplayName></t:{element.replace("Item", "")}{"s" * (element == "Task")}Folder></m:Folders>'
                         f'</m:CreateFolder>')
        same('folder', made.codes(), ['NoError'])
        own = re.search(r'FolderId Id="([^"]+)"', made.text()).group(1)
        item = asker.ask(f'<m:CreateItem {how}><m:SavedItemFolderId><t:FolderId Id="{own}"/></m:SavedItemFolderId><m:Items>'
                         f'<t:{element}><t:Subject>x</t:Subject></t:{element}></m:Items></m:CreateItem>')
        same('item', item.codes(), ['NoError'])
        ids[element] = item.ids()
    same('task', delete(asker, ids['Task'], 'HardDelete').codes(), ['ErrorAffectedTaskOccurrencesRequired'])
    same('meeting', delete(asker, ids['CalendarItem'], 'HardDelete').codes(), ['ErrorSendMeetingCancellationsRequired'])
    said = 'AffectedTaskOccurrences="AllOccurrences" SendMeetingCancellations="SendToNone"'
    same('with both', delete(asker, ids['Task'] + ids['CalendarItem'], 'HardDelete', said).codes(), ['NoError'] * 2)
    same('a task elsewhere', asker.ask(
        '<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:DistinguishedFolderId Id="inbox"/>'
        '</m:SavedItemFolderId><m:Items><t:Task><t:Subject>x</t:Subject></t:Task></m:Items></m:CreateItem>').codes(),
        ['ErrorCannotCreateTaskInNonTaskFolder'])


def a_moved_item_has_a_new_id_and_its_search_key(run):
    asker = serve(run)
    key = '<t:AdditionalProperties><t:ExtendedFieldURI PropertyTag="0x300B" PropertyType="Binary"/></t:AdditionalProperties>'
    one = asker.sync().ids()[0]
    before = asker.get_items([one], more=key)
    moved = asker.ask(f'<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="drafts"/></m:ToFolderId>{named([one])}'
                      f'</m:MoveItem>')
    after = asker.get_items(moved.ids(), more=key)
    check(moved.ids() != [one], 'a new id')
    same('message', after.messages(), before.messages())
    same('search key', re.findall('<t:Value>(.*?)<', after.text()), re.findall('<t:Value>(.*?)<', before.text()))
    same('the old id', asker.get_items([one]).codes(), ['ErrorItemNotFound'])


def an_update_changes_the_change_key(run):
    asker = serve(run)
    first = asker.sync()
    one, two, _ = first.ids()

    def update(item, path, what):
        return asker.ask(f'<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges>'
                         f'<t:ItemChange><t:ItemId Id="{item}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="{path}"/>'
                         f'<t:Message>{what}</t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges>'
                         f'</m:UpdateItem>')
    same('read', update(one, 'message:IsRead', '<t:IsRead>false</t:IsRead>').codes(), ['NoError'])
    same('categories', update(two, 'item:Categories', '<t:Categories><t:String>Blue</t:String></t:Categories>').codes(), ['NoError'])
    same('sync', asker.sync(state=first.state()).kinds(), [('ReadFlagChange', one), ('Update', two)])
    got = asker.get_items([one, two], shape='AllProperties')
    check('<t:IsRead>false<' in got.text() and '<t:String>Blue<' in got.text(), 'both are kept')
    check(not set(re.findall('ChangeKey="([^"]+)"', first.text())[:2]) & set(re.findall('ChangeKey="([^"]+)"', got.text())), 'keys')
    same('read-only', update(one, 'item:Size', '<t:Size>3</t:Size>').codes(), ['ErrorInvalidPropertySet'])


def the_native_form_brings_everything_back(run):
    asker = serve(run)
    content = mail.message('whole')
    made = create(asker, content, before='<t:Categories><t:String>Red</t:String></t:Categories>' + property_of(FLAGS, 0) +
                  property_of(RECEIVED, '2020-03-03T08:00:05Z') + property_of(MARK, 'job 8'))
    exported = asker.ask(f'<m:ExportItems>{named(made.ids() + ["AAMkAGIxAAAA="])}</m:ExportItems>')
    same('codes', exported.codes(), ['NoError', 'ErrorInvalidIdMalformed'])
    data = re.search('<m:Data>(.*?)</m:Data>', exported.text()).group(1)
    check(data.startswith('AQAAAAgAAAA'), 'it begins as Exchange\'s')
    folder = asker.folder_id('Projects')

    def upload(text, action='CreateNew'):
        return asker.ask(f'<m:UploadItems><m:Items><t:Item CreateAction="{action}"><t:ParentFolderId Id="{folder}"/><t:Data>{text}'
                         f'</t:Data></t:Item></m:Items></m:UploadItems>')
    back = upload('\n'.join(data[i:i + 76] for i in range(0, len(data), 76)))
    same('codes', back.codes(), ['NoError'])
    new = re.findall('<m:ItemId Id="([^"]+)"', back.text())
    got = asker.get_items(new, shape='AllProperties', more=f'<t:AdditionalProperties>{MARK}</t:AdditionalProperties>')
    same('message', got.messages(), [content])
    for text in ('<t:String>Red<', 'DateTimeReceived>2020-03-03T08:00:05Z', '<t:IsRead>false<', '<t:Value>job 8<'):
        check(text in got.text(), text)
    same('garbage', upload('AQAAAAgAAAA=').codes(), ['ErrorCorruptData'])
    same('update of nothing', upload(data, 'Update').codes(), ['ErrorItemNotFound'])


def folders_are_made_renamed_moved_and_deleted(run):
    asker = serve(run)

    def make(name, kind=''):
        return asker.ask('<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderId>'
                         f'<m:Folders><t:Folder>{kind}<t:DisplayName>{name}</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>')
    shape = '<m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>'
    first = asker.ask(f'<m:SyncFolderHierarchy>{shape}</m:SyncFolderHierarchy>')
    same('made', make('New').codes(), ['NoError'])
    same('again, in other letters', make('NEW').codes(), ['ErrorFolderExists'])
    own = asker.folder_id('New')
    renamed = asker.ask(f'<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="{own}"/><t:Updates><t:SetFolderField>'
                        '<t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>Newer</t:DisplayName></t:Folder>'
                        '</t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>')
    same('renamed', renamed.codes(), ['NoError'])
    same('its id', asker.folder_id('Newer'), own)
    second = asker.ask(f'<m:SyncFolderHierarchy>{shape}<m:SyncState>{first.state()}</m:SyncState></m:SyncFolderHierarchy>')
    same('hierarchy', re.findall('<t:(Create|Update|Delete)>', second.text()), ['Create'])
    moved = asker.ask(f'<m:MoveFolder><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId><m:FolderIds>'
                      f'<t:FolderId Id="{own}"/></m:FolderIds></m:MoveFolder>')
    same('moved', (moved.codes(), asker.folder_id('Newer', base='inbox')), (['NoError'], own))
    third = asker.ask(f'<m:SyncFolderHierarchy>{shape}<m:SyncState>{second.state()}</m:SyncState></m:SyncFolderHierarchy>')
    same('hierarchy', re.findall('<t:(Create|Update|Delete)>', third.text()), ['Update'])
    gone = asker.ask(f'<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="{own}"/>'
                     '<t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:DeleteFolder>')
    same('deleted', gone.codes(), ['NoError', 'ErrorDeleteDistinguishedFolder'])
    last = asker.ask(f'<m:SyncFolderHierarchy>{shape}<m:SyncState>{third.state()}</m:SyncState></m:SyncFolderHierarchy>')
    same('hierarchy', re.findall('<t:(Create|Update|Delete)>', last.text()), ['Delete'])
    bound = asker.ask(f'<m:SyncFolderHierarchy>{shape}<m:SyncFolderId><t:DistinguishedFolderId Id="msgfolderroot"/></m:SyncFolderId>'
                      f'<m:SyncState>{last.state()}</m:SyncState></m:SyncFolderHierarchy>')
    same('a state is of one folder', bound.codes(), ['ErrorInvalidSyncStateData'])


def restrictions_and_orders_are_kept(run):
    asker = serve(run)

    def test(name, uri, value):
        return (f'<t:{name}><t:FieldURI FieldURI="{uri}"/><t:FieldURIOrConstant><t:Constant Value="{value}"/>'
                f'</t:FieldURIOrConstant></t:{name}>')

    def found(expression, sort=''):
        return asker.find_items(restriction=f'<m:Restriction>{expression}</m:Restriction>' if expression else '',
                                sort=sort).subjects()
    time = '2026-03-02T08:00:00Z'
    same('from', found(test('IsGreaterThanOrEqualTo', 'item:DateTimeReceived', time)), ['one', 'two'])
    same('before', found(test('IsLessThan', 'item:DateTimeReceived', time)), ['three'])
    same('id', found(test('IsEqualTo', 'message:InternetMessageId', '&lt;two@sim.example&gt;')), ['two'])
    same('not', found(f'<t:Not>{test("IsEqualTo", "item:Subject", "two")}</t:Not>'), ['one', 'three'])
    same('or', found(f'<t:Or>{test("IsEqualTo", "item:Subject", "one")}{test("IsEqualTo", "item:Subject", "three")}</t:Or>'),
         ['one', 'three'])
    same('contains', found('<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase"><t:FieldURI '
                           'FieldURI="item:Subject"/><t:Constant Value="WO"/></t:Contains>'), ['two'])
    oldest = '<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder></m:SortOrder>'
    same('oldest first', found('', oldest), ['three', 'two', 'one'])
    same('unknown', asker.find_items(restriction='<m:Restriction><t:Exists><t:FieldURI FieldURI="item:Culture"/></t:Exists>'
                                     '</m:Restriction>').codes(), ['ErrorUnsupportedPathForQuery'])


def the_archive_and_recoverable_items_are_trees_of_their_own(run):
    asker = serve(run)
    same('the archive is not in the mailbox', asker.folder_id('2019'), None)
    check(asker.folder_id('2019', base='archivemsgfolderroot'), 'it is in the archive')
    same('its item', asker.find_items(asker.folder_id('2019', base='archivemsgfolderroot')).subjects(), ['old'])
    same('recoverable', asker.find_items('recoverableitemsdeletions').subjects(), ['gone'])
    same('bert has none', asker.get_folder('archivemsgfolderroot', mailbox=wire.BERT).codes(), ['ErrorFolderNotFound'])


def items_of_other_classes_have_their_elements_and_perhaps_no_mime(run):
    asker = serve(run)
    kinds = {'task': ('X-Sim-Class: IPM.Task\r\n', 'Task', False), 'note': ('X-Sim-Class: IPM.StickyNote\r\n', 'Message', False),
             'card': ('Content-Type: text/vcard\r\n', 'Contact', True),
             'date': ('Content-Type: text/calendar\r\n', 'CalendarItem', True),
             'invitation': ('Content-Type: text/calendar; method=REQUEST\r\n', 'MeetingRequest', True),
             'bounce': ('Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n', 'Message', True)}
    mail.write(run.dir / 'mail', {f'cora/Inbox/{name}.eml': mail.message(name, headers=header)
                                  for name, (header, _, _) in kinds.items()})
    listing = asker.find_items(mailbox='cora@sim.example')
    found = dict(zip(listing.subjects(), listing.ids()))
    same('subjects', set(found), set(kinds))
    for name, (_, element, has_mime) in kinds.items():
        got = asker.get_items([found[name]], mailbox='cora@sim.example')
        same(name, got.codes(), ['NoError' if has_mime else 'ErrorUnsupportedMimeConversion'])
        plain = asker.get_items([found[name]], mailbox='cora@sim.example', mime=False)
        check(f'<m:Items><t:{element}>' in plain.text(), f'{name} is a {element}: {plain.text()}')
        exported = asker.ask(f'<m:ExportItems>{named([found[name]])}</m:ExportItems>', mailbox='cora@sim.example')
        same(f'{name} in its native form', exported.codes(), ['NoError'])


def public_folders_want_their_own_headers(run):
    asker = serve(run)
    mail.write(run.dir / 'mail', {'@public/Team/Minutes/1.eml': 'minutes', '@public/Inbox/2.eml': 'just a name'})
    public = 'publicfolders@sim.example'
    same('no mailbox', public in asker.users('/v1.0/users').text(), False)
    routed = {'X-PublicFolderMailbox': public, 'X-AnchorMailbox': public}

    def find(parent, traversal='Shallow', headers=None):
        return asker.ask(f'<m:FindFolder Traversal="{traversal}"><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape>'
                         '<t:AdditionalProperties><t:ExtendedFieldURI PropertyTag="0x6698" PropertyType="Binary"/>'
                         f'</t:AdditionalProperties></m:FolderShape><m:ParentFolderIds>{asker.folder_element(parent)}'
                         '</m:ParentFolderIds></m:FindFolder>', headers=headers or routed)

    def folders(answer):
        return {n: i for i, n in re.findall(r'<t:FolderId Id="([^"]+)".*?<t:DisplayName>(.*?)<', answer.text(), re.S)}
    top = folders(find('publicfoldersroot'))
    same('top', set(top), {'Team', 'Inbox'})
    minutes = find(top['Team'])
    same('below', set(folders(minutes)), {'Minutes'})
    replica = base64.b64decode(re.search('<t:Value>(.*?)<', minutes.text()).group(1))
    check(len(replica) == 37 and replica.endswith(b'\0'), f'a GUID and NUL: {replica}')
    content = {'X-PublicFolderMailbox': f'{replica[:-1].decode()}@sim.example', 'X-AnchorMailbox': f'{replica[:-1].decode()}@sim.example'}
    items = asker.ask('<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:ParentFolderIds>'
                      f'{asker.folder_element(folders(minutes)["Minutes"])}</m:ParentFolderIds></m:FindItem>', headers=content)
    same('items', items.subjects(), ['minutes'])
    same('their message', len(asker.get_items(items.ids(), headers=content).messages()), 1)
    same('deep', find('publicfoldersroot', 'Deep').codes(), ['ErrorInvalidOperation'])
    same('without the headers', find('publicfoldersroot', headers={'X-AnchorMailbox': ANNA}).codes(), ['ErrorFolderNotFound'])
    same('anchored elsewhere', find('publicfoldersroot', headers={'X-PublicFolderMailbox': public, 'X-AnchorMailbox': ANNA}).codes(),
         ['ErrorNoPublicFolderReplicaAvailable'])


def changes_outlive_a_state_but_not_the_simulator(run):
    asker = serve(run)
    first = asker.sync()
    create(asker, mail.message('new'))
    state = asker.sync(state=first.state()).state()
    again = wire.Wire(run.simulator('--plain', '--mail', run.dir / 'mail', name='again'))
    same('a state of the changed mailbox', again.sync(state=state).codes(), ['ErrorInvalidSyncStateData'])
    same('one from before', again.sync(state=first.state()).kinds(), [])


def names_are_resolved(run):
    asker = serve(run)

    def resolve(name):
        return asker.ask(f'<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>{name}</m:UnresolvedEntry></m:ResolveNames>')
    check(f'<t:EmailAddress>{ANNA}<' in resolve('anna').text(), 'anna')
    same('nobody', resolve('nobody').codes(), ['ErrorNameResolutionNoResults'])


if __name__ == '__main__':
    harness.main(*[test for name, test in list(globals().items())
                   if callable(test) and getattr(test, '__module__', '') == '__main__' and test.__code__.co_varnames[:1] == ('run',)
                   and test.__code__.co_argcount == 1 and name != 'serve'])
