#!/bin/sh
# Known vulnerabilities in what a lock file names. Where their service cannot be reached nothing is known, which stops
# nobody: one line says so. It builds and installs nothing. PIP_AUDIT is the command.
set -u
if said=$("${PIP_AUDIT:-pip-audit}" --vulnerability-service osv --timeout 5 --progress-spinner off \
    --require-hashes --disable-pip --no-deps --requirement "$1" 2>&1); then
    echo "$1: no known vulnerabilities"
elif echo "$said" | grep -q '^Found [0-9]'; then
    echo "$said"
    exit 1
elif echo "$said" | grep -Eqi 'ConnectionError|Timeout|ProxyError|SSLError|ServiceError|HTTPError|could not connect'; then
    echo "$1: NOT AUDITED: the service that knows of vulnerabilities cannot be reached"
else
    echo "$said"
    exit 1
fi
