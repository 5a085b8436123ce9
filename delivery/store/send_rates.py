"""What a provider grants of mail in a second and in a day, and what was given out of it: one row for each account.

delivery/rate gives it out.
"""

from sqlalchemy import Column, Double, Integer, Table, Text

from config.database import metadata

send_rates = Table(
    "send_rates",
    metadata,
    Column("account", Text, primary_key=True),  # provider and region: AWS grants by region
    # Whose turn it is to ask the provider, over all machines, and when it answered last.
    Column("taken_until", Double, nullable=False),
    Column("asked_at", Double, nullable=False),
    # As delivery.rate.bucket.Bucket has it.
    Column("granted", Double, nullable=False),  # 0: it has not said
    Column("allowed", Double, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("held_until", Double, nullable=False),
    Column("quota", Double),
    Column("sent", Double, nullable=False),
    Column("counted_at", Double, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("turned_away", Integer, nullable=False),
    Column("used", Double, nullable=False),
)
