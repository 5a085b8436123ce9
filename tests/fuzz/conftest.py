import os

from hypothesis import HealthCheck, settings

from tests.harness.sampled import examples

# `make test` runs few examples, always the same; `make fuzz` (HYPOTHESIS_PROFILE=long) many new ones.
settings.register_profile("default", max_examples=examples(60), derandomize=True, deadline=None)
settings.register_profile(
    "long", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def fewer() -> int:
    """Examples of what takes a hundred times as long as the others."""
    return max(settings.default.max_examples // 10, 2)
