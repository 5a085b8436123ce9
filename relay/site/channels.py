"""What people call the channels of messages and templates."""

from collections.abc import Mapping

from messages.message import Channel
from messages.text import Text

CHANNELS: Mapping[Channel, Text] = {Channel.EMAIL: Text("Email"), Channel.SMS: Text("Text message")}
