# SPDX-License-Identifier: Apache-2.0
"""Each scenario under fixtures/scenarios really shows what its name says. Plain requests, one by one: nothing here repeats
or mends anything, and exarch isn't asked."""
import gzip
import re
import threading
import time
import xml.etree.ElementTree as ElementTree
import zlib

import harness
import mail
import wire
from harness import check, same
from wire import ANNA, BERT

SCENARIOS = harness.FIXTURES / 'scenarios'
SHOWN = {}


def shows(*names):
    """The scenarios that a test is about; it is called with each."""
    def note(test):
        for name in names:
            SHOWN[name] = test
        return test
    return note


def serve(run, name, *options):
    """A simulator with three messages and a poison item of anna, one of bert, under the scenario."""
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': mail.message('one', 'Mon, 02 Mar 2026 09:00:00 +0000'),
        'anna/Inbox/two.eml': mail.message('two', 'Mon, 02 Mar 2026 08:00:00 +0000'),
        'anna/Inbox/three.eml': mail.message('three', 'Mon, 02 Mar 2026 07:00:00 +0000'),
        'anna/Inbox/bad.eml': mail.message('some poison', 'Mon, 02 Mar 2026 06:00:00 +0000'),
        'anna/Projects/plan.eml': 'plan', 'bert/Inbox/four.eml': 'four'})
    sim = run.simulator('--plain', '--mail', folder, '--scenario', SCENARIOS / f'{name}.yaml', *options)
    asker = wire.Wire(sim)
    asker.log = sim
    return asker


def listed(asker):
    """Ids of anna's inbox, newest first: one, two, three, poison. Two requests at the most."""
    answer = asker.find_items()
    same('status of a listing', answer.status, 200)
    return answer.ids()


def well_formed(answer):
    try:
        ElementTree.fromstring(answer.body)
        return True
    except ElementTree.ParseError:
        return False


# ---- speed and limits ----


@shows('latency')
def each_request_waits(run, name):
    asker = serve(run, name)
    begin = time.monotonic()
    for _ in range(4):
        same('status', asker.get_folder().status, 200)
    check(time.monotonic() - begin >= 0.12, 'four requests of 30 ms each at the least')


@shows('bandwidth')
def a_thin_line_takes_its_time(run, name):
    asker = serve(run, name)
    mail.write_large(run.dir / 'mail/anna/Inbox/large.eml', 48 * 1024)
    found = asker.find_items()
    large = [i for i, s in zip(found.ids(), found.subjects()) if s == 'large']
    begin = time.monotonic()
    same('messages', len(asker.get_items(large).messages()), 1)
    check(time.monotonic() - begin >= 0.9, '64 KB of base64 at 64 KB a second')


@shows('gzip')
def answers_are_compressed_for_who_takes_it(run, name):
    asker = serve(run, name)
    packed = asker.get_folder(headers={'Accept-Encoding': 'gzip'})
    same('encoding', packed.headers['Content-Encoding'], 'gzip')
    check(b'NoError' in gzip.decompress(packed.body), 'it is the answer')
    same('encoding when not asked for', asker.get_folder().headers['Content-Encoding'], None)


def at_once(count, ask):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask())) for _ in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return answers


@shows('limit-per-mailbox')
def one_open_request_too_many_is_refused(run, name):
    asker = serve(run, name)
    asker.sign_in()
    answers = at_once(5, asker.get_folder)
    check(any(a.codes() == ['ErrorServerBusy'] for a in answers), 'some are refused')
    check(any(a.codes() == ['NoError'] for a in answers), 'some are served')
    check(asker.stats()['most_open_in_a_mailbox'] > 2, 'the log tells of the crowd')
    same('another mailbox', asker.get_folder(mailbox=BERT).codes(), ['NoError'])


@shows('limit-total')
def the_queue_in_front_is_full(run, name):
    asker = serve(run, name)
    asker.sign_in()
    answers = at_once(6, asker.get_folder)
    refused = [a for a in answers if a.status == 503]
    check(refused and refused[0].headers['Retry-After'] == '1', 'some get 503 with Retry-After')
    check(any(a.status == 200 for a in answers), 'some are served')


def until_refused(asker, most=12):
    for _ in range(most):
        answer = asker.get_folder()
        if answer.status != 200 or answer.codes() != ['NoError']:
            return answer
    raise harness.Failure('the budget is never used up')


@shows('budget-fault', 'budget-fault-at-200', 'budget-inline', 'budget-wrapped', 'budget-503', 'budget-429')
def over_budget_the_mailbox_backs_off(run, name):
    asker = serve(run, name)
    answer = until_refused(asker)
    status, code = {'budget-fault': (500, ['ErrorServerBusy']), 'budget-fault-at-200': (200, ['ErrorServerBusy']),
                    'budget-inline': (200, ['ErrorServerBusy']), 'budget-wrapped': (200, ['ErrorInternalServerError']),
                    'budget-503': (503, []), 'budget-429': (429, [])}[name]
    same('status', answer.status, status)
    same('codes', answer.codes(), code)
    if status in (503, 429):
        same('Retry-After', answer.headers['Retry-After'], '2')
    else:
        check(0 < answer.back_off_ms() <= 1500, 'the time is told')
    if name == 'budget-wrapped':
        check('InnerErrorResponseCode">ErrorServerBusy<' in answer.text(), 'the true code is inside')
    check(asker.get_folder().codes() != ['NoError'], 'who comes too early is refused again')
    early = [r for r in asker.log.requests_of('GetFolder') if r.get('early_ms', 0) > 0]
    same('early requests in the log', len(early), 1)
    same('another mailbox', asker.get_folder(mailbox=BERT).codes(), ['NoError'])


@shows('budget-punishes')
def who_comes_too_early_waits_all_of_it_again(run, name):
    asker = serve(run, name)
    until_refused(asker)
    time.sleep(0.7)  # inside of the time told, whatever the machine does
    again = asker.get_folder()
    check(again.back_off_ms() > 1000, f'the time begins anew, not {again.back_off_ms()} ms')


# ---- status ----

PAGES = {
    'status-503': (3, 503, {'Retry-After': '1'}, 'Server Error'), 'status-503-without-time': (3, 503, {'Retry-After': None}, ''),
    'status-429': (2, 429, {'Retry-After': '1'}, ''), 'status-500-cas-error': (2, 500, {'X-CasErrorCode': 'NoAvailableServer'},
                                                                             'CAS error'),
    'status-502': (4, 502, {}, 'Server Error'), 'status-504': (4, 504, {}, 'Server Error'),
    'status-302': (2, 302, {'Location': 'https://elsewhere.example/ews/genericerrorpage.htm'}, ''),
    'status-200-html': (2, 200, {'Content-Type': 'text/html; charset=utf-8'}, 'Server Error'),
    'status-200-empty': (2, 200, {}, ''),
    'status-401-expired': (5, 401, {}, ''), 'status-401-always': (4, 401, {}, ''), 'status-403': (1, 403, {}, ''),
}


@shows(*PAGES)
def a_status_instead_of_an_answer(run, name):
    asker = serve(run, name)
    number, status, headers, text = PAGES[name]
    answers = [asker.get_folder() for _ in range(number)]
    same('those before', [a.codes() for a in answers[:-1]], [['NoError']] * (number - 1))
    same('status', answers[-1].status, status)
    for header, value in headers.items():
        same(header, answers[-1].headers[header], value)
    check(text in answers[-1].text() and answers[-1].codes() == [], 'the page')
    if status == 401:
        harness.contains('x-ms-diagnostics', answers[-1].headers['x-ms-diagnostics'],
                         'token_expired' if 'expired' in name else '2000008')
    check(asker.stats()['faults'][name] == 1, 'it is counted')


@shows('status-500-html', 'status-413')
def a_status_for_one_operation(run, name):
    asker = serve(run, name)
    ids = listed(asker)
    statuses = [asker.get_items(ids).status for _ in range(3)]
    same('statuses', statuses, [500, 500, 200] if name == 'status-500-html' else [413] * 3)


@shows('token-503', 'token-429')
def sign_in_is_ill(run, name):
    asker = serve(run, name)
    statuses = [asker.token().status for _ in range(3)]
    same('statuses', statuses, [503, 503, 200] if name == 'token-503' else [429, 200, 200])


@shows('directory-429', 'directory-503')
def the_directory_is_ill(run, name):
    asker = serve(run, name)
    statuses = [asker.users().status for _ in range(3)]
    same('statuses', statuses, [200, 429, 200] if name == 'directory-429' else [503, 503, 200])


# ---- faults and codes ----

FAULTS = {
    'fault-busy': (['NoError', 'NoError', 'ErrorServerBusy'], 500), 'fault-busy-without-time': (
        ['NoError', 'NoError', 'ErrorServerBusy', 'NoError'], 500),
    'fault-at-200': (['NoError', 'ErrorInternalServerTransientError', 'NoError'], 200),
    'fault-no-mailbox': (['ErrorNonExistentMailbox'] * 2, 500), 'fault-impersonation': (['ErrorImpersonateUserDenied'] * 2, 500),
    'fault-unknown-code': (['NoError', 'ErrorSomethingNobodyHasHeardOf', 'NoError'], 500),
}


@shows(*FAULTS)
def a_fault_instead_of_an_answer(run, name):
    asker = serve(run, name)
    codes, status = FAULTS[name]
    for code in codes:
        answer = asker.get_folder()
        same('code', answer.codes(), [code])
        same('status', answer.status, 200 if code == 'NoError' else status)
        check(('Fault>' in answer.text()) == (code != 'NoError'), 'it is a fault')
    if name == 'fault-busy':
        same('time', answer.back_off_ms(), 1000)
        same('bert, whose third it isn\'t', asker.get_folder(mailbox=BERT).codes(), ['NoError'])


@shows('fault-transient', 'code-timeout')
def syncing_fails_twice(run, name):
    asker = serve(run, name)
    codes = [asker.sync().codes()[0] for _ in range(3)]
    code = 'ErrorInternalServerTransientError' if name == 'fault-transient' else 'ErrorTimeoutExpired'
    same('codes', codes, [code, code, 'NoError'])


@shows('code-sync-state')
def each_state_is_refused_once_with_the_trap(run, name):
    asker = serve(run, name)
    refused = asker.sync()
    same('codes', refused.codes(), ['ErrorInvalidSyncStateData'])
    check('<m:SyncState/>' in refused.text() and refused.is_last(), 'an empty state, and this was all')
    same('then', asker.sync().codes(), ['NoError'])
    same('another folder', asker.sync('drafts').codes(), ['ErrorInvalidSyncStateData'])


@shows('code-access-denied')
def one_folder_is_refused_always(run, name):
    asker = serve(run, name)
    projects = asker.folder_id('Projects')
    for _ in range(2):
        same('codes', asker.sync(projects).codes(), ['ErrorAccessDenied'])
    same('another', asker.sync().codes(), ['NoError'])


STOPPED = 'ErrorBatchProcessingStopped'
ITEMS = {  # by try: the codes of one, two, three and poison
    'code-item-not-found': [['NoError', 'ErrorItemNotFound', 'NoError', 'NoError']] * 2,
    'code-store-unavailable': [['NoError', 'ErrorMailboxStoreUnavailable', STOPPED, STOPPED]] * 2 + [['NoError'] * 4],
    'code-busy-inline': [['NoError', 'ErrorServerBusy', STOPPED, STOPPED]],
    'code-busy-wrapped': [['NoError', 'ErrorInternalServerError', 'NoError', 'NoError']],
    'code-unknown': [['NoError', 'ErrorSomethingNobodyHasHeardOf', 'NoError', 'NoError']],
    'code-first-tries': [['ErrorInternalServerError'] * 4] * 2 + [['NoError'] * 4],
    'poison-mime': [['NoError'] * 3 + ['ErrorMimeContentConversionFailed']] * 2,
    'poison-content': [['NoError'] * 3 + ['ErrorContentConversionFailed']] * 2,
    'poison-corrupt': [['NoError'] * 3 + ['ErrorCorruptData']] * 2,
}


@shows(*ITEMS)
def items_of_a_batch_fail_alone(run, name):
    asker = serve(run, name)
    ids = listed(asker)
    for codes in ITEMS[name]:
        answer = asker.get_items(ids)
        same('status', answer.status, 200)
        same('codes', [c for c in answer.codes()], codes)
        same('classes', answer.classes(), ['Success' if c == 'NoError' else 'Warning' if c == STOPPED else 'Error' for c in codes])
        same('messages', len(answer.messages()), codes.count('NoError'))
    if name.startswith('poison-'):
        codes = asker.get_items(ids, mime=False).codes()
        same('its properties', codes[3], 'ErrorCorruptData' if name == 'poison-corrupt' else 'NoError')


@shows('poison-times-out', 'poison-drops')
def a_poison_item_takes_the_batch_with_it(run, name):
    asker = serve(run, name)
    ids = listed(asker)
    for batch in (ids, ids[3:]):
        answer = asker.get_items(batch)
        same('status', answer.status, 500 if name == 'poison-times-out' else None)
    same('the others', asker.get_items(ids[:3]).codes(), ['NoError'] * 3)


@shows('code-move-in-progress', 'code-no-mailbox-inline', 'code-account-disabled')
def a_mailbox_fails_in_its_response_messages(run, name):
    asker = serve(run, name)
    first, last, code = {'code-move-in-progress': (2, 8, 'ErrorMailboxMoveInProgress'),
                         'code-no-mailbox-inline': (0, 99, 'ErrorNonExistentMailbox'),
                         'code-account-disabled': (3, 99, 'ErrorAccountDisabled')}[name]
    codes = [asker.get_folder().codes() for _ in range(10)]
    same('codes', codes, [[code] if first <= n < last else ['NoError'] for n in range(10)])
    same('another mailbox', asker.get_folder(mailbox=BERT).codes(), ['NoError'])


# ---- the wire ----


@shows('reset-before-headers', 'reset-after-headers')
def every_third_connection_is_reset(run, name):
    asker = serve(run, name)
    answers = [asker.get_folder() for _ in range(6)]
    same('whole answers', [not a.broken for a in answers], [True, True, False] * 2)
    same('status', answers[2].status, None if name == 'reset-before-headers' else 200)


@shows('reset-mid-body', 'cut-wrong-length', 'cut-right-length', 'cut-chunked')
def answers_end_in_their_middle(run, name):
    asker = serve(run, name)
    ids = listed(asker)
    for _ in range(2):
        answer = asker.get_items(ids)
        same('status', answer.status, 200)
        same('HTTP says so', answer.broken, name in ('reset-mid-body', 'cut-wrong-length'))
        check(b'</s:Envelope>' not in answer.body, 'the end is missing')
        same('chunked', answer.headers['Transfer-Encoding'], 'chunked' if name in ('cut-chunked', 'reset-mid-body') else None)
    same('then', asker.get_items(ids).codes(), ['NoError'] * 4)


@shows('broken-gzip', 'cut-gzip')
def compressed_answers_are_damaged(run, name):
    asker = serve(run, name)
    ids = listed(asker)
    answer = asker.get_items(ids, headers={'Accept-Encoding': 'gzip'})
    same('encoding', answer.headers['Content-Encoding'], 'gzip')
    try:
        gzip.decompress(answer.body)
    except (zlib.error, EOFError, OSError):
        return
    raise harness.Failure('it can be unpacked')


@shows('drip', 'stall')
def an_answer_comes_slowly(run, name):
    asker = serve(run, name)
    ids = listed(asker)
    begin = time.monotonic()
    same('codes', asker.get_items(ids).codes(), ['NoError'] * 4)
    check(time.monotonic() - begin >= 0.9, 'it takes its time')


# ---- XML ----

TEXTS = {
    'illegal-references': '&#x1;&#xB;&#0;', 'split-surrogates': '&#xD83D;&#xDE00;', 'lone-surrogate': '&#xD83D;one&#xDE00;',
    'brackets': ']]&gt;', 'other-prefixes': '<ns17:SyncFolderItemsResponse', 'default-namespace': '<SyncFolderItemsResponse',
    'bom': '\ufeff<?xml', 'comments': '<!-- ', 'padded-codes': 'ResponseCode>\r\n', 'doctype': '<!DOCTYPE x [',
}


@shows(*TEXTS)
def xml_comes_as_it_comes(run, name):
    answer = serve(run, name).sync()
    same('status', answer.status, 200)
    check(TEXTS[name] in answer.text(), f'{TEXTS[name]!r} is there: {answer.text()[:2000]}')
    same('well-formed', well_formed(answer), name not in ('illegal-references', 'split-surrogates', 'lone-surrogate'))
    if well_formed(answer):
        same('subjects', len([e for e in ElementTree.fromstring(answer.body).iter() if e.tag.endswith('}Subject')]), 4)


@shows('huge-text')
def a_text_of_more_than_ten_megabytes(run, name):
    asker = serve(run, name)
    answer = asker.get_items(listed(asker)[:1])
    check(len(answer.subjects()[0]) > 10 * 1024 * 1024, 'the subject is that long')


@shows('cdata', 'split-cdata', 'base64-lines')
def mime_content_in_other_forms(run, name):
    asker = serve(run, name)
    answer = asker.get_items(listed(asker))
    texts = [e.text for e in ElementTree.fromstring(answer.body).iter() if e.tag.endswith('}MimeContent')]
    subjects = [re.search(rb'Subject: (.*)\r', wire.base64.b64decode(t)).group(1).decode() for t in texts]
    same('what is inside', subjects, ['one', 'two', 'three', 'some poison'])
    check({'cdata': '><![CDATA[', 'split-cdata': ']]>', 'base64-lines': '&#xD;\n'}[name] in answer.text(), 'the form')


@shows('bad-base64', 'short-base64', 'truncated-data')
def mime_content_is_damaged(run, name):
    asker = serve(run, name)
    ids = listed(asker)
    answer = asker.get_items(ids)
    if name == 'truncated-data':
        check(answer.text().endswith('=== Truncated Data ==='), 'the words')
    else:
        content = re.search(r'MimeContent[^>]*>([^<]*)<', answer.text()).group(1)
        check(re.fullmatch(r'(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?', content) is None, 'no base64')
    asker.get_items(ids)
    same('then', len(asker.get_items(ids).messages()), 4)


# ---- lists ----


@shows('short-pages', 'empty-pages')
def pages_are_short(run, name):
    asker = serve(run, name)
    state, sizes, lasts = None, [], []
    while not lasts or not lasts[-1]:
        answer = asker.sync(state=state)
        state = answer.state()
        sizes.append(len(answer.ids()))
        lasts.append(answer.is_last())
    if name == 'short-pages':
        same('sizes', (sizes, lasts), ([2, 2], [False, True]))
        found = asker.find_items()
        same('a listing', (len(found.ids()), found.is_last()), (2, False))
    else:
        same('sizes', sizes, [4])
        empty = asker.sync()
        same('the next from the beginning', (empty.ids(), empty.is_last()), ([], False))
        same('and on', len(asker.sync(state=empty.state()).ids()), 4)


@shows('fewer-messages', 'more-messages', 'reversed-messages')
def response_messages_do_not_fit_the_request(run, name):
    asker = serve(run, name)
    answer = asker.get_items(listed(asker))
    subjects = {'fewer-messages': ['one', 'two', 'three'], 'more-messages': ['one', 'two', 'three', 'some poison', 'some poison'],
                'reversed-messages': ['some poison', 'three', 'two', 'one']}[name]
    same('subjects', answer.subjects(), subjects)
    check(well_formed(answer), 'well-formed all the same')


@shows('duplicate-items', 'unknown-delete')
def changes_that_make_no_sense(run, name):
    kinds = [kind for kind, _ in serve(run, name).sync().kinds()]
    same('changes', kinds, ['Create'] * 8 if name == 'duplicate-items' else ['Delete'] + ['Create'] * 4)


# ---- changes ----


@shows('change-add-items', 'change-mark-unread')
def the_next_sync_tells_of_it(run, name):
    asker = serve(run, name)
    first = asker.sync()
    same('first', [k for k, _ in first.kinds()], ['Create'] * 4)
    second = asker.sync(state=first.state())
    if name == 'change-add-items':
        same('second', (second.subjects(), [k for k, _ in second.kinds()]), (['late'] * 3, ['Create'] * 3))
        same('they can be had', len(asker.get_items(second.ids()).messages()), 3)
        same('newest first in a listing', asker.find_items().subjects()[:3], ['late'] * 3)
    else:
        same('second', second.kinds(), [('ReadFlagChange', listed(asker)[1])])
        check('<t:IsRead>false</t:IsRead>' in second.text(), 'the flag')
    same('and no more', asker.sync(state=second.state()).kinds(), [])
    fresh = asker.sync()
    same('from the beginning', {k for k, _ in fresh.kinds()}, {'Create'})
    same('nothing twice', len(set(fresh.ids())), len(fresh.ids()))


@shows('change-remove-item', 'change-move-item', 'change-modify-item')
def an_item_changes_between_listing_and_fetching(run, name):
    asker = serve(run, name)
    first = asker.sync()
    ids = first.ids()
    keys = re.findall(r'ItemId Id="[^"]+" ChangeKey="([^"]+)"', first.text())
    answer = asker.get_items(ids)
    if name == 'change-modify-item':
        same('codes', answer.codes(), ['NoError'] * 4)
        now = re.findall(r'ItemId Id="[^"]+" ChangeKey="([^"]+)"', answer.text())
        same('change keys that stayed', [a == b for a, b in zip(keys, now)], [True, False, True, True])
        check(answer.messages()[1].startswith(b'X-Sim-Modified: yes\r\n'), 'the message differs')
        same('then', asker.sync(state=first.state()).kinds(), [('Update', ids[1])])
        return
    same('codes', answer.codes(), ['NoError', 'ErrorItemNotFound', 'NoError', 'NoError'])
    same('then', asker.sync(state=first.state()).kinds(), [('Delete', ids[1])])
    if name == 'change-move-item':
        there = asker.sync(asker.folder_id('Projects'))
        same('in the other folder', sorted(there.subjects()), ['plan', 'two'])
        moved = there.ids()[there.subjects().index('two')]
        check(moved != ids[1], 'it has a new id')
        check(b'Subject: two' in asker.get_items([moved]).messages()[0], 'and the same message')


@shows('change-create-folder', 'change-delete-folder', 'change-rename-folder', 'change-move-folder')
def folders_change_during_the_run(run, name):
    asker = serve(run, name)
    before = asker.folder_id('Projects')
    asker.sync()
    after = {f: asker.folder_id(f) for f in ('Projects', 'Old projects', 'Brand new')}
    if name == 'change-create-folder':
        check(after['Brand new'] and asker.sync(after['Brand new']).codes() == ['NoError'], 'it is there')
    elif name == 'change-delete-folder':
        same('it is gone', after['Projects'], None)
        same('its sync', asker.sync(before).codes(), ['ErrorSyncFolderNotFound'])
    elif name == 'change-rename-folder':
        same('ids', (after['Projects'], after['Old projects']), (None, before))
        same('its items', asker.sync(before).subjects(), ['plan'])
    else:
        same('its id', after['Projects'], before)
        same('where it is', asker.folder_id('Projects', base='inbox'), before)
        same('its items', asker.sync(before).subjects(), ['plan'])


@shows('change-invalidate-sync-states')
def all_states_are_void(run, name):
    asker = serve(run, name)
    first = asker.sync()
    second = asker.sync(state=first.state())
    same('codes', second.codes(), ['NoError'])
    same('third', asker.sync(state=second.state()).codes(), ['ErrorInvalidSyncStateData'])
    fresh = asker.sync()
    same('from the beginning', len(fresh.ids()), 4)
    same('and on', asker.sync(state=fresh.state()).codes(), ['NoError'])


@shows('change-token-lifetime', 'change-revoke-tokens')
def tokens_end_early(run, name):
    asker = serve(run, name)
    for _ in range(3):
        same('codes', asker.get_folder().codes(), ['NoError'])
    if name == 'change-token-lifetime':
        same('a new token', wire.json.loads(asker.token().body)['expires_in'], 2)
        return
    refused = asker.get_folder()
    same('status', refused.status, 401)
    harness.contains('diagnostics', refused.headers['x-ms-diagnostics'], 'token_expired')
    asker.sign_in()
    same('with a new one', asker.get_folder().codes(), ['NoError'])


# ---- together ----


@shows('hostile')
def a_bad_day(run, name):
    sim = run.simulator('--plain', '--generate', '2x300', '--mean-size', 'small', '--scenario', SCENARIOS / 'hostile.yaml')
    asker = wire.Wire(sim)
    asker.sign_in()
    mailbox = wire.json.loads(asker.users().body)['value'][0]['mail']
    for _ in range(150):
        answer = asker.find_items(mailbox=mailbox)
        if answer.codes() == ['NoError'] and not answer.broken:
            asker.get_items(answer.ids()[:5], mailbox)
        elif answer.status == 401:
            asker.sign_in()
    faults = asker.stats()['faults']
    check(sum(count > 0 for count in faults.values()) >= 5, f'in several ways: {faults}')



@shows('five-percent')
def about_one_request_in_twenty_fails(run, name):
    def results(asker):
        return [(a.status, a.broken, tuple(a.codes())) for a in (asker.get_folder(mailbox=BERT) for _ in range(300))]
    asker = serve(run, name)
    asker.sign_in()
    results(asker)
    hits = asker.stats()['faults']
    check(5 <= sum(hits.values()) <= 60, f'about five percent: {hits}')
    check(sum(count > 0 for count in hits.values()) >= 4, f'in several ways: {hits}')


def scenarios_are_refused_with_a_word_on_what_is_wrong(run):
    cases = {'fault-s: 1': 'fault-s', 'faults:\n  - what: { wire: nonsense }': 'nonsense',
             'faults:\n  - name: two\n    what: { status: 503, wire: bom }': 'two',
             'faults:\n  - what: { status: 99 }': '200 to 599', 'budget: { burst: 5 }': 'refill_per_s',
             'faults:\n  - where: { operation: token, subject: x }\n    what: { status: 503 }': 'token'}
    for text, word in cases.items():
        path = run.dir / 'bad.yaml'
        path.write_text(text)
        done = harness.Process(['--generate', '1x1', '--scenario', path], program=harness.EXARCH_SIM).end(2)
        harness.contains(text, done.err, 'bad.yaml', word)


def a_scenario_can_take_the_place_of_another(run):
    asker = serve(run, 'status-403')
    same('status', asker.get_folder().status, 403)
    same('replaced', asker.scenario().status, 204)
    same('then', asker.get_folder().codes(), ['NoError'])
    same('a bad one', asker.scenario('faults: 3').status, 400)
    same('still', asker.get_folder().codes(), ['NoError'])


def every_scenario_is_shown(run):
    same('files without a test, tests without a file',
         {p.stem for p in SCENARIOS.glob('*.yaml')} ^ set(SHOWN), set())


def test_of(name):
    def test(run):
        SHOWN[name](run, name)
    test.__name__ = f'{SHOWN[name].__name__}: {name}'
    return test


if __name__ == '__main__':
    harness.main(scenarios_are_refused_with_a_word_on_what_is_wrong, a_scenario_can_take_the_place_of_another,
                 every_scenario_is_shown, *[test_of(name) for name in SHOWN])
