from messages.email.content import MAX_FIELDS
from tests.integration.conftest import CONTENT, Works, works  # noqa: F401


async def test_a_header_section_larger_than_doors_take_goes_out_with_the_others(works: Works) -> None:  # noqa: F811
    """Accepted before the bound was there, or grown past it by what we add."""
    large = await works.put(b"X: y\r\n" * (MAX_FIELDS + 2) + CONTENT)
    others = [await works.put() for _ in range(3)]
    async with works.worker():
        for message in [large, *others]:
            await works.wait(message, "sending")
