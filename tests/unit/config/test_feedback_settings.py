"""Where events come from: what can be set, and what is said of what cannot."""

from collections.abc import Callable

import pytest

from config.settings import PREFIX, SettingsError, load

TOPIC = "arn:aws:sns:ca-central-1:123456789012:ses-events"
SetUp = Callable[..., None]


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> SetUp:
    def set_(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(PREFIX + name, value)

    return set_


def test_topics_are_a_comma_list(set_up: SetUp) -> None:
    set_up(AWS__SNS_TOPICS=f" {TOPIC}, {TOPIC}-2 ,", FEEDBACK__LISTEN=":9000")
    settings = load()
    assert settings.aws.sns_topics == (TOPIC, TOPIC + "-2")
    assert settings.feedback.listen.port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS__SNS_TOPICS", "ses-events"),
        ("AWS__SNS_TOPICS", f"{TOPIC},arn:aws:sqs:ca-central-1:123456789012:ses-events"),
        ("AWS__SNS_TOPICS", TOPIC.replace("123456789012", "1")),
        ("AWS__SNS_TOPICS", TOPIC + ":5e1c7a1e"),
        ("AWS__SNS_ENDPOINT_URL", "sns"),
        ("AWS__EVENTS_QUEUE_URL", "ses-events"),
        ("AWS__EVENTS_QUEUE_URL", "https://sqs.ca-central-1.amazonaws.com"),
        ("AWS__EVENTS_QUEUE_URL", "https://sqs.ca-central-1.amazonaws.com/"),
        ("FEEDBACK__LISTEN", "8081"),
    ],
)
def test_what_names_no_queue_topic_or_address_is_told(set_up: SetUp, name: str, value: str) -> None:
    set_up(**{name: value})
    with pytest.raises(SettingsError, match=f"^{PREFIX}{name}"):
        load()


@pytest.mark.parametrize("topics", [["ses-events"], [1], TOPIC])
def test_topics_in_a_file_are_checked_too(topics: object) -> None:
    if topics == TOPIC:
        assert load(aws={"sns_topics": [topics]}).aws.sns_topics == (TOPIC,)
        return
    with pytest.raises(SettingsError, match="SNS_TOPICS"):
        load(aws={"sns_topics": topics})
