"""Keys: list, make, show once, rotate, revoke; how a product is set up, and what the door sees of it."""
