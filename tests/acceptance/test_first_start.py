"""What `make run` prints works when it is pasted, at the first start and at the next."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import skip_or_fail
from tests.harness.relay import Relay
from tests.harness.sampled import sampled
from tests.harness.waiting import wait_until

LAST_LINE = "Ctrl-C"


def sheet(relay: Relay) -> str:
    wait_until(lambda: LAST_LINE in relay.listen(), said=relay.listen)
    return relay.listen()


def printed_command(text: str, program: str) -> str:
    """The command that names the program, with the lines it goes on in."""
    found = re.search(rf"^  (?:[^\n]*\\\n)*[^\n]*\b{program} (?:[^\n]*\\\n)*[^\n]*$", text, re.MULTILINE)
    assert found, text
    return found[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """As `make run` starts it."""
    relay = Relay(tmp_path_factory.mktemp("demo"), PROCESSES=1, fresh=True).start("--demo", afresh=True, seconds=60)
    yield relay
    relay.end()


@pytest.mark.parametrize("program", sampled(["swaks", "curl"], lambda at: at == 0))
def test_printed_lines_send_a_message_when_pasted(demo: Relay, program: str) -> None:
    if shutil.which(program) is None:
        skip_or_fail(f"NOT TESTED: the printed {program} line; no {program} here")
    sent = len(demo.outbox())
    command = printed_command(sheet(demo), program)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert [envelope["rcpt_to"] for envelope, _ in demo.wait_for_outbox(sent + 1)[sent:]] == [["you@example.com"]]


def test_the_printed_request_sends_a_template_when_pasted(make_relay: Callable[..., Relay]) -> None:
    if shutil.which("curl") is None:
        skip_or_fail("NOT TESTED: the printed curl line of the API; no curl here")
    relay = make_relay()
    relay.start("--demo")
    found = re.search(r"^  curl http://.*?\}\}'$", sheet(relay), re.MULTILINE | re.DOTALL)
    assert found
    done = subprocess.run(["bash", "-c", found[0]], capture_output=True, text=True, timeout=60)

    assert json.loads(done.stdout)["content"]["subject"] == "Hello Amala"
    ((envelope, content),) = relay.wait_for_outbox(1)
    assert envelope["rcpt_to"] == ["you@example.com"]
    assert b"for Amala" in content


def test_the_printed_request_sends_a_text_when_pasted(demo: Relay) -> None:
    if shutil.which("curl") is None:
        skip_or_fail("NOT TESTED: the printed curl line of the API; no curl here")
    found = re.search(r"^  curl http://[^\n]*/sms .*?\}\}'$", sheet(demo), re.MULTILINE | re.DOTALL)
    assert found
    done = subprocess.run(["bash", "-c", found[0]], capture_output=True, text=True, timeout=60)

    answer = json.loads(done.stdout)
    assert answer["content"]["body"] == "It works: this text was made of a template, for Amala."
    demo.wait_for_status(demo.json("message", "show", answer["id"])["group_id"], "delivered")
    text = json.loads((demo.folder / f"var/outbox/{answer['id']}.sms.json").read_text())
    assert (text["to"], text["body"]) == ("+16135550100", f"Demo service: {answer['content']['body']}")


def test_a_demo_service_of_an_older_version_gets_its_template(make_relay: Callable[..., Relay]) -> None:
    relay = make_relay()
    relay.start("--demo")
    relay.stop()
    file = relay.folder / "var/demo.json"
    made = json.loads(file.read_text())
    del made["template_id"], made["sms_template_id"]
    file.write_text(json.dumps(made))
    relay.start("--demo")

    made = json.loads(file.read_text())
    assert made["template_id"] in sheet(relay)
    assert made["sms_template_id"] in sheet(relay)


def test_the_next_start_prints_the_same_credentials(make_relay: Callable[..., Relay]) -> None:
    relay = make_relay()
    sheets = []
    for _ in range(2):
        relay.start("--demo")
        sheets.append(sheet(relay))
        relay.stop()

    assert re.findall(r"password +(\w+)", sheets[0]) == re.findall(r"password +(\w+)", sheets[1]) != []
