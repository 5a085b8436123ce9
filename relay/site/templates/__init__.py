"""Templates of a service: lists, one with its preview, writing, versions, copies and the archive."""
