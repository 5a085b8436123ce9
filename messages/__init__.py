"""The pure core that every door and the delivery side share: bytes and values in, values out.

No I/O, clock, settings or logging; it knows nothing of providers, databases or protocols' sessions.
"""
