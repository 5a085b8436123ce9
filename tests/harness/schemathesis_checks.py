"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): every reply that it gets passes the clients' contract, too."""

import os

import schemathesis

from tests.harness.api_contract import Contract, Reply


@schemathesis.check
def published_clients_contract(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    method = str(response.request.method)
    if method in ("HEAD", "OPTIONS"):  # have no body
        return
    contract = Contract(os.environ["CONTRACT_PUBLIC_URL"], os.environ["CONTRACT_SERVICE_ID"])
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    contract.check(Reply(method, response.request.path_url, response.status_code, headers, response.content))
