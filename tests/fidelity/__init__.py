"""Whether a message that was sent still says what was received: judged by code that shares nothing with ours.

`preparing` runs our code; all else here knows the two messages only.
"""

from tests.fidelity.checking import UNSENDABLE, Verdict, judge

__all__ = ["UNSENDABLE", "Verdict", "judge"]
