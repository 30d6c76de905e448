# SPDX-License-Identifier: Apache-2.0
"""client_exchangelib.py URL ADDRESS PASSWORD CONNECTIONS FOLDER: fetches the MIME of an inbox with exchangelib, as well as it can:
ids first, then batches on several connections, each message into a file."""
import concurrent.futures
import pathlib
import sys

import exchangelib

BATCH = 25


def main():
    url, address, password, connections, to = sys.argv[1:]
    configuration = exchangelib.Configuration(
        service_endpoint=url, credentials=exchangelib.Credentials(address, password), auth_type=exchangelib.BASIC,
        version=exchangelib.Version(exchangelib.version.EXCHANGE_2016), max_connections=int(connections))
    account = exchangelib.Account(address, config=configuration, autodiscover=False, access_type=exchangelib.DELEGATE)
    account.protocol.TIMEOUT = 600
    ids = [exchangelib.items.Message(id=i, changekey=key) for i, key in account.inbox.all().values_list('id', 'changekey')]

    def fetch(first):
        for n, item in enumerate(account.fetch(ids[first:first + BATCH], only_fields=['mime_content'], chunk_size=BATCH), first):
            (pathlib.Path(to) / f'{n:06}.eml').write_bytes(item.mime_content)
    with concurrent.futures.ThreadPoolExecutor(int(connections)) as threads:
        list(threads.map(fetch, range(0, len(ids), BATCH)))


main()
